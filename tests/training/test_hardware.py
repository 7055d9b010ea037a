"""What a training says of the machine before it starts."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from configs.flags import expand
from stage1_dcgan.config import Stage1Config
from stage2_pix2pix.config import Stage2Config
from training import devices, hardware
from training.config import fields
from training.fit import Schedule
from unet_eval.config import UnetConfig

ROOT = Path(__file__).parents[2]
without_gpu = pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="this machine has a GPU")

# Of TensorFlow 2.14: beside a driver without CUDA's libraries, and with CUDA_VISIBLE_DEVICES=-1.
LOG = """\
2026-11-26 17:00:23.255975: I tensorflow/core/util/port.cc:111] oneDNN custom operations are on. You may see slightly
2026-11-26 17:00:23.288457: E tensorflow/compiler/xla/stream_executor/cuda/cuda_dnn.cc:9342] Unable to register cuDNN \
factory: Attempting to register factory for plugin cuDNN when one has already been registered
2026-11-26 17:00:25.101010: W tensorflow/core/common_runtime/gpu/gpu_device.cc:2211] Cannot dlopen some GPU libraries. \
Please make sure the missing libraries mentioned above are installed properly if you would like to use GPU.
Skipping registering GPU devices...
"""
HIDDEN = ("2026-11-26 17:00:25.2: E tensorflow/compiler/xla/stream_executor/cuda/cuda_driver.cc:268] failed call to "
          "cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected\n")


def test_the_reason_is_taken_from_the_log_and_nothing_else():
    missing = hardware.reason(LOG)
    assert missing.startswith("Cannot dlopen some GPU libraries.") and missing.endswith("would like to use GPU.")
    assert hardware.reason(HIDDEN * 2) == ("failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is "
                                           "detected")
    assert hardware.reason(LOG.splitlines()[0]) == ""


CONFIGS = {"stage1": Stage1Config, "stage2": Stage2Config, "unet": UnetConfig}


def of_preset(preset, stage):
    """The config that the flags of the preset make."""
    kinds = {field.name: kind for field, kind in fields(CONFIGS[stage])}
    flags = (flag.lstrip("-").partition("=") for flag in expand([f"--flagfile=configs/{preset}/{stage}.flags"]))
    return CONFIGS[stage](pairs="drive:x", out="x", **{
        name: kinds[name](value if equals else True) for name, equals, value in flags})


@without_gpu
@pytest.mark.parametrize("preset, stage, slow", [
    ("paper", "stage1", True), ("paper", "stage2", True), ("paper", "unet", True), ("authors", "stage1", False),
    ("cpu", "unet", False)])
def test_device_precision_and_days_are_told_once(preset, stage, slow, caplog):
    caplog.set_level("INFO")
    config = of_preset(preset, stage)
    devices.start(config, Schedule.from_config(config, 18))
    [line] = [line for line in caplog.messages if "device:" in line]
    assert "CPU with" in line and "no GPU: " in line and "precision: " in line
    assert ("precision: float32" in line) or preset != "paper"
    assert sum("days" in line for line in caplog.messages) == slow


def dry_run(drive, out, environment=None):
    """The lines that a training says which is not begun."""
    answer = subprocess.run([sys.executable, "-m", "unet_eval.train", f"--pairs={drive}", f"--out={out}", "--dry_run",
                             "--flagfile=configs/paper/unet.flags"], cwd=ROOT, capture_output=True, text=True,
                            env={**os.environ, **(environment or {})})
    return answer.returncode, answer.stderr.splitlines()


@without_gpu
@pytest.mark.training
def test_nothing_of_tensorflows_log_is_seen_beside_it(drive, tmp_path):
    status, said = dry_run(drive, tmp_path / "out")
    assert status == 0, said
    assert sum("device:" in line for line in said) == sum("days" in line for line in said) == 1
    assert not any("tensorflow/" in line for line in said)  # a line of its log of C++


# The first step of the default run, what each network's scripts have in common, and a report.
@pytest.mark.parametrize("script, absent", [
    ("data.phantom", "fcntl"), ("data.phantom", "resource"), ("stage1_dcgan.generate", "fcntl"),
    ("stage2_pix2pix.train", "fcntl"), ("unet_eval.train", "fcntl"), ("unet_eval.evaluate", "fcntl")])
@pytest.mark.training
def test_a_system_without_locks_is_told_which_have_them(tmp_path, script, absent):
    (tmp_path / f"{absent}.py").write_text(f"raise ImportError('as on Windows', name='{absent}')\n")
    answer = subprocess.run([sys.executable, "-m", script], cwd=ROOT, capture_output=True, text=True,
                            env={**os.environ, "PYTHONPATH": str(tmp_path)})
    said = answer.stderr.splitlines()
    assert answer.returncode == 1 and len(said) == 1, said
    assert said[0].startswith("error: ") and all(name in said[0] for name in (absent, "Linux", "macOS", "WSL"))

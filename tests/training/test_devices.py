"""Devices: what two make of a batch is what one makes of it."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow import keras

from data.errors import UserError
from training import devices

ROOT = Path(__file__).parents[2]


@pytest.mark.training
@pytest.mark.long
def test_every_stage_trains_on_two_devices_as_on_one(drive):
    answer = subprocess.run([sys.executable, str(Path(__file__).with_name("two_devices.py")), drive], cwd=ROOT,
                            env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}, text=True,
                            capture_output=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    report = json.loads(answer.stdout.splitlines()[-1])
    assert report.pop("devices") == [1, 2]
    assert len(report) == 8
    for name, what in report.items():
        assert max(what["moved"]) > 1e-3 * what["size"], name
        for moved, difference in zip(what["moved"], what["difference"]):
            assert difference < 1e-5 * what["size"], (name, what)
            # A loss scaled wrongly shows where little moves; a bias before batch norm moves by rounding errors only.
            assert difference < 1e-3 * moved + 2e-6, (name, what)
        for alone, together in zip(*(losses.values() for losses in what["losses"])):
            assert together == pytest.approx(alone, rel=1e-3), (name, what["losses"])


def test_one_device_is_one():
    strategy, name = devices.choose_strategy("one", 7)
    assert strategy.num_replicas_in_sync == 1 and name == "one"
    several = len(tf.config.list_logical_devices("GPU")) > 1
    strategy, name = devices.choose_strategy("auto", 64)
    assert (strategy.num_replicas_in_sync > 1) == several and name == ("mirrored" if several else "one")


@pytest.mark.training
def test_batches_of_every_network_have_to_divide_over_the_devices():
    """Eight pairs on three devices are 3, 3 and 2, of which the last would count for more."""
    script = """
import tensorflow as tf
from data.errors import UserError
from stage2_pix2pix.config import Stage2Config
from training import devices
from training.fit import Schedule
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
common = {"pairs": "drive:x", "out": "no folder", "strategy": "mirrored", "batch_size": 6, "precision": "float32"}
for architecture, coarse_batch in (("coarse_to_fine", 8), ("coarse_to_fine", 9), ("pix2pix", 8)):
    config = Stage2Config(**common, architecture=architecture, coarse_batch=coarse_batch)
    try:
        print(devices.start(config, Schedule(1, 1, 6, 0)).strategy.num_replicas_in_sync)
    except UserError as error:
        print(error)
"""
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True,
                            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})
    assert answer.stdout.splitlines() == [
        "--coarse_batch=8 does not divide over 3 devices: use a multiple of 3, or --strategy=one", "3", "3"], \
        answer.stderr[-2000:]


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "{half"])
def test_several_machines_have_to_be_named(monkeypatch, content):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if content is not None:
        monkeypatch.setenv("TF_CONFIG", content)
    with pytest.raises(UserError, match="TF_CONFIG"):
        devices.choose_strategy("multi_worker", 8)


def test_a_seed_gives_the_same_first_weights():
    def weights(seed):
        devices.set_seed(seed)
        return keras.layers.Dense(4).build((None, 3)) or keras.Sequential(
            [keras.layers.Dense(4, input_shape=(3,))]).get_weights()[0].tolist()
    assert weights(1) == weights(1) != weights(2)

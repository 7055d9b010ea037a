"""`train` called again: what may differ from the start, what may not, and whose files lie in the folder."""
from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tensorflow import keras

import stage1_dcgan.train
import stage2_pix2pix.train
import unet_eval.train
from data.errors import UserError
from data.files import read_json, write_json
from stage1_dcgan.config import Stage1Config
from stage2_pix2pix.config import Stage2Config
from training import precision
from training.run_folder import read_config, read_record
from unet_eval.config import UnetConfig
from unet_eval.train import train

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[2]


def steps(config):
    """Numbers of the checkpoints in its folder."""
    return sorted(int(path.stem.partition("-")[2]) for path in Path(config.out).glob("ckpt-*.index"))


def to_version_1(config, *later):
    """Rewrites config.json as version 1 had it, without the options that came later."""
    path = Path(config.out) / "config.json"
    record = read_json(path, "")
    flags = {name: value or None if name == "synthetic" else value for name, value in record["flags"].items()
             if name not in later}
    write_json(path, {"flags": flags, "data": record["data"], "git": record["git"], "versions": record["versions"]})


def refusal(config):
    """The line with which the training is refused; it has changed nothing."""
    before = {path: path.read_bytes() for path in Path(config.out).rglob("*") if path.is_file()}
    with pytest.raises(UserError) as error:
        train(config)
    assert {path: path.read_bytes() for path in Path(config.out).rglob("*") if path.is_file()} == before
    return str(error.value)


@pytest.mark.long
def test_a_unet_of_version_1_goes_on(unet_config):
    config = unet_config(precision="auto", strategy="auto")
    train(config)
    to_version_1(config, "modality")
    assert "seed: 0 -> 1" in refusal(replace(config, seed=1))
    train(replace(config, epochs=2))
    record = read_record(config.out, "")
    assert steps(config) == [2, 4] and record["version"] == 2
    assert read_config(config.out, UnetConfig, "") == replace(config, epochs=2)
    assert record["resolved"].keys() == {"precision", "strategy", "devices"}


@pytest.mark.long
def test_stages_of_version_1_go_on(drive, tmp_path):
    common = {"pairs": drive, "batch_size": 2, "base": 4, "size": 64, "epochs": 1, "steps_per_epoch": 1,
              "pictures_every": 9, "precision": "float32", "strategy": "one"}
    for module, config, later in (
            (stage1_dcgan.train, Stage1Config(**common, out=str(tmp_path / "stage1")), ["modality"]),
            (stage2_pix2pix.train, Stage2Config(**common, out=str(tmp_path / "stage2"), d_base=4),
             ["modality", "architecture"])):
        module.train(config)
        to_version_1(config, *later)
        module.train(replace(config, epochs=2))
        assert steps(config) == [1, 2]
        assert read_config(config.out, type(config), "") == replace(config, epochs=2)


@pytest.mark.parametrize("stage, config, options", [
    (stage1_dcgan.train, Stage1Config, {"size": 64}), (stage2_pix2pix.train, Stage2Config, {"size": 64, "d_base": 4}),
    (unet_eval.train, UnetConfig, {"crop": 32, "poolings": 2})])
def test_after_an_error_the_same_process_may_call_again(drive, tmp_path, stage, config, options):
    """Whoever keeps the error, as Jupyter does, keeps what the training had open."""
    made = config(pairs=drive, out=str(tmp_path / "run"), base=4, batch_size=2, validation=0, epochs=1,
                  steps_per_epoch=1, precision="float32", strategy="one", **options)
    stage.train(made)
    for path in (tmp_path / "run").glob("ckpt-*"):
        path.unlink()
    errors = []
    for _ in range(2):
        with pytest.raises(UserError, match="the checkpoints of the training that ran there are gone") as error:
            stage.train(made)
        errors.append(error)


def test_a_config_of_a_later_version_is_refused(unet_config):
    config = unet_config()
    train(config)
    path = Path(config.out) / "config.json"
    write_json(path, {**read_json(path, ""), "version": 3})
    assert "config.json is of version 3" in refusal(config)


@pytest.mark.parametrize("name, policy", [
    ("float32", "float32"), pytest.param("bfloat16", "mixed_bfloat16", marks=pytest.mark.long)])
def test_auto_on_resuming_is_what_it_was_at_the_start(request, unet_config, monkeypatch, name, policy):
    """Also on a processor for which `auto` is now something else."""
    if name == "bfloat16":
        request.getfixturevalue("bfloat16")
    monkeypatch.setattr(precision, "computes_bfloat16", lambda: True)  # in float32 it is asked for and refused only
    monkeypatch.setattr(precision, "cpu_multiplies_bfloat16", lambda cpuinfo: True)
    monkeypatch.setattr(precision, "bfloat16_pays", lambda: name == "bfloat16")
    config = unet_config(precision="auto")
    train(config)
    monkeypatch.setattr(precision, "bfloat16_pays", lambda: name != "bfloat16")
    train(replace(config, epochs=2))
    assert keras.mixed_precision.global_policy().name == policy
    assert read_record(config.out, "")["resolved"]["precision"] == name and steps(config) == [2, 4]
    train(replace(config, epochs=3, precision=name))  # the same by name
    other = {"float32": "bfloat16", "bfloat16": "float32"}[name]
    assert f"(precision: 'auto' -> '{other}')" in refusal(replace(config, epochs=4, precision=other))


@pytest.mark.long
def test_a_training_goes_on_with_another_number_of_devices(unet_config):
    config = unet_config(strategy="mirrored", batch_size=4)
    train(config)
    assert read_record(config.out, "")["resolved"]["devices"] == 1
    script = f"""
import unet_eval.train
import tensorflow as tf
from unet_eval.config import UnetConfig
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
unet_eval.train.train(UnetConfig(**{ {**config.to_json(), "strategy": "auto", "epochs": 2} }))
"""
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True,
                            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})
    assert answer.returncode == 0, answer.stderr[-2000:]
    resolved = read_record(config.out, "")["resolved"]
    assert resolved == {"precision": "float32", "strategy": "mirrored", "devices": 2} and steps(config) == [2, 4]


@pytest.mark.parametrize("stage, config", [(stage1_dcgan.train, Stage1Config), (stage2_pix2pix.train, Stage2Config),
                                           (unet_eval.train, UnetConfig)])
def test_a_folder_with_files_of_the_user_is_refused(drive, tmp_path, stage, config):
    sizes = {"crop": 32, "poolings": 2} if config is UnetConfig else {"size": 64}
    (tmp_path / "ckpt-best.pt").write_bytes(b"mine")
    with pytest.raises(UserError, match="ckpt-best.pt was not made by a training.*another --out"):
        stage.train(config(pairs=drive, out=str(tmp_path), base=4, batch_size=2, validation=0, **sizes))
    assert [path.name for path in tmp_path.iterdir()] == ["ckpt-best.pt"]
    assert (tmp_path / "ckpt-best.pt").read_bytes() == b"mine"


def test_files_of_the_user_in_the_run_folder_stay(unet_config):
    config = unet_config(epochs=2)
    train(config)
    foreign = {"ckpt-best.pt": b"best", "ckpt-5.pt": b"five", "ckpt-2.txt": b"notes"}
    for name, content in foreign.items():
        (Path(config.out) / name).write_bytes(content)
    train(replace(config, epochs=6))
    assert steps(config) == [8, 10, 12]  # the project's own older ones are dropped
    assert {name: (Path(config.out) / name).read_bytes() for name in foreign} == foreign


def test_fewer_epochs_than_were_trained_are_refused(unet_config):
    """Its record would say that the weights are of fewer."""
    config = unet_config(epochs=2)
    train(config)
    assert "4 steps, and --epochs=1 is 2: give --epochs=2 or more" in refusal(replace(config, epochs=1))
    assert "steps_per_epoch: 2 -> 1" in refusal(replace(config, steps_per_epoch=1))
    train(config)


def test_a_dry_run_writes_nothing(unet_config):
    config = unet_config(dry_run=True)
    train(config)
    assert not Path(config.out).exists()

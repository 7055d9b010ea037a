"""`make bench-quality` reads minutes to an F1 from what trainings logged."""
from __future__ import annotations

import json
import time

import pytest
import tensorflow as tf

from data.errors import UserError
from tests.bench import quality
from training import tensorboard


def log(folder, tag, values):
    with tf.summary.create_file_writer(str(folder)).as_default():
        for step, value in enumerate(values):
            tf.summary.scalar(tag, value, step=step)


def test_minutes_to_a_level_are_those_of_the_first_validation_that_reaches_it():
    values = [(60.0, 0.5), (120.0, 0.76), (180.0, 0.74), (240.0, 0.81)]
    assert [quality.minutes_to(level, values) for level in (0.5, 0.75, 0.8, 0.9)] == [1.0, 2.0, 4.0, None]


def test_a_run_is_measured_from_its_logs(tmp_path, capsys):
    for name in ("stage1", "unet-real"):
        (tmp_path / name / "logs").mkdir(parents=True)
        (tmp_path / name / "config.json").write_text(json.dumps({"flags": {}, "resolved": {"precision": "float32"}}))
    log(tmp_path / "stage1" / "logs" / "diversity", "diversity", [0.5, 0.9])
    with tf.summary.create_file_writer(str(tmp_path / "unet-real" / "logs")).as_default():
        tensorboard.hparams.hparams({"base": 4})  # no scalar
    log(tmp_path / "unet-real" / "logs" / "validation", "f1_vessel", [0.6, 0.72, 0.71])
    log(tmp_path / "unet-real" / "logs" / "train", "epoch_loss", [0.3])
    quality.main(quality.QualityConfig(run=str(tmp_path), out=str(tmp_path / "quality.json")))
    said = json.loads((tmp_path / "quality.json").read_text())
    stage1, unet = said["trainings"]["stage1"], said["trainings"]["unet-real"]
    assert stage1["last"] == {"diversity": 0.9} and "minutes_to_f1" not in stage1
    assert unet["last"] == {"f1_vessel": 0.71} and unet["precision"] == "float32"
    assert unet["minutes_to_f1"]["0.70"] is not None and unet["minutes_to_f1"]["0.75"] is None
    assert said["minutes"] == pytest.approx(sum(row["minutes"] for row in said["trainings"].values()), abs=0.01)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["training", "stage1", "unet-real",
                                                                                  "total"]


def test_minutes_are_those_of_all_phases(tmp_path):
    (tmp_path / "stage2" / "logs").mkdir(parents=True)
    (tmp_path / "stage2" / "config.json").write_text(json.dumps({"flags": {}, "resolved": {}}))
    one = {}
    for phase in ("", "coarse"):
        folder = tmp_path / "stage2" / phase / "logs"
        with tf.summary.create_file_writer(str(folder / "train")).as_default():
            tf.summary.scalar("epoch_loss", 1.0, step=0)
            time.sleep(0.7)
            tf.summary.scalar("epoch_loss", 0.5 if phase else 0.4, step=1)
        one[phase] = quality.logged(folder)[0]
    assert min(one.values()) > 0.6
    row = quality.measure(tmp_path / "stage2")
    assert row["minutes"] == pytest.approx(sum(one.values()) / 60, abs=0.006) and row["minutes"] >= 0.02
    assert row["last"] == {}, "losses are no quality"


def test_a_file_of_the_user_s_is_not_replaced_and_its_own_is(tmp_path):
    (tmp_path / "stage1" / "logs").mkdir(parents=True)
    (tmp_path / "stage1" / "config.json").write_text(json.dumps({"flags": {}, "resolved": {}}))
    out = tmp_path / "reports" / "quality.json"
    for _ in range(2):
        quality.main(quality.QualityConfig(run=str(tmp_path), out=str(out)))
    out.write_text("mine")
    with pytest.raises(UserError, match="quality.json has been changed since it was made: choose another --out"):
        quality.main(quality.QualityConfig(run=str(tmp_path), out=str(out)))
    assert out.read_text() == "mine"


def test_a_folder_without_trainings_is_named(tmp_path):
    with pytest.raises(UserError, match="holds no training"):
        quality.main(quality.QualityConfig(run=str(tmp_path), out=str(tmp_path / "quality.json")))

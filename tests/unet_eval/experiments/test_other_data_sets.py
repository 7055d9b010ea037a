"""The arms on the test images of other data sets."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn

from data.fundus import to_native
from data.images import read_image, write_image
from data.layouts import samples
from unet_eval.experiments import other_data_sets
from unet_eval.run import Run, load_test_images
from unet_eval.segment import Segmenter


def test_thresholds_are_those_of_the_first_data_set(config, results):
    crossed = results["cross"]["drive"]
    assert crossed["n_test"] == crossed["n_test_patients"] == 2 and crossed["seen"] == 0 and crossed["spec"] == "drive"
    # Arms with a number are left out, those with a sign in their name are not.
    assert set(crossed["arms"]) == {"real", "real+synthetic", "rendered", "synthetic"}
    segmenter = Segmenter(Path(config.run) / "unet-synthetic")
    threshold = results["arms"]["synthetic"]["threshold"]
    truth, predicted = [], []
    for test in load_test_images(config.test[0]):
        truth.append(test.truth[test.fov])
        predicted.append(to_native(test.view, segmenter.probability(test.view))[test.fov] >= np.float32(threshold))
    expected = sklearn.f1_score(np.concatenate(truth), np.concatenate(predicted))
    assert crossed["arms"]["synthetic"]["f1_vessel"] == pytest.approx(expected, abs=1e-6)


def test_photographs_that_stage2_saw_are_counted_by_what_they_show(few_config, tmp_path):
    for number, test in enumerate(samples(few_config.pairs, "test")[:2]):
        write_image(tmp_path / f"holiday {number}.png", read_image(test.image))
    with Run(replace(few_config, arms=("real",), photos=f"messidor:{tmp_path}")) as run:
        assert other_data_sets.cross(run, few_config.pairs, run.tests)["seen"] == 2


def test_photographs_that_an_arm_was_trained_on_are_told(few_config, tmp_path):
    for number, test in enumerate(samples(few_config.pairs, "test")[:2]):
        write_image(tmp_path / f"holiday {number}.png", read_image(test.image))
    with Run(replace(few_config, arms=("real",))) as run:
        run.nets = {"photos-relabelled": run.nets["real"], "real": run.nets["real"]}
        run.records["unet-photos-relabelled"] = {"data": {"synthetic": {"source": f"messidor:{tmp_path}"}}}
        run.threshold = lambda net: 0.5
        found = other_data_sets.cross(run, few_config.pairs, run.tests)
        assert found["labelled"] == {"photos-relabelled": 2} and found["seen"] == 0
        for path in tmp_path.glob("holiday*"):
            path.unlink()
        gone = other_data_sets.cross(run, few_config.pairs, run.tests)
    assert gone["labelled"] == {"photos-relabelled": None} and gone["arms"] == found["arms"]
    said = str(other_data_sets.section({"cross": {"drive": gone}}, tmp_path).blocks)
    assert "Whether the arm photos-relabelled was trained on any of these photographs is not known" in said
    assert "was trained on None" not in said and "as another U-Net labelled them" not in said


def test_other_data_sets_of_one_layout_stand_side_by_side(config, few_config, write_drive, tmp_path):
    another = write_drive(tmp_path / "another", ("40",), ("41",))
    with Run(replace(few_config, arms=("real",), test=(*config.test, another))) as run:
        crossed = other_data_sets.measure(run)["cross"]
    assert {name: entry["n_test"] for name, entry in crossed.items()} == {config.test[0]: 2, another: 1}
    assert other_data_sets.data_set_name("folder:/data/mine") == "mine"

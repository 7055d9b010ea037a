"""Copies are told from other masks."""
from __future__ import annotations

import numpy as np
import pytest

from data.fundus import square
from unet_eval.experiments.nearest import compare
from unet_eval.measures.nearest import nearer
from unet_eval.measures.resampling import jackknife


@pytest.fixture(scope="module")
def masks(eye):
    return [square(eye(seed)[1], 256) for seed in range(7)]


def test_compare_tells_copies(masks):
    training = masks[:3]
    copies = [np.rot90(training[0]).copy(), training[1][:, ::-1].copy(), training[2], training[2]]
    others = masks[3:]
    compared = compare(copies, others, list("1234"), training, ["a", "b", "c"])
    assert max(compared["synthetic"]) < 0.001 and min(compared["test"]) > 0.1
    # 4 below 4 is one of 70 orders; SciPy takes the normal approximation where two copies tie.
    assert compared["p"] == pytest.approx(1 / 70, abs=0.002)
    assert compare(others, copies, list("1234"), training, ["a", "b", "c"])["p"] > 0.98
    assert compared["share"] == {"mean": 1, "ci95": [1, 1]}
    first = compared["matches"][0]
    assert first == {"mask": 0, "training": 0, "stem": "a", "flip": False, "degrees": 90, "shift": [0, 0],
                     "distance": compared["synthetic"][0]}


def test_without_test_masks_there_is_no_p(masks):
    training = masks[:3]
    compared = compare(training[:1], [], [], training, ["a", "b", "c"])
    assert np.isnan(compared["p"]) and compared["test"] == [] and len(compared["matches"]) == 1


def test_the_share_that_is_nearer_by_hand():
    """0 is nearer than all of 1, 3 and 5, 1 than two and a half of them, 4 than one: 6.5 of 9."""
    synthetic, test = np.array([0.0, 1, 4]), np.array([1.0, 3, 5])
    found = nearer(synthetic, test, np.array(list("abc")))["share"]
    assert found["mean"] == pytest.approx(6.5 / 9)
    patients, masks = np.array([5, 4.5, 3.5]) / 6, np.array([3.5, 4, 5.5]) / 6
    assert found["ci95"][0] == pytest.approx(jackknife(6.5 / 9, patients, masks).ci95()[0])
    few = nearer(synthetic, test, np.array(list("abb")))["share"]
    assert few["mean"] == pytest.approx(6.5 / 9) and np.isnan(few["ci95"]).all()

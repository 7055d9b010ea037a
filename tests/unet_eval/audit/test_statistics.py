"""Figures of whole sets, on numbers of which the answer is known."""
from __future__ import annotations

import numpy as np
import pytest

from unet_eval.audit import statistics

PATIENTS = [str(number // 2) for number in range(24)]  # two images each
TRAINED = np.arange(24) < 12


@pytest.fixture
def alike():
    """40 records that are as near to training as to held-out images."""
    return np.random.default_rng(0).uniform(0, 0.5, (40, 24)).astype(np.float32)


def test_without_memory_half_is_nearer_to_training(alike):
    share = statistics.share_nearer(alike, PATIENTS, TRAINED)
    assert share["value"] == pytest.approx(0.5, abs=0.15)
    assert share["ci95"][0] < 0.5 < share["ci95"][1]
    assert share["p"] > 0.05


def test_copies_are_nearer_to_training(alike):
    alike[np.arange(40), np.arange(40) % 12] = 0.9
    share = statistics.share_nearer(alike, PATIENTS, TRAINED)
    assert share["value"] == 1 and share["ci95"] == [1, 1]
    assert share["p"] == pytest.approx(1 / 924, abs=0.002)  # of the deals of 12 patients, none is as extreme


def test_the_share_by_hand():
    """Of 6 records 4 are nearest to one of 3 training patients, 2 to the one held-out patient: 4/3 / (4/3 + 2)."""
    alike = np.zeros((6, 4))
    alike[np.arange(6), [0, 0, 1, 2, 3, 3]] = 1
    share = statistics.share_nearer(alike, list("abcd"), np.array([True, True, True, False]))
    assert share["value"] == pytest.approx(0.4) and share["least_p"] == 0.25


def test_more_training_images_are_no_memory():
    """Of 20 training and 4 held-out images 5 of 6 nearest ones are training images, by their number alone."""
    alike = np.random.default_rng(1).uniform(0, 1, (200, 24))
    share = statistics.share_nearer(alike, [str(n) for n in range(24)], np.arange(24) < 20)
    assert share["value"] == pytest.approx(0.5, abs=0.15) and share["p"] > 0.05


def test_few_patients_cannot_give_a_small_p(alike):
    patients = ["a"] * 12 + ["b"] * 12
    assert statistics.share_nearer(alike, patients, TRAINED)["least_p"] == 0.5


def test_membership():
    score = np.arange(24)[::-1].astype(float)
    leak = statistics.membership(score, PATIENTS, TRAINED)
    assert leak["value"] == 1 and leak["ci95"] == [1, 1] and leak["p"] < 0.005
    assert statistics.membership(-score, PATIENTS, TRAINED)["value"] == 0
    assert statistics.membership(np.zeros(24), PATIENTS, TRAINED)["value"] == 0.5


def test_the_ratio_is_to_another_patient():
    """Both images of a patient are near: the second nearest is the other patient's."""
    alike = np.array([[0.9, 0.9, 0.5, 0.4, 0.5, 0.5, 0.5, 0.1]])
    ratio = statistics.nearest_ratio(alike, list("aabbccdd"), np.arange(8) < 4)
    assert ratio["value"] == pytest.approx(0.1 / 0.5) and ratio["unseen"] == pytest.approx(1)
    assert statistics.nearest_ratio(alike, list("aaaabbcc"), np.arange(8) < 4)["value"] is None


def test_ratios_tell_copies_and_nothing_else(alike):
    assert statistics.nearest_ratio(alike, PATIENTS, TRAINED)["p"] > 0.05
    alike[np.arange(40), np.arange(40) % 12] = 0.9
    ratio = statistics.nearest_ratio(alike, PATIENTS, TRAINED)
    assert ratio["value"] < 0.25 < ratio["unseen"] and ratio["p"] < 0.005


def test_power_by_hand():
    """1 - (1 - 0.05816)^50 = 0.95."""
    assert statistics.least_share(50, 1.0) == pytest.approx(0.05816, abs=1e-4)
    assert statistics.least_share(50, 0.5) == pytest.approx(0.11631, abs=1e-4)
    assert statistics.least_share(1, 0.5) == statistics.least_share(50, 0) == 1


def test_a_rate_is_as_low_as_few_hits_leave_possible():
    """0.6915^10 = 0.025; Clopper and Pearson's interval of 9 of 10 begins at 0.555."""
    assert statistics.least_rate(10, 10, 0.975) == pytest.approx(0.6915, abs=1e-4)
    assert statistics.least_rate(9, 10, 0.975) == pytest.approx(0.5550, abs=1e-4)
    assert statistics.least_rate(0, 10, 0.975) == 0

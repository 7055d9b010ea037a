"""What an arm's entry says, from counts worked by hand."""
import numpy as np
import pytest

from unet_eval import measure

STRONG = [[80, 20, 20, 880], [90, 10, 10, 890]]  # two images; vessel F1 0.8 and 0.9, pooled 0.85
WEAK = [[60, 40, 40, 860], [70, 30, 30, 870]]    # 0.6 and 0.7, pooled 0.65


def test_differences_are_paired():
    entry = measure.differences(np.array([STRONG]), np.array([WEAK]))["f1_vessel"]
    # whichever images are drawn, the arm is ahead by 0.2: unpaired intervals would overlap by chance
    assert entry["mean"] == pytest.approx(0.2)
    assert entry["ci95"] == pytest.approx([0.2, 0.2])
    assert entry["p"] == pytest.approx(2 / 2001)


def test_an_arm_does_not_differ_from_itself():
    entry = measure.differences(np.array([STRONG]), np.array([STRONG]))
    for key in ("f1_vessel", "f1_macro"):
        assert entry[key] == {"mean": 0, "ci95": [0, 0], "p": 1}


def test_spread_is_over_seeds_and_the_interval_over_images():
    spreads = measure.spreads(np.array([STRONG, WEAK]))  # pooled 0.85 and 0.65
    assert spreads["spread"]["f1_vessel"] == pytest.approx(np.sqrt(2) * 0.1)  # n - 1
    assert spreads["ci95"]["f1_vessel"] == pytest.approx([0.7, 0.8])  # the means where one image is drawn twice
    assert measure.spreads(np.array([STRONG]))["spread"] == {"f1_vessel": None, "f1_macro": None}


def test_a_difference_of_means_over_seeds():
    entry = measure.differences(np.array([STRONG, WEAK]), np.array([WEAK, WEAK]))["f1_vessel"]
    assert entry["mean"] == pytest.approx(0.1)

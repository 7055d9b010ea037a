"""Intervals, spreads and differences, from counts worked by hand."""
import numpy as np
import pytest

from unet_eval.measures import metrics, resampling

WORKED = np.array([6, 2, 3, 9])  # tp, fp, fn, tn
STRONG = [[80, 20, 20, 880], [90, 10, 10, 890]]  # two images; vessel F1 0.8 and 0.9, pooled 0.85
WEAK = [[60, 40, 40, 860], [70, 30, 30, 870]]    # 0.6 and 0.7, pooled 0.65


def test_differences_are_paired():
    entry = resampling.differences(np.array([STRONG]), np.array([WEAK]))["f1_vessel"]
    # whichever images are drawn, the arm is ahead by 0.2: unpaired intervals would overlap by chance
    assert entry["mean"] == pytest.approx(0.2)
    assert entry["ci95"] == pytest.approx([0.2, 0.2])
    assert entry["p"] == pytest.approx(2 / 2001)


def test_an_arm_does_not_differ_from_itself():
    entry = resampling.differences(np.array([STRONG]), np.array([STRONG]))
    for key in ("f1_vessel", "f1_macro"):
        assert entry[key] == {"mean": 0, "ci95": [0, 0], "p": 1}


def test_spread_is_over_seeds_and_the_interval_over_images():
    spreads = resampling.spreads(np.array([STRONG, WEAK]))  # pooled 0.85 and 0.65
    assert spreads["spread"]["f1_vessel"] == pytest.approx(np.sqrt(2) * 0.1)  # n - 1
    assert spreads["ci95"]["f1_vessel"] == pytest.approx([0.7, 0.8])  # the means where one image is drawn twice
    assert resampling.spreads(np.array([STRONG]))["spread"] == {"f1_vessel": None, "f1_macro": None}


def test_a_difference_of_means_over_seeds():
    entry = resampling.differences(np.array([STRONG, WEAK]), np.array([WEAK, WEAK]))["f1_vessel"]
    assert entry["mean"] == pytest.approx(0.1)


def test_bootstrap_of_equal_images_has_no_width():
    drawn = resampling.bootstrap(np.tile(WORKED, (1, 5, 1)))
    assert resampling.interval(drawn["f1_vessel"]) == pytest.approx([12 / 17, 12 / 17])


def test_bootstrap_draws_images_and_pools_their_pixels():
    drawn = resampling.bootstrap([[[9, 1, 1, 9], [1, 9, 9, 1]]])
    for key in metrics.F1:  # both images drawn from the same end
        assert resampling.interval(drawn[key]) == pytest.approx([0.1, 0.9])
    assert set(np.round(drawn["f1_vessel"], 6)) == {0.1, 0.5, 0.9}
    again = resampling.bootstrap([[[9, 1, 1, 9], [1, 9, 9, 1]]])
    assert np.array_equal(drawn["f1_vessel"], again["f1_vessel"])


def test_bootstrap_is_of_the_mean_over_seeds():
    first, second = [[9, 1, 1, 9], [1, 9, 9, 1]], [[5, 5, 5, 5], [5, 5, 5, 5]]
    drawn = resampling.bootstrap([first, second])  # the second seed has 0.5 whatever is drawn
    assert set(np.round(drawn["f1_vessel"], 6)) == {0.3, 0.5, 0.7}


def test_bootstrap_agrees_with_resampling_one_by_one():
    random = np.random.default_rng(5)
    counts = random.integers(1, 50, (8, 4))
    pooled = [metrics.scores(counts[random.integers(0, 8, 8)].sum(0))["f1_vessel"] for _ in range(4000)]
    expected = np.percentile(pooled, [2.5, 97.5])
    assert resampling.interval(resampling.bootstrap(counts[None])["f1_vessel"]) == pytest.approx(expected, abs=0.02)


def test_p_value_by_hand():
    assert resampling.p_value(np.array([0.1] * 999)) == pytest.approx(2 / 1000)  # all on one side: as small as it gets
    assert resampling.p_value(np.array([-0.1] * 49 + [0.1] * 950)) == pytest.approx(0.1)  # 2 * (49 + 1) / 1000
    assert resampling.p_value(np.zeros(9)) == 1

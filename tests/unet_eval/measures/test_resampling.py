"""Intervals, spreads and comparisons, from counts worked by hand."""
import numpy as np
import pytest

from unet_eval.measures import metrics, resampling

WORKED = np.array([6, 2, 3, 9])  # tp, fp, fn, tn
STRONG = [[80, 20, 20, 880], [90, 10, 10, 890]]  # two images; vessel F1 0.8 and 0.9, pooled 0.85
WEAK = [[60, 40, 40, 860], [70, 30, 30, 870]]    # 0.6 and 0.7, pooled 0.65
GOOD, EVEN, BAD = [9, 1, 1, 9], [5, 5, 5, 5], [1, 9, 9, 1]  # both F1 0.9, 0.5 and 0.1
TWO = ["a", "b"]


def drawn(counts, patients):
    """The different values of the vessel F1 that draws have."""
    return set(np.round(resampling.bootstrap(counts, patients)["f1_vessel"], 6))


def test_differences_and_ratios_are_paired():
    entry = resampling.differences(np.array([STRONG]), np.array([WEAK]), TWO)["f1_vessel"]
    # whichever patients are drawn, the arm is ahead by 0.2: unpaired intervals would overlap by chance
    assert entry["mean"] == pytest.approx(0.2)
    assert entry["ci95"] == pytest.approx([0.2, 0.2])
    assert entry["p"] == pytest.approx(2 / 2001)
    ratio = resampling.ratios(np.array([STRONG]), np.array([WEAK]), TWO)["f1_vessel"]
    assert ratio["mean"] == pytest.approx(0.85 / 0.65)
    assert ratio["ci95"] == pytest.approx([0.9 / 0.7, 0.8 / 0.6])  # one patient twice; unpaired 0.8 / 0.7, too


def test_seeds_are_drawn_together_in_both_arms():
    arm = np.array([STRONG, WEAK, STRONG])
    for compared, value in ((resampling.differences, 0), (resampling.ratios, 1)):
        assert compared(arm, arm.copy(), TWO)["f1_vessel"]["ci95"] == [value, value]
    alone = resampling.differences(arm, np.array([STRONG]), TWO)["f1_vessel"]["ci95"]  # its draw has a single seed
    assert alone == pytest.approx([-0.2, 0])


def test_an_arm_does_not_differ_from_itself():
    entry = resampling.differences(np.array([STRONG]), np.array([STRONG]), TWO)
    for key in ("f1_vessel", "f1_macro"):
        assert entry[key] == {"mean": 0, "ci95": [0, 0], "p": 1}


def test_a_ratio_to_nothing_is_not_defined():
    for counts in ([0, 5, 5, 5], EVEN):
        ratio = resampling.ratios(np.array([[counts]]), np.array([[[0, 5, 5, 5]]]), ["a"])
        assert not np.isfinite([ratio["f1_vessel"]["mean"], *ratio["f1_vessel"]["ci95"]]).any()
        assert np.isfinite([ratio["f1_macro"]["mean"], *ratio["f1_macro"]["ci95"]]).all()


def test_spread_is_over_seeds_and_the_interval_over_patients_and_seeds():
    spreads = resampling.spreads(np.array([STRONG, WEAK]), TWO)  # pooled 0.85 and 0.65
    assert spreads["spread"]["f1_vessel"] == pytest.approx(np.sqrt(2) * 0.1)  # n - 1
    assert spreads["ci95"]["f1_vessel"] == pytest.approx([0.6, 0.9])  # one patient twice and one seed twice
    alone = resampling.spreads(np.array([STRONG]), TWO)
    assert alone["spread"] == {"f1_vessel": None, "f1_macro": None}
    assert alone["ci95"]["f1_vessel"] == pytest.approx([0.8, 0.9])


def test_a_difference_of_means_over_seeds():
    entry = resampling.differences(np.array([STRONG, WEAK]), np.array([WEAK, WEAK]), TWO)["f1_vessel"]
    assert entry["mean"] == pytest.approx(0.1)


def test_bootstrap_of_equal_images_has_no_width():
    drawn = resampling.bootstrap(np.tile(WORKED, (1, 5, 1)), list("abcde"))
    assert resampling.interval(drawn["f1_vessel"]) == pytest.approx([12 / 17, 12 / 17])


def test_bootstrap_draws_patients_and_pools_their_pixels():
    once = resampling.bootstrap([[GOOD, BAD]], TWO)
    for key in metrics.F1:  # both patients drawn from the same end
        assert resampling.interval(once[key]) == pytest.approx([0.1, 0.9])
    assert drawn([[GOOD, BAD]], TWO) == {0.1, 0.5, 0.9}
    again = resampling.bootstrap([[GOOD, BAD]], TWO)
    assert np.array_equal(once["f1_vessel"], again["f1_vessel"])


def test_images_of_one_patient_are_drawn_together():
    assert drawn([[GOOD, BAD]], ["a", "a"]) == {0.5}
    # Images of a patient do not follow one another: (good, bad) of a, (even, good) of b, pooled 0.5 and 0.7.
    assert drawn([[GOOD, EVEN, BAD, GOOD]], ["a", "b", "a", "b"]) == {0.5, 0.6, 0.7}


def test_bootstrap_draws_seeds_and_takes_their_mean():
    assert drawn([[GOOD, GOOD], [EVEN, EVEN]], TWO) == {0.5, 0.7, 0.9}


def test_bootstrap_agrees_with_resampling_one_by_one():
    random = np.random.default_rng(5)
    counts = random.integers(1, 50, (3, 8, 4))
    patients = np.array(list("aabbcdef"))
    names, values = np.unique(patients), []
    for _ in range(4000):
        images = np.concatenate([np.flatnonzero(patients == name) for name in random.choice(names, len(names))])
        pooled = metrics.scores(counts[random.integers(0, 3, 3)][:, images].sum(axis=1))
        values.append(pooled["f1_vessel"].mean())
    expected = np.percentile(values, [2.5, 97.5])
    assert resampling.interval(resampling.bootstrap(counts, patients)["f1_vessel"]) == pytest.approx(expected, abs=0.02)


def test_p_value_by_hand():
    assert resampling.p_value(np.array([0.1] * 999)) == pytest.approx(2 / 1000)  # all on one side: as small as it gets
    assert resampling.p_value(np.array([-0.1] * 49 + [0.1] * 950)) == pytest.approx(0.1)  # 2 * (49 + 1) / 1000
    assert resampling.p_value(np.zeros(9)) == 1

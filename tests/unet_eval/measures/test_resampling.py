"""Intervals, spreads and comparisons, from counts worked by hand, and how often intervals hold the truth."""
import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from unet_eval.measures import resampling
from unet_eval.measures.metrics import F1

GOOD, EVEN, BAD = [9, 1, 1, 9], [5, 5, 5, 5], [1, 9, 9, 1]  # of 20 pixels, both F1 0.9, 0.5 and 0.1
THREE = ["a", "b", "c"]
T2 = t.ppf(0.975, 2)  # 4.303: two degrees of freedom


def test_an_interval_over_patients_of_equal_size_is_students():
    """F1 0.9, 0.5 and 0.1: mean 0.5, standard deviation 0.4, standard error 0.4 / sqrt 3 = 0.2309."""
    low, high = resampling.spreads(np.array([[GOOD, EVEN, BAD]]), THREE)["ci95"]["f1_vessel"]
    assert (low, high) == (0, 1)  # 0.5 -/+ 4.303 * 0.2309, cut off
    entry = resampling.differences(np.array([[GOOD, GOOD, EVEN]]), np.array([[EVEN, EVEN, BAD]]), THREE)["f1_vessel"]
    assert entry["mean"] == pytest.approx(0.4) and entry["ci95"] == pytest.approx([0.4, 0.4])  # paired: always 0.4
    entry = resampling.differences(np.array([[GOOD, GOOD, EVEN]]), np.array([[BAD, EVEN, BAD]]), THREE)["f1_vessel"]
    each = np.array([0.8, 0.4, 0.4])
    reach = T2 * each.std(ddof=1) / 3 ** 0.5
    assert entry["ci95"] == pytest.approx([each.mean() - reach, min(each.mean() + reach, 1)])
    assert entry["p"] == pytest.approx(ttest_1samp(each, 0).pvalue)


def test_a_ratio_is_paired_and_its_interval_is_of_both_arms():
    """Without a, b or c the ratios are 1.4 / 0.6, 1.4 / 0.2 and 1.8 / 0.6."""
    ratio = resampling.ratios(np.array([[GOOD, GOOD, EVEN]]), np.array([[BAD, EVEN, BAD]]), THREE)["f1_vessel"]
    assert ratio["mean"] == pytest.approx(2.3 / 0.7)
    error = np.std([1.4 / 0.6, 1.4 / 0.2, 1.8 / 0.6], ddof=1) * 2 / 3 ** 0.5  # (n - 1) / n of the sum of squares
    assert ratio["ci95"] == pytest.approx([0, 2.3 / 0.7 + T2 * error])
    twice = resampling.ratios(np.array([[GOOD, GOOD, EVEN]]), np.array([[GOOD, GOOD, EVEN]]), THREE)["f1_vessel"]
    assert twice == {"mean": 1, "ci95": [1, 1]}


def test_images_of_one_patient_are_one_unit():
    alone = resampling.spreads(np.array([[GOOD, EVEN, EVEN]]), THREE)["ci95"]["f1_macro"]
    for patients in (["a", "b", "c", "a", "b", "c"], ["a", "a", "b", "b", "c", "c"]):
        images = [GOOD, EVEN, EVEN] * 2 if patients[1] == "b" else [GOOD, GOOD, EVEN, EVEN, EVEN, EVEN]
        assert resampling.spreads(np.array([images]), patients)["ci95"]["f1_macro"] == pytest.approx(alone)


def test_seeds_are_units_too():
    """Patients do not differ: only seeds do, with F1 0.9, 0.5 and 0.5."""
    spreads = resampling.spreads(np.array([[GOOD] * 4, [EVEN] * 4, [EVEN] * 4]), list("abcd"))
    error = np.std([0.9, 0.5, 0.5], ddof=1) / 3 ** 0.5
    assert spreads["ci95"]["f1_vessel"] == pytest.approx([1.9 / 3 - T2 * error, 1])
    assert spreads["spread"]["f1_vessel"] == pytest.approx(np.std([0.9, 0.5, 0.5], ddof=1))
    alone = resampling.spreads(np.array([[GOOD] * 4]), list("abcd"))
    assert alone["ci95"]["f1_vessel"] == pytest.approx([0.9, 0.9]) and alone["spread"]["f1_vessel"] is None


def test_seeds_of_two_arms_are_paired_where_they_are_as_many():
    arm = np.array([[GOOD] * 4, [EVEN] * 4])
    for compared, value in ((resampling.differences, 0), (resampling.ratios, 1)):
        assert compared(arm, arm.copy(), list("abcd"))["f1_vessel"]["ci95"] == [value, value]
    good, fair = [90, 10, 10, 90], [89, 11, 11, 89]
    two, three = np.array([[good] * 4, [fair] * 4]), np.array([[good] * 4, [fair] * 4, [good] * 4])
    entry = resampling.differences(two, three, list("abcd"))["f1_vessel"]  # 0.895 - 0.8967, seeds of their own
    parts = np.array([np.var([0.9, 0.89], ddof=1) / 2, np.var([0.9, 0.89, 0.9], ddof=1) / 3])
    freedom = parts.sum() ** 2 / (parts[0] ** 2 + parts[1] ** 2 / 2)
    assert entry["ci95"][1] == pytest.approx(0.895 - 2.69 / 3 + t.ppf(0.975, freedom) * parts.sum() ** 0.5)


def test_an_arm_does_not_differ_from_itself():
    entry = resampling.differences(np.array([[GOOD, BAD, EVEN]]), np.array([[GOOD, BAD, EVEN]]), THREE)
    for key in F1:
        assert entry[key] == {"mean": 0, "ci95": [0, 0], "p": 1}
    assert resampling.differences(np.array([[GOOD] * 3]), np.array([[BAD] * 3]), THREE)["f1_macro"]["p"] < 1e-6


def test_a_ratio_to_nothing_is_not_defined():
    nothing = [0, 5, 5, 5]
    for counts in (nothing, EVEN):
        ratio = resampling.ratios(np.array([[counts] * 3]), np.array([[nothing] * 3]), THREE)
        assert not np.isfinite([ratio["f1_vessel"]["mean"], *ratio["f1_vessel"]["ci95"]]).any()
        assert np.isfinite([ratio["f1_macro"]["mean"], *ratio["f1_macro"]["ci95"]]).all()


def test_two_patients_are_too_few():
    assert np.isnan(resampling.spreads(np.array([[GOOD, BAD, BAD]]), ["a", "b", "b"])["ci95"]["f1_vessel"]).all()
    entry = resampling.differences(np.array([[GOOD, BAD]]), np.array([[BAD, BAD]]), ["a", "b"])["f1_vessel"]
    assert entry["mean"] == pytest.approx(0.4) and np.isnan([*entry["ci95"], entry["p"]]).all()


def test_holm_by_hand():
    """0.01 x 4, then 0.02 x 3, then 0.04 x 2; 0.03 of three is not below what came before it."""
    assert resampling.holm([0.04, 0.01, 0.5, 0.02]) == pytest.approx([0.08, 0.04, 0.5, 0.06])
    assert resampling.holm([0.02, 0.021, 0.9]) == pytest.approx([0.06, 0.06, 0.9])
    assert resampling.holm([0.6, np.nan, 0.7]) == pytest.approx([1, np.nan, 1], nan_ok=True)


def test_a_table_is_corrected_together():
    entries = [{"p": 0.04}, {"p": 0.01}, {"p": float("nan")}]
    resampling.correct(entries)
    assert [entry["p_holm"] for entry in entries] == pytest.approx([0.04, 0.02, np.nan], nan_ok=True)


def draw_arms(random, patients, seeds):
    """Counts (seeds, 2 patients, 4) of two arms, each patient with two images, and the F1 of all patients and seeds.

    Patients differ in size and, skewed, in how hard they are, and that more so for the second arm; U-Nets differ, and
    find some patients harder than others do.
    """
    size = 9000 * np.exp(random.normal(0, 0.3, patients))
    hard, arms, truths = (random.gamma(4, 0.5, patients) - 2) * 0.04, [], []
    for found, times in ((0.78, 1.0), (0.72, 1.2)):
        net = random.normal(0, 0.008 if seeds > 1 else 0, (seeds, 1, 1))
        image = random.normal(0, 0.02, (patients, 2)) + random.normal(0, 0.006, (seeds, patients, 1))
        share = np.clip(found + net - times * hard[:, None] + image, 0.01, 1)
        false = 0.25 + 0.5 * times * hard[:, None] + random.normal(0, 0.006, (seeds, patients, 2))
        pixels = size[:, None] * np.stack([share, np.clip(false, 0, 1), 1 - share, np.full_like(share, 8.0)])
        arms.append(np.moveaxis(pixels, 0, -1).reshape(seeds, -1, 4).astype(np.int64))
        truths.append(2 * found / (found + 1 + 0.25))
    return arms, truths


@pytest.mark.parametrize("patients, seeds", [(4, 1), (14, 3), *(
    pytest.param(*numbers, marks=pytest.mark.long) for numbers in ((4, 3), (14, 1), (20, 1), (20, 3)))])
def test_intervals_hold_the_truth_as_often_as_they_say(patients, seeds):
    random, names, trials = np.random.default_rng(0), np.repeat(np.arange(patients), 2), 800
    held = np.zeros(3)
    for _ in range(trials):
        (arm, other), (truth, other_truth) = draw_arms(random, patients, seeds)
        intervals = (resampling.spreads(arm, names)["ci95"], resampling.differences(arm, other, names),
                     resampling.ratios(arm, other, names))
        truths = truth, truth - other_truth, truth / other_truth
        ends = [each["f1_vessel"] if isinstance(each["f1_vessel"], list) else each["f1_vessel"]["ci95"]
                for each in intervals]
        held += [low <= value <= high for (low, high), value in zip(ends, truths)]
    assert (0.92 <= held / trials).all() and (held / trials <= 0.97).all()

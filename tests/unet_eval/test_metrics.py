"""Metrics against hand-worked numbers and scikit-learn."""
import math
import time

import numpy as np
import pytest
from sklearn import metrics as sklearn

from unet_eval import metrics

WORKED = np.array([6, 2, 3, 9])  # tp, fp, fn, tn


def images(seed, count=3, shape=(40, 50)):
    """Reference masks and probabilities that agree with them in part, with many ties."""
    random = np.random.default_rng(seed)
    truth = random.random((count, *shape)) < 0.2
    noisy = 0.3 * truth + random.random(truth.shape) * 0.7
    return truth, np.round(noisy, 2).astype(np.float32)


def test_confusion_counts_each_kind_of_pixel_inside_only():
    truth = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], bool)
    found = np.array([[1, 0, 1, 0], [1, 1, 0, 0]], bool)
    assert metrics.confusion(truth, found).tolist() == [3, 1, 1, 3]
    inside = np.array([[1, 1, 1, 1], [0, 0, 0, 0]], bool)
    assert metrics.confusion(truth, found, inside).tolist() == [1, 1, 1, 1]


def test_scores_by_hand():
    scores = metrics.scores(WORKED)
    assert scores["f1_vessel"] == pytest.approx(12 / 17)
    assert scores["f1_background"] == pytest.approx(18 / 23)
    assert scores["f1_macro"] == pytest.approx((12 / 17 + 18 / 23) / 2)
    assert scores["sensitivity"] == pytest.approx(6 / 9)
    assert scores["specificity"] == pytest.approx(9 / 11)
    assert scores["accuracy"] == pytest.approx(15 / 20)
    assert scores["mcc"] == pytest.approx((6 * 9 - 2 * 3) / math.sqrt(8 * 9 * 11 * 12))


def test_scores_agree_with_scikit_learn():
    truth, probability = images(0)
    found = probability >= 0.5
    scores = metrics.scores(metrics.confusion(truth, found))
    truth, found = truth.ravel(), found.ravel()
    expected = {
        "f1_vessel": sklearn.f1_score(truth, found),
        "f1_background": sklearn.f1_score(truth, found, pos_label=0),
        "f1_macro": sklearn.f1_score(truth, found, average="macro"),
        "sensitivity": sklearn.recall_score(truth, found),
        "specificity": sklearn.recall_score(truth, found, pos_label=0),
        "accuracy": sklearn.accuracy_score(truth, found),
        "mcc": sklearn.matthews_corrcoef(truth, found),
    }
    assert scores.keys() == expected.keys()
    for key, value in expected.items():
        assert scores[key] == pytest.approx(value, abs=1e-9), key


def test_counts_of_a_large_data_set_do_not_overflow():
    scores = metrics.scores(WORKED * 10**9)
    assert scores["mcc"] == pytest.approx(metrics.scores(WORKED)["mcc"])


@pytest.mark.parametrize("truth, found, f1", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1)])
def test_a_class_without_a_pixel_is_defined(truth, found, f1):
    truth, found = np.full((4, 4), truth, bool), np.full((4, 4), found, bool)
    scores = metrics.scores(metrics.confusion(truth, found))
    assert scores["f1_vessel"] == f1
    assert scores["f1_macro"] == f1
    assert scores["mcc"] == 0
    assert all(np.isfinite(value) for value in scores.values())


def test_auc_by_hand_counts_ties_as_half():
    assert metrics.auc(np.array([0.8, 0.4]), np.array([0.4, 0.1, 0.9])) == pytest.approx((2 + 1.5) / 6)


@pytest.mark.parametrize("decimals", [1, 2, 8])
def test_auc_agrees_with_scikit_learn(decimals):
    truth, _ = images(1)
    noisy = np.random.default_rng(2).random(truth.shape) * 0.7 + 0.3 * truth
    probability = np.round(noisy, decimals).astype(np.float32)
    expected = sklearn.roc_auc_score(truth.ravel(), probability.ravel())
    assert metrics.auc(probability[truth], probability[~truth]) == pytest.approx(expected, abs=1e-9)


def test_auc_tells_probabilities_near_zero_apart():
    assert metrics.auc(np.float32([3e-9, 1e-8]), np.float32([1e-9, 2e-9])) == 1


def test_auc_without_one_class_is_not_a_number():
    assert math.isnan(metrics.auc(np.float32([]), np.float32([0.2])))
    assert math.isnan(metrics.auc(np.float32([0.2]), np.float32([])))


def test_auc_of_a_test_set_takes_seconds():
    probability = np.random.default_rng(0).random(8 * 960 * 999, np.float32)
    start = time.perf_counter()
    assert metrics.auc(probability[:700_000], probability[700_000:]) == pytest.approx(0.5, abs=1e-3)
    assert time.perf_counter() - start < 15


def test_best_threshold_is_the_best_of_a_scan():
    truth, probability = images(3)
    best = metrics.best_threshold(probability[truth], probability[~truth])
    f1 = {t / 100: sklearn.f1_score(truth.ravel(), (probability >= np.float32(t / 100)).ravel())
          for t in range(1, 100)}
    assert f1[best] == pytest.approx(max(f1.values()))
    assert f1[best] > f1[0.5]


def test_bootstrap_of_equal_images_has_no_width():
    interval = metrics.bootstrap(np.tile(WORKED, (5, 1)))
    assert interval["f1_vessel"] == pytest.approx([12 / 17, 12 / 17])


def test_bootstrap_draws_images_and_pools_their_pixels():
    counts = np.array([[9, 1, 1, 9], [1, 9, 9, 1]])
    interval = metrics.bootstrap(counts)
    assert interval["f1_vessel"] == pytest.approx([0.1, 0.9])  # both images drawn from the same end
    assert interval["f1_macro"] == pytest.approx([0.1, 0.9])
    assert interval == metrics.bootstrap(counts)


def test_bootstrap_agrees_with_resampling_one_by_one():
    random = np.random.default_rng(5)
    counts = random.integers(1, 50, (8, 4))
    pooled = [metrics.scores(counts[random.integers(0, 8, 8)].sum(0))["f1_vessel"] for _ in range(4000)]
    assert metrics.bootstrap(counts)["f1_vessel"] == pytest.approx(np.percentile(pooled, [2.5, 97.5]), abs=0.02)


def test_kl_by_hand():
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert metrics.kl_divergence([3, 1], [20, 20], smoothing=0) == pytest.approx(expected)
    smoothed = 4 / 6 * math.log(4 / 6 / 0.5) + 2 / 6 * math.log(2 / 6 / 0.5)
    assert metrics.kl_divergence([3, 1], [20, 20], smoothing=1) == pytest.approx(smoothed)


def test_kl_is_zero_for_equal_shapes_directed_and_finite_over_empty_bins():
    assert metrics.kl_divergence([1, 2, 3], [100, 200, 300], smoothing=0) == pytest.approx(0)
    there, back = metrics.kl_divergence([90, 10], [50, 50]), metrics.kl_divergence([50, 50], [90, 10])
    assert there > 0 and back > 0 and there != pytest.approx(back)
    assert 0 < metrics.kl_divergence([10, 0], [0, 10]) < 10


def test_kl_of_halves_compares_disjoint_images():
    assert metrics.kl_of_halves([[4, 4], [4, 4], [8, 8]], smoothing=0) == pytest.approx(0)
    expected = metrics.kl_divergence([9, 1], [1, 9])
    assert metrics.kl_of_halves([[9, 1], [1, 9]]) == pytest.approx(expected)
    assert math.isnan(metrics.kl_of_halves([[9, 1]]))


def test_intensity_histogram_takes_grey_levels_inside_only():
    photograph = np.zeros((2, 2, 3), np.uint8)
    photograph[0, 0] = 255
    photograph[0, 1] = 128
    inside = np.array([[1, 1], [1, 0]], bool)
    assert metrics.intensity_histogram(photograph, inside, bins=4).tolist() == [1, 0, 1, 1]
    full = metrics.intensity_histogram(photograph, inside)
    assert full[[0, 128, 255]].tolist() == [1, 1, 1] and full.sum() == 3


def test_mask_statistics_by_hand():
    mask = np.zeros((20, 20), bool)
    mask[0, 0:10] = True                          # 10 pixels
    mask[[2, 3, 4], [0, 1, 2]] = True             # 3 in a diagonal: one component
    mask[10, [0, 2, 4, 6, 8, 10]] = True          # 6 specks
    mask[19] = True                               # outside
    inside = np.ones_like(mask)
    inside[19] = False
    statistics = metrics.mask_statistics(mask, inside)
    assert statistics["density"] == pytest.approx(19 / 380)
    assert statistics["largest_components"] == pytest.approx((10 + 3 + 1 + 1 + 1) / 19)
    assert metrics.mask_statistics(mask, inside, largest=1)["largest_components"] == pytest.approx(10 / 19)


def test_mask_statistics_of_an_empty_mask_are_zero():
    empty = np.zeros((4, 4), bool)
    assert metrics.mask_statistics(empty, ~empty) == {"density": 0, "largest_components": 0}
    assert metrics.mask_statistics(empty, empty) == {"density": 0, "largest_components": 0}

"""Metrics against hand-worked numbers and scikit-learn."""
import math

import numpy as np
import pytest
from sklearn import metrics as sklearn

from unet_eval.measures import metrics

WORKED = np.array([6, 2, 3, 9])  # tp, fp, fn, tn


def images(seed, count=3, shape=(40, 50)):
    """Reference masks and probabilities that agree with them in part, with many ties."""
    random = np.random.default_rng(seed)
    truth = random.random((count, *shape)) < 0.2
    noisy = 0.3 * truth + random.random(truth.shape) * 0.7
    return truth, np.round(noisy, 2).astype(np.float32)


def test_confusion_counts_each_kind_of_pixel_inside_only():
    truth = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], bool)
    predicted = np.array([[1, 0, 1, 0], [1, 1, 0, 0]], bool)
    assert metrics.confusion(truth, predicted).tolist() == [3, 1, 1, 3]
    inside = np.array([[1, 1, 1, 1], [0, 0, 0, 0]], bool)
    assert metrics.confusion(truth, predicted, inside).tolist() == [1, 1, 1, 1]


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
    predicted = probability >= 0.5
    scores = metrics.scores(metrics.confusion(truth, predicted))
    truth, predicted = truth.ravel(), predicted.ravel()
    expected = {
        "f1_vessel": sklearn.f1_score(truth, predicted),
        "f1_background": sklearn.f1_score(truth, predicted, pos_label=0),
        "f1_macro": sklearn.f1_score(truth, predicted, average="macro"),
        "sensitivity": sklearn.recall_score(truth, predicted),
        "specificity": sklearn.recall_score(truth, predicted, pos_label=0),
        "accuracy": sklearn.accuracy_score(truth, predicted),
        "mcc": sklearn.matthews_corrcoef(truth, predicted),
    }
    assert scores.keys() == expected.keys()
    for key, value in expected.items():
        assert scores[key] == pytest.approx(value, abs=1e-9), key


def test_counts_of_a_large_data_set_do_not_overflow():
    scores = metrics.scores(WORKED * 10**9)
    assert scores["mcc"] == pytest.approx(metrics.scores(WORKED)["mcc"])


@pytest.mark.parametrize("truth, predicted, f1", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1)])
def test_a_class_without_a_pixel_is_defined(truth, predicted, f1):
    truth, predicted = np.full((4, 4), truth, bool), np.full((4, 4), predicted, bool)
    scores = metrics.scores(metrics.confusion(truth, predicted))
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


def test_auc_of_a_whole_test_set():
    probability = np.random.default_rng(0).random(8 * 960 * 999, np.float32)
    assert metrics.auc(probability[:700_000], probability[700_000:]) == pytest.approx(0.5, abs=1e-3)


def test_best_threshold_is_the_best_of_a_scan():
    truth, probability = images(3)
    best = metrics.best_threshold(probability[truth], probability[~truth])
    f1 = {t / 100: sklearn.f1_score(truth.ravel(), (probability >= np.float32(t / 100)).ravel())
          for t in range(1, 100)}
    assert f1[best] == pytest.approx(max(f1.values()))
    assert f1[best] > f1[0.5]

"""Scores of segmentations, from NumPy arrays.

Confusion counts are int64 arrays whose last axis is (true positive, false positive, false negative,
true negative); sums of them over images are pooled counts, and every score takes any leading axes.
A ratio whose denominator is 0 is 1: there was nothing to get wrong (an empty mask, found empty, has
F1 = 1; scikit-learn's `zero_division=1`). MCC is then 0, as in scikit-learn, and AUC is NaN.
"""
from __future__ import annotations

import numpy as np

THRESHOLDS = np.arange(1, 100, dtype=np.float32) / 100
F1 = ("f1_vessel", "f1_macro")


def confusion(truth, prediction, within=None):
    """Counts of one image. All arguments are boolean arrays of one shape; `within` limits the pixels."""
    if within is not None:
        truth, prediction = truth[within], prediction[within]
    pixels = truth.size
    positive, predicted = np.count_nonzero(truth), np.count_nonzero(prediction)
    hits = np.count_nonzero(truth & prediction)
    return np.array([hits, predicted - hits, positive - hits, pixels - positive - predicted + hits], np.int64)


def _ratio(numerator, denominator):
    return np.where(denominator == 0, 1.0, numerator / np.where(denominator == 0, 1, denominator))


def scores(counts):
    """Scores at one threshold from counts (..., 4): a dict of float64 arrays of shape (...).

    The vessel F1 takes vessels as the positive class, the background F1 takes the background, and the
    macro F1 is the mean of the two.
    """
    tp, fp, fn, tn = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    vessel, background = _ratio(2 * tp, 2 * tp + fp + fn), _ratio(2 * tn, 2 * tn + fp + fn)
    spread = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return {
        "f1_vessel": vessel,
        "f1_background": background,
        "f1_macro": (vessel + background) / 2,
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "accuracy": _ratio(tp + tn, tp + fp + fn + tn),
        "mcc": (tp * tn - fp * fn) / np.where(spread == 0, 1, spread),
    }


def auc(positives, negatives):
    """Area under the ROC curve: the share of (vessel, background) pairs of pixels in the right order.

    `positives` and `negatives` are the probabilities of all vessel and of all background pixels. Exact:
    a tie counts one half, nothing is binned. NaN where a class has no pixel.
    """
    if not len(positives) or not len(negatives):
        return float("nan")
    positives, negatives = np.sort(positives), np.sort(negatives)
    below = np.searchsorted(negatives, positives, "left").sum(dtype=np.int64)
    not_above = np.searchsorted(negatives, positives, "right").sum(dtype=np.int64)
    return float((int(below) + int(not_above)) / (2 * len(positives) * len(negatives)))


def best_threshold(positives, negatives):
    """The one of 0.01, 0.02, ... 0.99 with the highest pooled vessel F1 (the lowest of equals)."""
    tp = len(positives) - np.searchsorted(np.sort(positives), THRESHOLDS)
    fp = len(negatives) - np.searchsorted(np.sort(negatives), THRESHOLDS)
    counts = np.stack([tp, fp, len(positives) - tp, len(negatives) - fp], axis=-1)
    return round(float(THRESHOLDS[np.argmax(scores(counts)["f1_vessel"])]), 2)

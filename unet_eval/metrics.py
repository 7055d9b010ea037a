"""Metrics of segmentations, pixel intensities and masks, on NumPy arrays.

Confusion counts are int64 arrays whose last axis is (true positive, false positive, false negative,
true negative); sums of them over images are pooled counts, and every score takes any leading axes.
A ratio whose denominator is 0 is 1: there was nothing to get wrong (an empty mask, found empty, has
F1 = 1; scikit-learn's `zero_division=1`). MCC is then 0, as in scikit-learn, and AUC is NaN.
"""
from __future__ import annotations

import cv2
import numpy as np

THRESHOLDS = np.arange(1, 100, dtype=np.float32) / 100
RESAMPLES = 2000  # of the bootstrap
SPLITS = 100  # into random halves
LARGEST = 5  # components of a mask


def confusion(truth, prediction, within=None):
    """Counts of one image. All arguments are boolean arrays of one shape; `within` limits the pixels."""
    if within is not None:
        truth, prediction = truth[within], prediction[within]
    pixels = truth.size
    positive, found = np.count_nonzero(truth), np.count_nonzero(prediction)
    hits = np.count_nonzero(truth & prediction)
    return np.array([hits, found - hits, positive - hits, pixels - positive - found + hits], np.int64)


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


def bootstrap(counts, resamples=RESAMPLES, seed=0):
    """95 % percentile intervals of the pooled F1 scores, resampling whole images.

    `counts` is (images, 4). Pixels of one image are not independent, so images are what is drawn.
    Returns {"f1_vessel": [low, high], "f1_macro": [low, high]}.
    """
    images = len(counts)
    drawn = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), resamples)
    resampled = scores(drawn @ np.asarray(counts, np.int64))
    return {key: np.percentile(resampled[key], [2.5, 97.5]).tolist() for key in ("f1_vessel", "f1_macro")}


def intensity_histogram(photograph, within, bins=256):
    """Counts (bins,) of the grey levels of an RGB photograph (H, W, 3) uint8 where `within` is true."""
    grey = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)[within]
    return np.bincount(grey.astype(np.int64) * bins // 256, minlength=bins)


def kl_divergence(p, q, smoothing=1.0):
    """KL(P, Q) = sum P ln(P / Q) in nats (the paper's Section 9) between two histograms of counts.

    `smoothing` counts are added to every bin of both, so that an empty bin of Q stays finite.
    """
    p, q = np.asarray(p, np.float64) + smoothing, np.asarray(q, np.float64) + smoothing
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(p * np.log(p / q)))


def kl_of_halves(histograms, smoothing=1.0, splits=SPLITS, seed=0):
    """Mean KL between two random halves of a set of images, given the histograms (images, bins).

    It is the floor that two samples of one distribution reach. NaN for fewer than two images.
    """
    histograms, half = np.asarray(histograms), len(histograms) // 2
    if not half:
        return float("nan")
    random = np.random.default_rng(seed)
    orders = (random.permutation(len(histograms)) for _ in range(splits))
    return float(np.mean([kl_divergence(histograms[order[:half]].sum(0), histograms[order[half:]].sum(0),
                                        smoothing) for order in orders]))


def mask_statistics(mask, within, largest=LARGEST):
    """Vessel density and connectedness of one mask; both arguments are boolean (H, W).

    Returns the share of the pixels in `within` that are vessel, and the share of the vessel pixels that
    lie in the `largest` 8-connected components (0 for an empty mask, which has no tree).
    """
    mask = mask & within
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
    return {"density": float(mask.sum() / max(within.sum(), 1)),
            "largest_components": float(areas[:largest].sum() / max(areas.sum(), 1))}

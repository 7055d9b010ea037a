"""How sure the scores are: bootstrap over test images, spread over seeds, paired differences between arms."""
from __future__ import annotations

import numpy as np

from unet_eval.measures.metrics import F1, scores

RESAMPLES = 2000


def bootstrap(counts, resamples=RESAMPLES, seed=0):
    """Pooled F1 scores of `resamples` draws of as many test images, with replacement.

    `counts` is (seeds, images, 4), the confusion counts of an arm's U-Nets. Pixels of one image are not independent, so
    images are what is drawn. Returns {"f1_vessel": (resamples,), "f1_macro": the same}, means over the seeds. Draw i is
    of the same images for every arm, so that differences between arms are paired.
    """
    counts = np.asarray(counts, np.int64)
    images = counts.shape[1]
    drawn = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), resamples)
    resampled = scores(np.einsum("ri,sik->rsk", drawn, counts))
    return {key: resampled[key].mean(axis=1) for key in F1}


def interval(values):
    """[percentile 2.5, percentile 97.5] of bootstrapped values."""
    return np.percentile(values, [2.5, 97.5]).tolist()


def p_value(differences):
    """Two-sided bootstrap p value of "the difference is 0" from bootstrapped differences (resamples,).

    Twice the smaller share of them that lies on one side of 0, at least 2 / (resamples + 1).
    """
    tail = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    return float(min(1.0, 2 * (tail + 1) / (len(differences) + 1)))


def spreads(counts):
    """From counts (seeds, images, 4): "ci95", over test images, of the mean over seeds, and "spread", the standard
    deviation over seeds, None for a single one."""
    pooled, resampled = scores(counts.sum(axis=1)), bootstrap(counts)
    return {"ci95": {key: interval(resampled[key]) for key in F1},
            "spread": {key: float(pooled[key].std(ddof=1)) if len(counts) > 1 else None for key in F1}}


def differences(counts, reference):
    """Both F1 scores of an arm less those of another, from counts (seeds, images, 4): "mean", "ci95" and "p" by paired
    bootstrap over the test images."""
    pooled, pooled_reference = scores(counts.sum(axis=1)), scores(reference.sum(axis=1))
    resampled, resampled_reference = bootstrap(counts), bootstrap(reference)
    compared = {}
    for key in F1:
        less = resampled[key] - resampled_reference[key]
        compared[key] = {"mean": float(pooled[key].mean() - pooled_reference[key].mean()), "ci95": interval(less),
                         "p": p_value(less)}
    return compared

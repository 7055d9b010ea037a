"""How sure the scores are: bootstrap over patients and U-Nets, spread over seeds, paired comparisons of arms.

`counts` are (seeds, images, 4), the confusion counts of an arm's U-Nets; `patients` names the patient of each image.
"""
from __future__ import annotations

import numpy as np

from unet_eval.measures.metrics import F1, scores

RESAMPLES = 2000
FEW = 6  # patients; of fewer, the draws are too much alike for an interval to be more than a rough guide


def bootstrap(counts, patients, resamples=RESAMPLES, seed=0):
    """Pooled F1 scores of `resamples` draws, with replacement, of as many patients and as many U-Nets.

    Images of one patient, and pixels of one image, are not independent, so patients are what is drawn, with all their
    images. Returns {"f1_vessel": (resamples,), "f1_macro": the same}, means over the U-Nets drawn. Draw i is of the
    same patients for every arm, and of the same seeds for arms with as many seeds, so that comparisons are paired: seed
    k of two arms belongs together. Of a single U-Net only patients are drawn.
    """
    counts = np.asarray(counts, np.int64)
    names, group = np.unique(patients, return_inverse=True)
    images = _draws(len(names), resamples, [seed, 0])[:, group]  # how often each image is in a draw
    nets = _draws(len(counts), resamples, [seed, 1])
    resampled = scores(np.einsum("ri,sik->rsk", images, counts))
    return {key: (resampled[key] * nets).sum(axis=1) / len(counts) for key in F1}


def _draws(number, resamples, seed):
    """(resamples, number): how often each of `number` things comes in as many draws with replacement."""
    return np.random.default_rng([*seed, number]).multinomial(number, np.full(number, 1 / number), resamples)


def interval(values):
    """[percentile 2.5, percentile 97.5] of bootstrapped values."""
    return np.percentile(values, [2.5, 97.5]).tolist()


def p_value(differences):
    """Two-sided bootstrap p value of "the difference is 0" from bootstrapped differences (resamples,).

    Twice the smaller share of them that lies on one side of 0, at least 2 / (resamples + 1).
    """
    tail = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    return float(min(1.0, 2 * (tail + 1) / (len(differences) + 1)))


def spreads(counts, patients):
    """"ci95" of the mean over seeds, and "spread", the standard deviation over seeds, None for a single one."""
    pooled, resampled = scores(counts.sum(axis=1)), bootstrap(counts, patients)
    return {"ci95": {key: interval(resampled[key]) for key in F1},
            "spread": {key: float(pooled[key].std(ddof=1)) if len(counts) > 1 else None for key in F1}}


def differences(counts, reference, patients):
    """Both F1 scores of an arm less those of another, the `reference`: "mean", "ci95" and "p" by paired bootstrap."""
    compared = {}
    for key, (arm, other), (drawn, other_drawn) in _paired(counts, reference, patients):
        less = drawn - other_drawn
        compared[key] = {"mean": arm - other, "ci95": interval(less), "p": p_value(less)}
    return compared


def ratios(counts, reference, patients):
    """The same divided: "mean" is the ratio of the means, "ci95" by paired bootstrap; NaN or infinite where the
    reference is 0."""
    compared = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for key, (arm, other), (drawn, other_drawn) in _paired(counts, reference, patients):
            compared[key] = {"mean": float(np.divide(arm, other)), "ci95": interval(drawn / other_drawn)}
    return compared


def _paired(counts, reference, patients):
    """Of each F1: its key, the means of both arms over their seeds, and both arms' draws."""
    arms = [(scores(each.sum(axis=1)), bootstrap(each, patients)) for each in (counts, reference)]
    for key in F1:
        yield key, [float(pooled[key].mean()) for pooled, _ in arms], [drawn[key] for _, drawn in arms]

"""How sure the scores are: jackknife over patients and U-Nets, spread over seeds, paired comparisons of arms.

`counts` are (seeds, images, 4), the confusion counts of an arm's U-Nets; `patients` names the patient of each image.
Images of one patient, and pixels of one image, are not independent, so the units are patients, with all their images.
The bootstrap's percentiles are not used: of few units, their intervals are too narrow.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from unet_eval.measures.metrics import F1, scores

LEAST = 3  # units; the intervals of fewer hold less than they say


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and the degrees of freedom of that. NaN stands for what is not known."""

    value: float
    error: float
    freedom: float

    def ci95(self, low: float = -np.inf, high: float = np.inf) -> list[float]:
        """[low end, high end] of the 95 % interval by Student's t, cut off where the number cannot lie."""
        reach = t.ppf(0.975, self.freedom) * self.error if self.error else 0.0
        return np.clip([self.value - reach, self.value + reach], low, high).tolist()

    def p(self) -> float:
        """Two-sided p value of "it is 0"."""
        if not self.error:
            return float(self.value == 0)
        return float(2 * t.sf(abs(self.value) / self.error, self.freedom))


def jackknife(value: float, *left_out: np.ndarray) -> Estimate:
    """An estimate `value`, from what it would be without one unit of a kind: an array (units,) for each kind of units
    that another sample would draw anew, such as patients and U-Nets.

    The variances of the kinds add up (Efron and Stein, 1981); their degrees of freedom are Satterthwaite's (1946). With
    fewer than LEAST units of the first kind there is no error, but NaN; other kinds need two.
    """
    if len(left_out[0]) < LEAST or not np.isfinite(value):
        return Estimate(float(value), float("nan"), float("nan"))
    variances = [(len(each) - 1) * np.var(each) for each in left_out]
    total = float(sum(variances))
    shares = sum(part ** 2 / (len(each) - 1) for part, each in zip(variances, left_out))
    freedom = total ** 2 / shares if shares else np.inf
    return Estimate(float(value), total ** 0.5, float(freedom))


def holm(p: np.ndarray) -> np.ndarray:
    """p values (n,) corrected for their number by Holm's method (1979); NaN stays NaN and is not counted."""
    p, corrected = np.asarray(p, np.float64), np.full(len(p), np.nan)
    order = np.argsort(p)[:np.count_nonzero(~np.isnan(p))]  # NaN comes last
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return corrected


def correct(entries: list[dict]) -> None:
    """Gives each entry of one table "p_holm", its "p" corrected for all of them."""
    for entry, p in zip(entries, holm([entry["p"] for entry in entries]).tolist()):
        entry["p_holm"] = p


def spreads(counts, patients):
    """"ci95" of the mean over seeds, and "spread", the standard deviation over seeds, None for a single one."""
    counts = np.asarray(counts, np.int64)
    pooled = scores(counts.sum(axis=1))
    estimates = _estimates(lambda arm: arm, [counts], patients)
    return {"ci95": {key: estimates[key].ci95(0, 1) for key in F1},
            "spread": {key: float(pooled[key].std(ddof=1)) if len(counts) > 1 else None for key in F1}}


def differences(counts, reference, patients):
    """Both F1 scores of an arm less those of another, the `reference`: "mean", "ci95" and "p", paired."""
    return {key: {"mean": estimate.value, "ci95": estimate.ci95(-1, 1), "p": estimate.p()} for key, estimate in
            _estimates(np.subtract, [counts, reference], patients).items()}


def ratios(counts, reference, patients):
    """The same divided: "mean" is the ratio of the means, and "ci95"; NaN or infinite where the reference is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {key: {"mean": estimate.value, "ci95": estimate.ci95(0)} for key, estimate in
                _estimates(np.divide, [counts, reference], patients).items()}


def _estimates(combine: Callable, arms: list, patients) -> dict[str, Estimate]:
    """Of both F1 scores: `combine` of each arm's mean over seeds.

    A patient is left out of all arms. Seed k of two arms with as many seeds belongs together and is left out of both;
    otherwise the seeds of each arm are units of their own.
    """
    arms = [np.asarray(counts, np.int64) for counts in arms]
    names, group = np.unique(patients, return_inverse=True)
    of_patient = np.eye(len(names), dtype=np.int64)[group]  # (images, patients)
    whole = [scores(counts.sum(axis=1)) for counts in arms]
    without = [scores(counts.sum(axis=1) - np.einsum("ip,sic->psc", of_patient, counts)) for counts in arms]
    together = len({len(counts) for counts in arms}) == 1
    sets = [range(len(arms))] if together else [[i] for i in range(len(arms))]  # arms that lose a seed at a time

    def of(key):
        f1 = [each[key] for each in whole]  # (seeds,) of each arm
        patients_out = combine(*(each[key].mean(axis=1) for each in without))
        seeds_out = [np.array([combine(*((np.delete(values, k) if i in losing else values).mean()
                                         for i, values in enumerate(f1))) for k in range(len(f1[losing[0]]))])
                     for losing in sets if len(f1[losing[0]]) > 1]
        return jackknife(combine(*(values.mean() for values in f1)), patients_out, *seeds_out)

    return {key: of(key) for key in F1}

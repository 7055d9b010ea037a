"""Figures of a whole set, with intervals and tests by patient, from how alike pairs are.

Real pairs are given as columns, or rows, with the patient of each and `trained`, whether a training saw it. Without
memory it does not matter which patients were in the training set, so the tests deal the patients anew: a permutation
test, which is exact however much patients and their images differ. Intervals leave out one patient at a time
(jackknife).
"""
from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
from scipy.stats import beta, rankdata

from unet_eval.measures.resampling import LEAST, jackknife

DEALS = 2000      # of patients
CERTAINTY = 0.95


def share_nearer(alike: np.ndarray, patients: list[str], trained: np.ndarray, seed: int = 0) -> dict:
    """Share of N records that are nearer to training than to held-out images (SDMetrics: DCR overfitting protection):
    0.5 where nothing is remembered, 1 for copies. alike: (N, M).

    {"value", "ci95", "p", "least_p"}. "value" counts for each patient the records that are nearest to an image of that
    patient, and divides the mean of training patients by the sum of both means, so that more training patients are no
    memory.
    """
    owner, closest = np.unique(patients, return_inverse=True)[1], alike.argmax(axis=1)
    nearest = np.bincount(owner[closest], minlength=owner.max() + 1)

    def share(columns):
        near, far = (nearest[np.unique(owner[columns[trained[columns] == side]])].mean() for side in (True, False))
        return near / (near + far) if near or far else 0.5

    return {**_estimated(share, patients, trained, 0, 1),
            **_permuted(lambda member: float(member[closest].mean()), patients, trained, seed)}


def membership(score: np.ndarray, patients: list[str], trained: np.ndarray, seed: int = 0) -> dict:
    """AUC of telling training images from held-out ones by a score (M,), high for training images: 0.5 is no leak.
    As `share_nearer`."""
    def auc(member, other):
        ranks = rankdata(np.concatenate([score[member], score[other]]))
        number, others = score[member].size, score[other].size
        return float((ranks[:number].sum() - number * (number + 1) / 2) / (number * others))

    return {**_estimated(lambda rows: auc(rows[trained[rows]], rows[~trained[rows]]), patients, trained, 0, 1),
            **_permuted(lambda member: auc(member, ~member), patients, trained, seed)}


def nearest_ratio(alike: np.ndarray, patients: list[str], trained: np.ndarray, seed: int = 0) -> dict:
    """Distance to the nearest training image over that to the nearest one of another patient, median: 1 where no one
    training image stands out, small for copies. alike: (N, M).

    {"value", "ci95", "unseen", "p", "least_p"}: "unseen" is the same among the held-out images; p is small where ratios
    are smaller among training images than deals of patients give. (Ratios of held-out records would be no reference:
    they differ from synthetic ones by more than memory.) None where there are fewer than two patients of a side.
    """
    rows, seen = _groups(patients, trained)
    distances = np.stack([1 - alike[:, each].max(axis=1) for each in rows], axis=1)
    owner = np.unique(patients, return_inverse=True)[1]
    if min(seen.sum(), (~seen).sum()) < 2:
        return dict.fromkeys(("value", "ci95", "unseen", "p"))

    def ratios(chosen):
        first, second = np.partition(distances[:, chosen], 1, axis=1)[:, :2].T
        return first / np.maximum(second, 1e-6)

    own, nearest = ratios(seen), np.where(seen, distances, np.inf).argmin(axis=1)

    def of_training(columns):
        near = own[np.isin(nearest, owner[columns])]
        return np.median(near) if len(near) else np.nan

    return {**_estimated(of_training, patients, trained, 0, 1), "unseen": float(np.median(ratios(~seen))),
            **_permuted(lambda member: -float(np.median(ratios([member[each[0]] for each in rows]))), patients, trained,
                        seed)}


def least_share(records: int, found: float, certainty: float = CERTAINTY) -> float:
    """The least share of copies among so many records of which one at least would have been found with `certainty`,
    where a copy is found with probability `found`; 1 where none would."""
    return float(min(1.0, (1 - (1 - certainty) ** (1 / max(records, 1))) / found)) if found else 1.0


def least_rate(hits: int, of: int, certainty: float) -> float:
    """The least probability of a hit that so many of so many leave possible, with `certainty` (Clopper and Pearson,
    1934, one-sided)."""
    return float(beta.ppf(1 - certainty, hits, of - hits + 1)) if hits else 0.0


def _groups(patients, trained):
    """(rows of each patient, whether a training saw that patient)."""
    names, owner = np.unique(patients, return_inverse=True)
    rows = [np.flatnonzero(owner == k) for k in range(len(names))]
    return rows, np.array([bool(trained[each[0]]) for each in rows])


def _estimated(statistic: Callable[[np.ndarray], float], patients, trained, low, high) -> dict:
    """"value" and "ci95" of statistic(rows or columns of real images), by leaving out one patient at a time, with the
    records that are nearest to that patient; the ends are NaN where a side has too few patients for an interval."""
    every = np.arange(len(trained))
    rows, seen = _groups(patients, trained)
    sides = sorted((np.flatnonzero(side) for side in (seen, ~seen)), key=len)
    without = [np.array([statistic(np.setdiff1d(every, rows[k])) for k in side]) if len(sides[0]) >= LEAST else side
               for side in sides]
    estimate = jackknife(float(statistic(every)), *without)
    return {"value": estimate.value, "ci95": estimate.ci95(low, high)}


def _permuted(statistic: Callable[[np.ndarray], float], patients, trained, seed) -> dict:
    """One-sided p of a statistic being so large, and the least p that so few patients can give."""
    rows, seen = _groups(patients, trained)
    observed, random, larger = statistic(np.asarray(trained, bool)), np.random.default_rng([seed, 1]), 0
    for _ in range(DEALS):
        member = np.zeros(len(trained), bool)
        for k in random.permutation(len(rows))[:seen.sum()]:
            member[rows[k]] = True
        larger += statistic(member) >= observed - 1e-9
    return {"p": (1 + larger) / (1 + DEALS), "least_p": max(1 / (1 + DEALS), 1 / comb(len(rows), int(seen.sum())))}

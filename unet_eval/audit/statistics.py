"""Figures of a whole set, with intervals and tests by patient, from how alike pairs are.

Real pairs are given as columns, or rows, with the patient of each and `trained`, whether a training saw it. Without
memory it does not matter which patients were in the training set, so the tests deal the patients anew: a permutation
test, which is exact however much patients and their images differ.
"""
from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
from scipy.stats import rankdata

DEALS = 2000      # of patients, and draws of a bootstrap
CERTAINTY = 0.95


def share_nearer(alike: np.ndarray, patients: list[str], trained: np.ndarray, seed: int = 0) -> dict:
    """Share of N records that are nearer to training than to held-out images (SDMetrics: DCR overfitting protection):
    0.5 where nothing is remembered, 1 for copies. alike: (N, M).

    {"value", "ci95", "p", "least_p"}. "value" counts for each patient the records that are nearest to an image of that
    patient, and divides the mean of training patients by the sum of both means, so that more training patients are no
    memory; "ci95" draws patients, with their counts, with replacement.
    """
    names, owner = np.unique(patients, return_inverse=True)
    closest = alike.argmax(axis=1)
    nearest = np.bincount(owner[closest], minlength=len(names))
    seen = _groups(patients, trained)[1]

    def share(near, far):
        return near.mean() / (near.mean() + far.mean()) if near.any() or far.any() else 0.5

    random = np.random.default_rng([seed, 0])
    drawn = [share(*(random.choice(nearest[side], side.sum()) for side in (seen, ~seen))) for _ in range(DEALS)]
    return {"value": float(share(nearest[seen], nearest[~seen])), "ci95": _interval(drawn),
            **_permuted(lambda member: float(member[closest].mean()), patients, trained, seed)}


def membership(score: np.ndarray, patients: list[str], trained: np.ndarray, seed: int = 0) -> dict:
    """AUC of telling training images from held-out ones by a score (M,), high for training images: 0.5 is no leak."""
    def auc(member, other):
        ranks = rankdata(np.concatenate([score[member], score[other]]))
        number, others = score[member].size, score[other].size
        return float((ranks[:number].sum() - number * (number + 1) / 2) / (number * others))

    return {"value": auc(np.flatnonzero(trained), np.flatnonzero(~trained)),
            "ci95": _interval(_drawn(auc, patients, trained, seed)),
            **_permuted(lambda member: auc(member, ~member), patients, trained, seed)}


def nearest_ratio(alike: np.ndarray, patients: list[str], trained: np.ndarray, seed: int = 0) -> dict:
    """Distance to the nearest training image over that to the nearest one of another patient, median: 1 where no one
    training image stands out, small for copies. alike: (N, M).

    {"value", "ci95", "unseen", "p", "least_p"}: "unseen" is the same among the held-out images; "ci95" draws the
    nearest patients with their records; p is small where ratios are smaller among training images than deals of
    patients give.
    (Ratios of held-out records would be no reference: they differ from synthetic ones by more than memory.) None where
    there are fewer than two patients of a side.
    """
    rows, seen = _groups(patients, trained)
    distances = np.stack([1 - alike[:, each].max(axis=1) for each in rows], axis=1)
    if min(seen.sum(), (~seen).sum()) < 2:
        return dict.fromkeys(("value", "ci95", "unseen", "p"))

    def ratios(chosen):
        first, second = np.partition(distances[:, chosen], 1, axis=1)[:, :2].T
        return first / np.maximum(second, 1e-6)

    def closeness(member):
        return -float(np.median(ratios([member[each[0]] for each in rows])))

    own, nearest = ratios(seen), distances[:, seen].argmin(axis=1)
    groups, random = [own[nearest == k] for k in np.unique(nearest)], np.random.default_rng([seed, 2])
    drawn = [np.median(np.concatenate([groups[k] for k in random.integers(len(groups), size=len(groups))]))
             for _ in range(DEALS)]
    return {"value": float(np.median(own)), "ci95": _interval(drawn), "unseen": float(np.median(ratios(~seen))),
            **_permuted(closeness, patients, trained, seed)}


def least_share(records: int, found: float, certainty: float = CERTAINTY) -> float:
    """The least share of copies among so many records of which one at least would have been found with `certainty`,
    where a copy is found with probability `found`; 1 where none would."""
    return float(min(1.0, (1 - (1 - certainty) ** (1 / max(records, 1))) / found)) if found else 1.0


def _groups(patients, trained):
    """(rows of each patient, whether a training saw that patient)."""
    names, owner = np.unique(patients, return_inverse=True)
    rows = [np.flatnonzero(owner == k) for k in range(len(names))]
    return rows, np.array([bool(trained[each[0]]) for each in rows])


def _drawn(statistic, patients, trained, seed):
    """A bootstrap: statistic(rows of training patients, rows of held-out ones), as many patients as there are."""
    rows, seen = _groups(patients, trained)
    sides, random = (np.flatnonzero(seen), np.flatnonzero(~seen)), np.random.default_rng([seed, 0])
    return [statistic(*(np.concatenate([rows[k] for k in random.choice(side, len(side))]) for side in sides))
            for _ in range(DEALS)]


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


def _interval(values):
    return np.percentile(values, [2.5, 97.5]).tolist()

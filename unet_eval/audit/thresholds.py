"""From how alike unrelated people are, how alike a synthetic and a real pair may be.

What a measure says of two pictures is the largest of many positions, so over pairs of unrelated people it is spread as
largest values are: by Gumbel's distribution (Statistics of Extremes, 1958), here with the mean and the standard
deviation of the pairs of people. Its tail is longer than a normal one, which errs to the side of fewer false alarms.
"""
from __future__ import annotations

from itertools import combinations

import numpy as np

FALSE_ALARMS = 0.01  # the share of pairs that copy nobody and are called copies nevertheless, by all measures together
LEAST_PAIRS = 20     # of unrelated people; fewer say too little about a tail


def unrelated(alike: np.ndarray, rows: list[str], columns: list[str], seen: np.ndarray) -> dict[tuple[str, str], float]:
    """{(patient, patient of a seen image): the largest of how alike their images are}, without patients beside
    themselves.

    alike: (N, M), N >= M: how alike the images, rows, are to the first M of themselves. rows, columns: the patients of
    both. seen: columns that a training saw.
    """
    largest: dict[tuple[str, str], float] = {}
    for column in seen:
        for row, patient in enumerate(rows):
            if patient != columns[column]:
                pair = patient, columns[column]
                largest[pair] = max(largest.get(pair, -np.inf), float(alike[row, column]))
    for one, other in combinations(sorted({columns[column] for column in seen}), 2):  # both orders are there
        largest[one, other] = max(largest[one, other], largest.pop((other, one)))
    return largest


def threshold(largest: dict[tuple[str, str], float], comparisons: int, without: str | None = None) -> float:
    """What one of so many comparisons with unrelated people exceeds with probability FALSE_ALARMS at most; infinite
    where there are fewer than LEAST_PAIRS pairs of people, of which none is the patient `without`."""
    values = np.array([value for pair, value in largest.items() if without not in pair])
    if len(values) < LEAST_PAIRS:
        return np.inf
    scale = values.std(ddof=1) * np.sqrt(6) / np.pi
    return float(values.mean() - np.euler_gamma * scale - scale * np.log(-np.log1p(-FALSE_ALARMS / comparisons)))

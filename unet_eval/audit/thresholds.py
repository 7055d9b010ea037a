"""From how alike unrelated people are, how alike a synthetic and a real pair may be.

What a measure says of two pictures is the largest of many positions, so over pairs of unrelated people it is spread as
largest values are: by Gumbel's distribution (Statistics of Extremes, 1958). Its tail is longer than a normal one, which
errs to the side of fewer false alarms.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np

from data.randomness import numpy_generator

FALSE_ALARMS = 0.01  # the share of pairs that copy nobody and are called copies nevertheless, by all measures together
LEAST_PAIRS = 20     # of unrelated people; fewer say too little about a tail
SIMULATED = 20_000   # audits
MANY = 500           # values; more leave nothing to be unsure of


def unrelated(alike: np.ndarray, rows: list[str], columns: list[str], seen: np.ndarray) -> dict[tuple[str, str], float]:
    """{two people, in the order of their names: the largest of how alike their images are}.

    alike: (N, M). rows, columns: the patients of both. seen: columns that a training saw; the others do not count.
    """
    largest: dict[tuple[str, str], float] = {}
    for column in seen:
        for row, patient in enumerate(rows):
            if patient != columns[column]:
                people = tuple(sorted((patient, columns[column])))
                largest[people] = max(largest.get(people, -np.inf), float(alike[row, column]))
    return largest


def threshold(largest: dict[tuple[str, str], float], comparisons: int, without: str | None = None) -> float:
    """What one of so many comparisons with unrelated people exceeds with probability FALSE_ALARMS at most; infinite
    where there are fewer than LEAST_PAIRS pairs of people, of which none is the patient `without`."""
    values = np.array([value for pair, value in largest.items() if without not in pair])
    if len(values) < LEAST_PAIRS:
        return np.inf
    return float(values.mean() + _deviations(min(len(values), MANY), comparisons) * values.std(ddof=1))


@lru_cache(None)
def _deviations(people: int, comparisons: int) -> float:
    """How many standard deviations above the mean of so many values the largest of so many more is, all but in a share
    FALSE_ALARMS of cases: a prediction limit, by simulation, so that it holds for few values too."""
    random = numpy_generator(0, people, comparisons)
    values = random.gumbel(size=(SIMULATED, people))
    largest = random.gumbel(size=SIMULATED) + np.log(comparisons)  # of Gumbel's distribution: the same, moved
    return float(np.quantile((largest - values.mean(axis=1)) / values.std(axis=1, ddof=1), 1 - FALSE_ALARMS))

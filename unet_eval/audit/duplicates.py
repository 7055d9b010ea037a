"""Pairs of a synthetic set that are one another's copies."""
from __future__ import annotations

import numpy as np

from unet_eval.audit import features
from unet_eval.audit.measures import MEASURES, WHOLE
from unet_eval.audit.records import Records

CANDIDATES = 5  # others that each record is compared with, the most alike in features; all would take too long


def duplicates(records: Records, thresholds: dict[str, float]) -> list[tuple[int, int, float]]:
    """(row, earlier row, how alike) of each record that is more alike to an earlier one, kept itself, than the
    threshold of its kind: whole masks or whole photographs, in any position."""
    found: dict[int, tuple[int, float]] = {}
    for kind, threshold in thresholds.items() if len(records) else ():  # none where all pairs are copies
        measure = MEASURES[WHOLE[kind]]
        pictures = measure.prepare(records)
        seen = features.features(pictures)
        for row in range(1, len(records)):
            if row in found:
                continue
            earlier = np.array([other for other in range(row) if other not in found])
            near = earlier[np.argsort(features.similarity(seen[row:row + 1], seen)[0][earlier])[-CANDIDATES:]]
            alike = measure.similarity(pictures[row:row + 1], pictures[near])[0]
            if alike.max() > threshold:
                found[row] = (int(near[alike.argmax()]), float(alike.max()))
    return [(row, *found[row]) for row in sorted(found)]

"""The measures of an audit: each says how alike two pairs are, whatever position they are in."""
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from unet_eval.audit import features, minutiae, patches, pictures, search
from unet_eval.audit.patches import Match
from unet_eval.audit.records import Records
from unet_eval.audit.search import Position

MASK, PHOTOGRAPH = "mask", "photograph"
KINDS = (MASK, PHOTOGRAPH)
COPIES, QUADRANTS, EYES = "copies", "quadrants", "eyes"


@dataclass(frozen=True)
class Measure:
    """kind: what of a pair it looks at. prepare(records) -> what is compared, one each. similarity(prepared, others) ->
    (N, M): 1 for equals. find(prepared of one pair, of another one) -> where the other one was found; its `cut` makes
    pictures of it. match: what shows how alike a match is: COPIES, pasted QUADRANTS, or EYES photographed twice.
    version: changes with what it says of two pairs, so that they are compared again.
    """

    kind: str
    title: str
    prepare: Callable[[Records], Any]
    similarity: Callable[[Any, Any], np.ndarray]
    find: Callable[[Any, Any], Position | Match]
    match: str
    version: int = 1

    def compare(self, records: Records, others: Records) -> np.ndarray:
        """float32 (N, M). Rows are shared out over the processors; NumPy and OpenCV work side by side."""
        prepared, against = self.prepare(records), self.prepare(others)
        workers = os.cpu_count() or 1
        parts = [part for part in np.array_split(np.arange(len(records)), workers) if len(part)]
        with ThreadPoolExecutor(workers) as pool:
            found = pool.map(lambda rows: self.similarity(_rows(prepared, rows), against), parts)
        return np.concatenate(list(found))


def _rows(prepared: Sequence, rows: np.ndarray):
    return prepared[rows[0]:rows[-1] + 1]


def _scattered(records):
    return features.features(pictures.photograph_pictures(records))


WHOLE = {MASK: "masks", PHOTOGRAPH: "photographs"}  # the measure whose distances a reader is shown
MEASURES = {
    "masks": Measure(MASK, "whole masks", pictures.mask_pictures, search.similarity, search.find, COPIES),
    "mask_patches": Measure(MASK, "parts of masks", pictures.mask_pictures, patches.similarity, patches.find,
                            QUADRANTS, 2),
    "trees": Measure(MASK, "branch points, as fingerprints", minutiae.points, minutiae.similarity, minutiae.find, EYES),
    "photographs": Measure(PHOTOGRAPH, "whole photographs", pictures.photograph_pictures, search.similarity,
                           search.find, COPIES, 2),
    "photograph_patches": Measure(PHOTOGRAPH, "parts of photographs", pictures.photograph_parts,
                                  patches.similarity, patches.find, QUADRANTS, 3),
    "features": Measure(PHOTOGRAPH, "features of photographs", _scattered, features.similarity, features.find, COPIES,
                        2),
}


def measures_for(modality: str) -> dict[str, Measure]:
    """Those that say something of images of this modality: branch points are for vessels."""
    return {name: measure for name, measure in MEASURES.items() if modality == "fundus" or measure.match != EYES}

"""What an audit compares: pairs of mask and photograph, real or synthetic, at one size."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from data.fundus import View, load_view, square
from data.layouts import Sample
from data.pairs import PairReader

SIZE = 256  # pixels, square
PART = 128  # pixels; a part of this size that is copied counts


@dataclass(frozen=True)
class Records:
    """N pairs. masks, fovs: uint8 (N, SIZE, SIZE), 0 or 255. photographs: uint8 (N, SIZE, SIZE, 3) RGB, black outside
    the field of view. names, patients: of each pair, a text. The masks of photographs without any are empty."""

    masks: np.ndarray
    photographs: np.ndarray
    fovs: np.ndarray
    names: list[str]
    patients: list[str]

    def __len__(self):
        return len(self.names)

    def take(self, rows: Iterable[int]) -> Records:
        rows = [int(row) for row in rows]
        return Records(self.masks[rows], self.photographs[rows], self.fovs[rows], [self.names[row] for row in rows],
                       [self.patients[row] for row in rows])

    def with_pictures(self, masks: list[np.ndarray], photographs: list[np.ndarray], fovs: list[np.ndarray]) -> Records:
        """Others of the same names."""
        return replace(self, masks=np.stack(masks), photographs=np.stack(photographs), fovs=np.stack(fovs))


def from_samples(samples: list[Sample]) -> Records:
    """Real images, cropped to their field of view as all trainings see them. UserError as `load_view`."""
    return _records(map(load_view, samples), [sample.stem for sample in samples],
                    [sample.patient or sample.stem for sample in samples])


def from_store(reader: PairReader) -> Records:
    """All rows of a file of pairs; a row is called by its number, and each is a patient of its own."""
    rows, names = (reader[row] for row in range(len(reader))), [str(row) for row in range(len(reader))]
    views = (View("", row["images"], row["masks"][..., 0], row["fovs"][..., 0], (0, 0, *row["masks"].shape[:2]),
                  row["masks"].shape[:2]) for row in rows)
    return _records(views, names, names)


def from_masks(reader: PairReader) -> Records:
    """All rows of a file of masks, with black photographs."""
    masks = np.stack([square(reader[row]["masks"][..., 0], SIZE) for row in range(len(reader))])
    names = [str(row) for row in range(len(reader))]
    return Records(masks, np.zeros((*masks.shape, 3), np.uint8), np.full_like(masks, 255), names, names)


def concatenate(parts: list[Records]) -> Records:
    """One after the other."""
    masks, photographs, fovs = (np.concatenate([getattr(part, name) for part in parts])
                                for name in ("masks", "photographs", "fovs"))
    return Records(masks, photographs, fovs, [name for part in parts for name in part.names],
                   [patient for part in parts for patient in part.patients])


def _records(views: Iterable[View], names: list[str], patients: list[str]) -> Records:
    masks, photographs, fovs = [], [], []
    for view in views:
        masks.append(square(np.zeros_like(view.fov) if view.mask is None else np.minimum(view.mask, view.fov), SIZE))
        photographs.append(square(view.image, SIZE))
        fovs.append(square(view.fov, SIZE))
    return Records(np.stack(masks), np.stack(photographs), np.stack(fovs), names, patients)

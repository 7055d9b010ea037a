"""Fields of view and colours of photographs: what a set may tell of training images without a copy of one in it."""
from __future__ import annotations

import numpy as np

from training.cloud import mahalanobis
from unet_eval.audit.records import SIZE, Records

TITLES = "fields of view", "colours of photographs"
TILES = 3  # a side of the grid on which colours are taken: coarse enough to be light, and no vessels


def looks(synthetic: Records, real: Records) -> dict[str, np.ndarray]:
    """{each of TITLES: (N,) scores of real pairs, high for what the set is made of}."""
    return dict(zip(TITLES, (_same_fields(synthetic.fovs, real.fovs),
                             -mahalanobis(_colours(real), _colours(synthetic)))))


def _same_fields(synthetic, real):
    """Less the number of pixels in which the most alike field of view of the set differs."""
    drawn = (synthetic > 0).reshape(len(synthetic), -1)
    return -np.array([(drawn != own).sum(axis=1).min() for own in (real > 0).reshape(len(real), -1)])


def _colours(records):
    """float (N, 3 TILES^2): means of red, green and blue in the field of view, tile by tile; 0 where there is none."""
    spans = np.array_split(np.arange(SIZE), TILES)
    tiles = [np.s_[:, rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1] for rows in spans for columns in spans]
    inside = (records.fovs > 0)[..., None]
    return np.concatenate([np.sum(records.photographs[tile], axis=(1, 2), where=inside[tile])
                           / np.maximum(inside[tile].sum(axis=(1, 2)), 1) for tile in tiles], axis=1)

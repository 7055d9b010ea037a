"""Other eyes from drawn fields: mirrored, turned, bent, with thicker or thinner and more or fewer vessels.

Stage-I draws variations of one layout when it has seen the masks of few eyes. The limits below are what the 20 training
masks of CHASE_DB1 show.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from data.addons import warp
from data.randomness import numpy_generator

VARIETY = 2       # a stream of random numbers; inputs.py has the others
TURN = 15.0       # degrees; best fits of two masks have a standard deviation of 9.5 an eye, uniform +-15 one of 8.7
BEND = 0.06       # of the side; the optic disc lies that far from its mean place (standard deviation 0.04 to 0.07)
CELLS = 5         # points of the bend a side: arcades bend, and vessels get no wiggles
THICKNESS = 0.035 # standard deviation, in units of the field: with it mean widths differ as much as real ones
FAINTNESS = 0.065 # the same for how faint a vessel may be: lengths then differ 0.35 to 0.81 times as much as real ones


@dataclass(frozen=True)
class Variation:
    """How one drawing is changed.

    flipped: left and right are swapped. turn: degrees about the centre, counter-clockwise. bend: (CELLS, CELLS, 2),
    rows and columns in shares of the side, on a grid over the field. thicker: is added to the field. fainter: is added
    to the limit above which a ridge is a vessel.
    """

    flipped: bool
    turn: float
    bend: np.ndarray
    thicker: float
    fainter: float


def draw_variation(seed: int, number: int, amount: float) -> Variation:
    """The variation of drawing `number` of a seed: `amount` times what real eyes show. 0 changes nothing."""
    random = numpy_generator(seed, number, VARIETY)
    return Variation(flipped=bool(random.random() < 0.5) and amount > 0,
                     turn=amount * TURN * random.uniform(-1, 1),
                     bend=(amount * BEND * random.uniform(-1, 1, (CELLS, CELLS, 2))).astype(np.float32),
                     thicker=amount * THICKNESS * random.standard_normal(),
                     fainter=amount * FAINTNESS * random.standard_normal())


def displacement(variation: Variation, size: int) -> np.ndarray:
    """float32 (size, size, 2), rows and columns in pixels: pixel p of the new field comes from p - displacement.

    The bend fades out towards the edge of the disc that the field of view is, so that vessels still leave it there.
    """
    at = np.stack(np.mgrid[:size, :size], axis=-1).astype(np.float32) - (size - 1) / 2
    fading = np.maximum(0, 1 - ((at ** 2).sum(axis=-1, keepdims=True) * 4 / size ** 2) ** 2)
    bend = fading * cv2.resize(size * variation.bend, (size, size), interpolation=cv2.INTER_CUBIC)
    angle = np.radians(variation.turn)
    source = at @ np.float32([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) + bend
    if variation.flipped:
        source[..., 1] *= -1
    return at - source


def vary(field: np.ndarray, variation: Variation) -> np.ndarray:
    """float32 (s, s) -> float32 (s, s): another eye.

    It is the field that is changed, not the mask: distances stay smooth, and thin vessels whole.
    """
    flow = displacement(variation, len(field))
    return warp(field[None, ..., None], flow[None], "--vary").numpy()[0, ..., 0] + np.float32(variation.thicker)

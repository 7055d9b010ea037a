"""How each vessel looks: how dark it is, and whether a bright line runs along it. No mask tells that.

A vein is dark and red, an artery paler with a reflex along its middle, and some vessels lie deep in the tissue. The
fine network is told so of each vessel that it learns from, and for a rendering it is drawn at random. Otherwise it
would draw one mean vessel, with specks of all others in it.
"""
from __future__ import annotations

import cv2
import numpy as np
import tensorflow as tf
from skimage.morphology import skeletonize

from data.distances import of_nearest, to_background
from data.vessels import neighbours
from training.contrast import GAP, RING

LOOKS = 3      # planes: how dark in green; then in red and how bright along the middle, for vessels as dark in green
LEAST = 12     # pixels of a branch's centre line; what lies on a shorter one looks as the nearest longer one
REFLEX = 2.5   # pixels from the middle to the wall, from which on a reflex can be told from its vessel
WALL = 2       # pixels of a wall
ENOUGH = 15    # pixels, of a vessel and of its surroundings, to say how dark it is
FEW = 12       # branches, of fewer of which nothing is said
MOST = 2.0     # deviations of a look from the mean, at most; that is 1 in the planes
DISC = 0.125   # of the side; so far around the optic disc nothing is said of vessels
REACH = 40     # steps of 2 pixels along a vessel over which a drawn look spreads
DIGITS = 1009.0, 4001.0, 16001.0  # times a number from 0 to 1: their fractions are as good as independent


def measured(mask: np.ndarray, fov: np.ndarray, photograph: np.ndarray, meeting: np.ndarray) -> np.ndarray:
    """The looks of the vessels of a photograph, uint8 (S, S, LOOKS); 128 is the mean, and where there is no vessel.

    Each look is a number of deviations from what branches as wide have in this photograph in the mean. The second and
    the third are those of branches that are alike in the ones before, so that all may be drawn without regard to each
    other. Nothing is said of vessels on the optic disc: beside it they look so dark that the network takes that for the
    sign of a disc, and where looks are drawn its disc has no edge.

    mask, fov: uint8 (S, S), 0 or 255. photograph: uint8 (S, S, 3) RGB. meeting: row and column of the point at which
    the vessels meet.
    """
    inside = (fov > 0) & off_disc(meeting, len(mask))
    vessel = (mask > 0) & inside
    line = skeletonize(vessel)
    label, count = _branches(line)
    depth, away = to_background(np.pad(vessel, 1))[1:-1, 1:-1], to_background(mask == 0)
    ring = inside & (away > GAP) & (away <= GAP + RING)
    green, red = photograph[..., 1].astype(np.float64), photograph[..., 0].astype(np.float64)

    def mean(values, where):
        """Of each branch; NaN where it has none."""
        own = label[where]
        number = np.bincount(own, minlength=count + 1)[1:]
        total = np.bincount(own, values[where], minlength=count + 1)[1:]
        return np.where(number > 0, total / np.maximum(number, 1), np.nan)

    enough = np.minimum(*(np.bincount(label[where], minlength=count + 1)[1:] for where in (vessel, ring))) >= ENOUGH
    width, around = mean(depth, line), np.maximum(mean(green, ring), 1)
    dark = 1 - mean(green, vessel) / around
    darkred = 1 - mean(red, vessel) / np.maximum(mean(red, ring), 1)
    reflex = (mean(green, line) - mean(green, vessel & ~line & (depth <= WALL))) / around
    looks = np.zeros((count + 1, LOOKS))
    known = [np.ones(count), np.nan_to_num(width), np.nan_to_num(width) ** 2]
    for plane, (values, where) in enumerate([(dark, enough), (darkred, enough), (reflex, enough & (width >= REFLEX))]):
        where = where & np.isfinite(values)
        if where.sum() >= FEW:
            terms = np.stack(known, -1)
            rest = values - terms @ np.linalg.lstsq(terms[where], values[where], rcond=None)[0]
            looks[1:, plane] = np.where(where, rest / max(rest[where].std(), 1e-6), 0)
            known.append(looks[1:, plane])
    planes = np.clip(looks / MOST, -1, 1)[label] * vessel[..., None]
    # 127.6, so that 0 becomes 128 whichever way halves are rounded.
    return np.round(127.5 * planes + 127.6).astype(np.uint8)


def off_disc(meeting: np.ndarray | tf.Tensor, size: int) -> np.ndarray | tf.Tensor:
    """Boolean (size, size): not near the point, row and column, at which vessels meet."""
    rows, columns = np.indices((size, size), np.float32)
    return (rows - meeting[0]) ** 2 + (columns - meeting[1]) ** 2 > (DISC * size) ** 2


def _branches(line: np.ndarray) -> tuple[np.ndarray, int]:
    """Centre lines, boolean (S, S) -> (int (S, S), the number, from 1, of the nearest branch; their count).

    A branch is what lies between two points at which lines meet.
    """
    meeting = cv2.dilate((line & (neighbours(line) > 2)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    _, parts, sizes, _ = cv2.connectedComponentsWithStats((line & ~meeting).astype(np.uint8), connectivity=8)
    long = sizes[:, cv2.CC_STAT_AREA] >= LEAST
    long[0] = False
    numbers = (np.cumsum(long) * long)[parts]
    return of_nearest(numbers, numbers > 0), int(long.sum())


def drawn(vessel: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    """Looks at random, float32 (B, S, S, LOOKS) in [-1, 1], alike along a vessel; 0 where there is none.

    In place of branches, which a graph cannot find: of the `chance` of all places within REACH along vessels, each one
    has the largest. So a branch looks as the one that it comes from, and not as a vessel beside it.

    vessel: float32 (B, S, S, 1), 0 or 1; S is even. chance: (B, S / 2, S / 2, 1), uniform in [0, 1).
    """
    half = tf.nn.max_pool2d(vessel, 2, 2, "VALID")
    largest = half * chance
    for _ in range(REACH):
        largest = half * tf.nn.max_pool2d(largest, 3, 1, "SAME")
    parts = largest * tf.constant(DIGITS)
    # Uniform, with a deviation of 1 / MOST, as in `measured`.
    looks = (parts - tf.floor(parts) - 0.5) * (12 ** 0.5 / MOST)
    return vessel * tf.repeat(tf.repeat(looks, 2, axis=1), 2, axis=2)

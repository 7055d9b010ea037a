"""Fields of view for drawn eyes, which are nobody's: discs with straight cuts, at random from what a few numbers say of
those of the training images.

The outline of a field of view identifies a photograph: those of CHASE_DB1 differ from one another by 236 pixels of
512 x 512 at least. So none of them is given to a synthetic pair.
"""
from __future__ import annotations

import cv2
import numpy as np

from data.fundus import square

NUMBERS = 7  # of a field of view, in shares of the side of its square: column and row of the centre, radius, four cuts
MOST = 2.0   # deviations from the mean


def describe(fovs: list[np.ndarray]) -> np.ndarray:
    """Fields of view, uint8 (h, w) 0/255 -> float32 (2, NUMBERS): means and deviations of their numbers.

    The disc is the smallest circle around all of it; cuts are columns and rows. A rectangle, as of images that are no
    fundus photographs, is a disc that is cut at all four sides.
    """
    numbers = np.stack([_numbers(fov) for fov in fovs])
    return np.stack([numbers.mean(axis=0), numbers.std(axis=0)], dtype=np.float32)


def _numbers(fov):
    side = max(fov.shape)
    fov = square(fov, side)
    hull = cv2.convexHull(cv2.findNonZero(fov))  # has the same circle, and OpenCV takes seconds for all points
    (column, row), radius = cv2.minEnclosingCircle(hull)
    left, top, width, height = cv2.boundingRect(fov)
    if cv2.countNonZero(fov) == width * height:  # the corners of a rectangle, not the centres of its pixels
        radius = np.hypot(width, height) / 2
    return np.array([column + 0.5, row + 0.5, radius, left, top, left + width, top + height]) / side


def draw(rims: np.ndarray, size: int, random: np.random.Generator | None = None) -> np.ndarray:
    """float32 (2, NUMBERS), as `describe` gives -> a field of view, uint8 (size, size) 0/255; without `random`, the
    mean one."""
    chance = np.zeros(NUMBERS) if random is None else np.clip(random.standard_normal(NUMBERS), -MOST, MOST)
    column, row, radius, left, top, right, bottom = rims[0] + rims[1] * chance
    rows, columns = (np.indices((size, size)) + 0.5) / size
    inside = (columns - column) ** 2 + (rows - row) ** 2 <= radius ** 2
    inside &= (left <= columns) & (columns <= right) & (top <= rows) & (rows <= bottom)
    return np.where(inside, 255, 0).astype(np.uint8)

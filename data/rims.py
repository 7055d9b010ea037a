"""Fields of view for drawn eyes, which are nobody's: discs with straight cuts, at random from what a few numbers say of
those of the training images. Where those are whole images, rectangles of about their shapes.

The outline of a field of view identifies a photograph: those of CHASE_DB1 differ from one another by 236 pixels of
512 x 512 at least. So none of them is given to a synthetic pair.
"""
from __future__ import annotations

import cv2
import numpy as np

from data.fundus import square

NUMBERS = 7  # of a field of view, in shares of the side of its square: column and row of the centre, radius, four cuts
RADIUS = 2  # its place among them
MOST = 2.0   # deviations from the mean
WHOLE = 1.0  # radius where all fields of view are whole images: a circle that cuts no corner
THIN = 0.49  # of the side, at most, is cut off a whole image at each of two sides


def describe(fovs: list[np.ndarray]) -> np.ndarray:
    """Fields of view, uint8 (h, w) 0/255 -> float32 (2, NUMBERS): means and deviations of their numbers.

    The disc is the smallest circle around all of it; cuts are columns and rows. A rectangle is a disc that is cut at
    all four sides; where all are whole images, as of what are no fundus photographs, the radius is WHOLE.
    """
    numbers = np.stack([_numbers(fov) for fov in fovs])
    if all(fov.all() for fov in fovs):
        numbers[:, RADIUS] = WHOLE
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
    if radius == WHOLE:  # in the middle, and as long as the square: one random number chooses among the shapes
        shape = np.clip(chance[0], -1, 1)
        across, down = rims[0, 3:5] + rims[1, 3:5] * [shape, -shape]
        left, top = np.clip([across - down, down - across], 0, THIN)
        right, bottom = 1 - left, 1 - top
    rows, columns = (np.indices((size, size)) + 0.5) / size
    inside = (columns - column) ** 2 + (rows - row) ** 2 <= radius ** 2
    inside &= (left <= columns) & (columns <= right) & (top <= rows) & (rows <= bottom)
    return np.where(inside, 255, 0).astype(np.uint8)

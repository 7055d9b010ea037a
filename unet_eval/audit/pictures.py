"""Masks and photographs as band-passed pictures, whose correlation says how much of the same they show."""
from __future__ import annotations

import cv2
import numpy as np
from skimage.morphology import skeletonize

from data.distances import to_background
from unet_eval.audit.records import SIZE, Records

DILATED = 5      # pixels, width of a centre line
FINE = 1.5       # pixels, standard deviation of the blur that lets a line lie a little off
COARSE = 10.0    # the same of what is taken away: light, and the share of vessels
AROUND = 16.0    # pixels, standard deviation of the surroundings in which contrast is made even
NARROW = 3.0     # COARSE of parts of photographs: discs, which are all alike, do not count for more than vessels
LIMIT = 2.0      # times the mean, which no contrast of these exceeds: the seam of what was pasted does not hide it
RIM = 8          # pixels of the field of view's edge, which all photographs share


def mask_pictures(records: Records) -> np.ndarray:
    """float32 (N, SIZE, SIZE): dilated centre lines, so that thick vessels count no more than thin ones."""
    kernel = np.ones((DILATED, DILATED), np.uint8)
    lines = (cv2.dilate(skeletonize(mask > 0).astype(np.uint8), kernel) for mask in records.masks)
    return np.stack([band(line.astype(np.float32), fov) for line, fov in zip(lines, records.fovs)])


def photograph_pictures(records: Records) -> np.ndarray:
    """float32 (N, SIZE, SIZE): high-passed luminance of the photographs, with contrast made the same everywhere, or the
    optic disc and reflections would decide alone."""
    return _luminance(records, COARSE, np.inf)


def photograph_parts(records: Records) -> np.ndarray:
    """The same for comparisons of parts, of finer structures and without strong contrasts."""
    return _luminance(records, NARROW, LIMIT)


def _luminance(records, coarse, limit):
    grey = (cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY).astype(np.float32) for photograph in records.photographs)
    return np.stack([band(each, fov, coarse, limit, even=True) for each, fov in zip(grey, records.fovs)])


def band(picture: np.ndarray, fov: np.ndarray, coarse: float = COARSE, limit: float = np.inf,
         even: bool = False) -> np.ndarray:
    """float32 (SIZE, SIZE) without what is coarser than `coarse` and finer than FINE, 0 at the rim of the field of view
    uint8 (SIZE, SIZE) and beyond, with norm 1 (or 0, of a picture without contrast).

    limit: times the mean absolute value, which none exceeds. even: contrast is made the same everywhere.
    """
    inside = (fov > 0).astype(np.float32)

    def blur(values, sigma):  # of what lies inside only
        weight = np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 0.01)
        return cv2.GaussianBlur(values * inside, (0, 0), sigma) / weight

    framed = cv2.copyMakeBorder((fov > 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    core = to_background(framed)[1:-1, 1:-1] > RIM
    passed = np.where(core, blur(picture, FINE) - blur(picture, coarse), 0)
    if limit < np.inf and core.any():
        most = limit * np.abs(passed[core]).mean()
        passed = np.clip(passed, -most, most)
    if even:
        spread = np.sqrt(blur(passed ** 2, AROUND))
        passed = passed / np.maximum(spread, max(0.3 * spread[core].mean(), 1e-9) if core.any() else 1)
    return (passed / max(float(np.linalg.norm(passed)), 1e-6)).astype(np.float32)


def moved(picture: np.ndarray, flip: bool, degrees: float, scale: float = 1.0) -> np.ndarray:
    """(h, w) or (h, w, 3): mirrored left to right, then turned counter-clockwise about the centre and scaled; what
    comes in is 0."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, scale)
    return cv2.warpAffine(np.ascontiguousarray(picture[:, ::-1]) if flip else picture, turn, (width, height))


def shrink(pictures: np.ndarray, size: int) -> np.ndarray:
    """float32 (N, SIZE, SIZE) -> (N, size, size), area averages."""
    assert SIZE % size == 0
    step = SIZE // size
    return pictures.reshape(len(pictures), size, step, size, step).mean(axis=(2, 4))

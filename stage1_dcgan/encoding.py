"""Turns masks into training pictures for the DCGAN, and its drawn pictures into masks."""
from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from skimage.morphology import skeletonize

from data.distances import to_background
from data.fundus import resize, square

THREAD = 3  # pixels, width of the lines that `bridge` adds


def encode(mask: np.ndarray, size: int, encoding: str, clip: float) -> np.ndarray:
    """uint8 (h, w) 0/255 -> float32 (size, size) in [-1, 1].

    encoding="binary", as in the authors' code: background is -1, foreground 1. encoding="signed_distance": the
    distance to the outline of the foreground in pixels of the mask, positive inside, limited to `clip` and divided by
    it. Thin vessels then become ridges that are wide enough for a low resolution, and the loss shows the generator how
    far a line is from its right place.
    """
    if encoding == "binary":
        return square(mask, size).astype(np.float32) / 127.5 - 1
    foreground = (mask > 0).astype(np.uint8)
    inside, outside = to_background(foreground), to_background(1 - foreground)
    # The outline runs between pixels: the nearest pixel centres are half a pixel from it.
    distance = np.where(foreground > 0, inside - 0.5, 0.5 - outside)
    signed = np.clip(distance / clip, -1, 1).astype(np.float32)
    side = max(signed.shape)
    padded = np.full((side, side), -1, np.float32)
    top, left = (side - signed.shape[0]) // 2, (side - signed.shape[1]) // 2
    padded[top:top + signed.shape[0], left:left + signed.shape[1]] = signed
    return resize(padded, (size, size))


@dataclass(frozen=True)
class Cut:
    """How a drawn picture becomes binary. The default is a plain threshold at 0, as in the paper.

    level: the threshold; pixels above it are foreground.
    bridge: a GAN draws its thinnest vessels as dashes on a faint ridge; a bridge > 0 joins the dashes. Where a
      connected region of pixels above level - bridge touches foreground, its centre line becomes foreground, `THREAD`
      pixels wide. This is hysteresis thresholding, as in Canny's edge detector, but adds the centre line only.
    speck: connected components of fewer pixels are removed.
    """

    level: float = 0.0
    bridge: float = 0.0
    speck: int = 0


def decode(drawn: np.ndarray, size: int, cut: Cut = Cut()) -> np.ndarray:
    """float32 (s, s) in [-1, 1] -> uint8 (size, size) 0/255: resized by cubic interpolation, then made binary."""
    fine = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_CUBIC)
    mask = fine > cut.level
    if cut.bridge:
        _, labels = cv2.connectedComponents((fine > cut.level - cut.bridge).astype(np.uint8), connectivity=8)
        touched = np.unique(labels[mask])
        centre_lines = skeletonize(np.isin(labels, touched[touched > 0])).astype(np.uint8)
        mask |= cv2.dilate(centre_lines, np.ones((THREAD, THREAD), np.uint8)) > 0
    return without_specks(np.where(mask, 255, 0).astype(np.uint8), cut.speck)


def without_specks(mask: np.ndarray, speck: int) -> np.ndarray:
    """uint8 (h, w) 0/255 without its 8-connected components of fewer than `speck` pixels."""
    if not speck:
        return mask
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] < speck
    small[0] = False  # the background
    return np.where(small[labels], 0, mask)


def level_for_share(drawn: list[np.ndarray], size: int, cut: Cut, share: float) -> float:
    """The `Cut.level` at which `share` (0 to 1) of all pixels are foreground, to 0.005, by bisection in [-0.9, 0.9].

    The width of the vessels that a GAN draws changes from epoch to epoch. With the share of the training masks they
    get the width of real vessels. `drawn`, `size`, `cut`: as in `decode`.
    """
    low, high = -0.9, 0.9
    while high - low > 0.005:
        level = (low + high) / 2
        foreground = np.mean([decode(picture, size, replace(cut, level=level)) for picture in drawn]) / 255
        low, high = (level, high) if foreground > share else (low, level)
    return (low + high) / 2

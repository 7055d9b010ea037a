"""How a mask is shown to the DCGAN, and how a drawn picture becomes a mask again."""
from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from skimage.morphology import skeletonize

from data.fundus import resize, square

THREAD = 3  # pixels


def encode(mask: np.ndarray, size: int, encoding: str, clip: float) -> np.ndarray:
    """uint8 (h, w) 0/255 -> float32 (size, size) in [-1, 1].

    "binary", the authors' choice: background -1, foreground 1. "signed_distance": the distance to the outline in
    pixels of the mask, positive inside, cut at `clip` and divided by it. Thin structures become ridges wide enough to
    survive at a low resolution, and a generator is told by how much it misses, not only that it does.
    """
    if encoding == "binary":
        return square(mask, size).astype(np.float32) / 127.5 - 1
    foreground = (mask > 0).astype(np.uint8)
    inside, outside = (cv2.distanceTransform(part, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
                       for part in (foreground, 1 - foreground))
    # pixel centres lie half a pixel from the outline between them
    distance = np.where(foreground > 0, inside - 0.5, 0.5 - outside)
    signed = np.clip(distance / clip, -1, 1).astype(np.float32)
    side = max(signed.shape)
    padded = np.full((side, side), -1, np.float32)
    top, left = (side - signed.shape[0]) // 2, (side - signed.shape[1]) // 2
    padded[top:top + signed.shape[0], left:left + signed.shape[1]] = signed
    return resize(padded, (size, size))


@dataclass(frozen=True)
class Cut:
    """How a drawn picture is made binary.

    level: what lies above it is foreground. bridge > 0: where the picture lies between level - bridge and level, and
    the stretch touches foreground, its centre line is foreground too, `THREAD` pixels wide (hysteresis, as in Canny's
    edge detector, but thin); a GAN is unsure of its thinnest vessels and draws them as dashes on a faint ridge.
    speck > 0: connected components of fewer pixels are dropped. bridge = speck = 0 is the plain cut of the paper.
    """

    level: float = 0.0
    bridge: float = 0.0
    speck: int = 0


def decode(drawn: np.ndarray, size: int, cut: Cut = Cut()) -> np.ndarray:
    """float32 (s, s) in [-1, 1] -> uint8 (size, size) 0/255: enlarged by cubic interpolation, then cut."""
    fine = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_CUBIC)
    mask = fine > cut.level
    if cut.bridge:
        _, labels = cv2.connectedComponents((fine > cut.level - cut.bridge).astype(np.uint8), connectivity=8)
        touched = np.unique(labels[mask])
        centre_lines = skeletonize(np.isin(labels, touched[touched > 0])).astype(np.uint8)
        mask |= cv2.dilate(centre_lines, np.ones((THREAD, THREAD), np.uint8)) > 0
    if cut.speck:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= cut.speck)
        mask = np.isin(labels, large[large > 0])
    return np.where(mask, 255, 0).astype(np.uint8)


def level_for_share(drawn: list[np.ndarray], size: int, cut: Cut, share: float) -> float:
    """The level at which `share` of all pixels are foreground, within 0.005, by bisection.

    How thick a GAN draws wanders while it trains; this takes the thickness from the training masks.
    """
    low, high = -0.9, 0.9
    while high - low > 0.005:
        level = (low + high) / 2
        found = np.mean([decode(picture, size, replace(cut, level=level)) for picture in drawn]) / 255
        low, high = (level, high) if found > share else (low, level)
    return (low + high) / 2

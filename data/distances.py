"""Distances in masks, the same to the last bit from call to call."""
from __future__ import annotations

import cv2
import numpy as np


def to_background(mask: np.ndarray) -> np.ndarray:
    """float32 (h, w): pixels from each pixel of a mask, uint8 or boolean (h, w), to the nearest that is 0; 0 there.

    OpenCV gives 7 at one call and 7.0000005 at the next, which is on the other side of a threshold at 7. Squares of
    distances are whole numbers, so they are rounded.
    """
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.sqrt(np.rint(np.square(distance)))

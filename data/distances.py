"""Distances in masks, the same to the last bit from call to call."""
from __future__ import annotations

import cv2
import numpy as np


def to_background(mask: np.ndarray) -> np.ndarray:
    """float32 (h, w): pixels from each pixel of a mask, uint8 or boolean (h, w), to the nearest that is 0; 0 there.
    Where none is 0, it is larger than any picture.

    OpenCV gives 7 at one call and 7.0000005 at the next, which is on the other side of a threshold at 7. Squares of
    distances are whole numbers, so they are rounded.
    """
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    with np.errstate(over="ignore"):  # without a pixel that is 0 the square may be infinite
        return np.sqrt(np.rint(np.square(distance)))


def of_nearest(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """For each pixel of `values` (h, w), the value of the nearest pixel that is `there`, boolean (h, w)."""
    _, nearest = cv2.distanceTransformWithLabels((~there).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5,
                                                 labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros(nearest.max() + 1, values.dtype)
    of_label[nearest[there]] = values[there]
    return of_label[nearest]

"""How visible the vessels of a mask are in a photograph or rendering: their contrast, by their width."""
from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from skimage.morphology import skeletonize

from data.distances import of_nearest, to_background
from data.fundus import square

SIZE = 512  # pixels across the field of view; everything is measured at this scale
# Distance in pixels from the centre line to the background, from ... to: 1 and 2 pixels wide, 3 and 4, 5 and more. Of
# the vessel pixels in masks of CHASE_DB1 these are 21, 43 and 36 %, in phantoms 54, 37 and 9 %, in HRF 74, 24 and 2 %.
WIDTHS = {"thin": (0, 2), "middle": (2, 3), "wide": (3, SIZE)}
GAP, RING = 1, 6  # pixels: surroundings are further from a vessel than GAP, where it is blurred, up to RING beyond it
RIM = 9           # pixels; half of them are left out along the rim of the field of view
LEAST = 100       # vessel pixels of a width; fewer give no contrast


def contrast(picture: np.ndarray, mask: np.ndarray, fov: np.ndarray) -> dict[str, float]:
    """Contrast of the "thin", "middle" and "wide" vessels of one picture.

    It is how much darker the green channel is in the vessels than in their surroundings: the difference of the means,
    in standard deviations of the surroundings of all vessels. Surroundings are a ring around the vessels, in the field
    of view and without any vessel. NaN where the mask has next to no vessels of a width.

    Args:
      picture: uint8 (h, w, 3) RGB. mask, fov: uint8 (h, w), 0 or 255. They are brought to SIZE x SIZE first.
    """
    green = square(picture, SIZE)[..., 1].astype(np.float32)
    vessel = square(np.minimum(mask, fov), SIZE) > 0
    inside = cv2.erode(square(fov, SIZE), np.ones((RIM, RIM), np.uint8), borderValue=0) > 0
    away = to_background(~vessel)
    ring = inside & (away > GAP) & (away <= GAP + RING)
    width, deviation = _half_widths(vessel), green[ring].std() if ring.any() else 0.0

    def of(low, high):
        own = (width >= low) & (width < high)
        dark, light = green[vessel & inside & own], green[ring & own]
        known = deviation > 0 and len(dark) >= LEAST and len(light)
        return float((light.mean() - dark.mean()) / deviation) if known else float("nan")

    return {name: of(*limits) for name, limits in WIDTHS.items()}


def mean_contrast(pictures: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Means of `contrast` over (picture, mask, field of view); NaN is left out, and stays where there is nothing else.
    """
    each = [contrast(*picture) for picture in pictures]
    known = {name: [values[name] for values in each if not np.isnan(values[name])] for name in WIDTHS}
    return {name: float(np.mean(values)) if values else float("nan") for name, values in known.items()}


def _half_widths(vessel: np.ndarray) -> np.ndarray:
    """For each pixel, boolean (h, w), in vessels or not: how far the nearest centre line is from the background."""
    line = skeletonize(vessel)
    depth = to_background(np.pad(vessel, 1))[1:-1, 1:-1]
    return of_nearest(depth, line)

"""Grids of pictures, for contact sheets, TensorBoard and figures."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GREY = 128


def grid(pictures: Sequence[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """Arranges pictures of one size, uint8 (h, w), (h, w, 1) or (h, w, 3), in `columns` columns -> uint8 (H, W, 3).

    The gaps between them are grey and `gap` pixels wide.
    """
    pictures = [np.squeeze(picture) for picture in pictures]
    pictures = [np.stack([picture] * 3, axis=-1) if picture.ndim == 2 else picture for picture in pictures]
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), GREY, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top:top + height, left:left + width] = picture
    return sheet

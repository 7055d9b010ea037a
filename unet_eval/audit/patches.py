"""How alike parts of pictures are: a copied quadrant counts.

Patches of one picture are looked for anywhere in the other one, which is mirrored and turned, by normalised
correlation. All windows of a picture are a matrix, so that a product of matrices compares them all.
"""
from __future__ import annotations

from itertools import product

import numpy as np

from unet_eval.audit.pictures import moved, shrink
from unet_eval.audit.records import PATCH, SIZE

SMALL = 64                        # pixels of the pictures that are compared
SIDE = PATCH * SMALL // SIZE      # of a patch there
DEGREES = [whole + turn for whole in (0, 180) for turn in (-16, -8, 0, 8, 16)]
ALIKE = 2                         # patches of one picture have to be found in another; one is so by chance
WHOLE = 0.9                       # of a patch lies in the field of view
BUSY = 0.5                        # of the mean energy of all patches; one with less shows too little to tell it


def similarity(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float32 (N, SIZE, SIZE) and (M, SIZE, SIZE) -> (N, M), -1 to 1: the correlation that ALIKE patches of PATCH
    pixels of a picture reach in the other one; they overlap by half. -1 where it has not so many."""
    patches = [_busy(picture) for picture in shrink(pictures, SMALL)]
    owner = np.repeat(np.arange(len(pictures)), [len(each) for each in patches])
    stacked = np.concatenate(patches)
    alike = np.full((len(pictures), len(others)), -1, np.float32)
    for column, other in enumerate(shrink(others, SMALL)):
        best = np.full(len(stacked), -1, np.float32)
        for flip, degrees in product((False, True), DEGREES):
            windows = _normalised(_windows(moved(other, flip, degrees), step=1))
            np.maximum(best, (stacked @ windows.T).max(axis=1, initial=-1), out=best)
        for row in range(len(pictures)):
            own = np.sort(best[owner == row])
            if len(own) >= ALIKE:
                alike[row, column] = own[-ALIKE]
    return alike


def _windows(picture, step):
    """(n, SIDE^2)."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, (SIDE, SIDE))[::step, ::step]
    return windows.reshape(-1, SIDE * SIDE)


def _normalised(windows):
    """Mean 0 and norm 1; those without contrast are left out."""
    windows = windows - windows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(windows, axis=1, keepdims=True)
    seen = norms[:, 0] > 1e-3
    return windows[seen] / norms[seen]


def _busy(picture):
    windows = _windows(picture, step=SIDE // 2)
    energy = windows.var(axis=1)
    # A patch that the field of view's rim crosses is an empty half and a shape that all photographs share.
    whole = (windows != 0).mean(axis=1) > WHOLE
    return _normalised(windows[whole & (energy > BUSY * energy[whole].mean())]) if whole.any() else windows[:0]

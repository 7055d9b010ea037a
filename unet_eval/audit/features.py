"""How alike photographs are to a network that was trained on nothing, and so not on them.

It is a scattering network (Bruna and Mallat, Invariant scattering convolution networks, IEEE TPAMI 35(8), 2013): its
filters are given wavelets, the moduli of whose answers are filtered again and averaged over tiles. It sees texture and
what lies where, not single lines.
"""
from __future__ import annotations

import cv2
import numpy as np

from unet_eval.audit.pictures import shrink
from unet_eval.audit.search import Position

SMALL = 64          # pixels of the pictures that it sees
TILES = 4           # a side of the grid that answers are averaged on
ANGLES = 6          # of the wavelets
LENGTHS = (4, 8)    # pixels, wavelengths; the second order filters answers of the first with the longer one


def features(pictures: np.ndarray) -> np.ndarray:
    """float32 (N, SIZE, SIZE) -> (N, K, ANGLES, ANGLES, TILES, TILES): K = 3 sets of answers, in the last of which
    axis 2 is the angle of the first filter, in the others repeated."""
    return np.stack([_scattered(picture.astype(np.float32)) for picture in shrink(pictures, SMALL)])


def similarity(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N, M), at most 1: correlation of features less the mean of `others`, the largest over the quarter turns and
    mirror images of the others, which are those of the tiles and angles."""
    return np.max(_correlations(features, others), axis=0)


def find(features: np.ndarray, other: np.ndarray) -> Position:
    """Where `other` has to be moved to look most like a picture, by the features of both. A mean of more others is the
    same in each position, so it would not change which of them is best."""
    flip, turns = divmod(int(np.argmax(_correlations(features[None], other[None]))), 4)
    return Position(bool(flip), 90 * turns, 1.0)


def _correlations(features, others):
    """(8, N, M), one for each of `_positions`."""
    mean = np.mean([position for position in _positions(others)], axis=(0, 1))
    own = _unit(features - mean)
    return np.stack([own @ _unit(position - mean).T for position in _positions(others)])


def _wavelet(length, angle):
    side = 2 * length + 1
    real, imaginary = (cv2.getGaborKernel((side, side), 0.5 * length, np.pi * angle / ANGLES, length, 0.6, phase)
                       for phase in (0, np.pi / 2))
    real -= real.mean()
    weight = np.sqrt((real ** 2).sum())
    return (real / weight).astype(np.float32), (imaginary / weight).astype(np.float32)


def _modulus(picture, length, angle):
    return np.hypot(*(cv2.filter2D(picture, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
                      for kernel in _wavelet(length, angle)))


def _scattered(picture):
    short, long = ([_modulus(picture, length, angle) for angle in range(ANGLES)] for length in LENGTHS)
    second = [[_modulus(answer, LENGTHS[1], angle) for angle in range(ANGLES)] for answer in short]
    sets = [[[answer for answer in answers] for _ in range(ANGLES)] for answers in (short, long)] + [second]
    answers = np.array(sets, np.float32)
    step = SMALL // TILES
    tiles = answers.reshape(*answers.shape[:3], TILES, step, TILES, step).mean(axis=(-3, -1))
    # Each set as strong as the others, or 0 of a picture without contrast; the logarithm makes contrast a sum.
    return np.log(tiles / np.maximum(tiles.mean(axis=(1, 2, 3, 4), keepdims=True), 1e-9) + 0.1)


def _positions(features):
    """Those of all pictures turned by quarters, counter-clockwise, and then of the mirrored ones: a quarter turn moves
    angles by half of them."""
    reverse, quarter = -np.arange(ANGLES) % ANGLES, (np.arange(ANGLES) + ANGLES // 2) % ANGLES
    for each in (features, features[:, :, reverse][:, :, :, reverse][..., ::-1]):
        for _ in range(4):
            yield each
            each = np.rot90(each[:, :, quarter][:, :, :, quarter], axes=(-2, -1))


def _unit(features):
    flat = features.reshape(len(features), -1)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)

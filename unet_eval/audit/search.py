"""How alike whole pictures are, however one of them is mirrored, turned, scaled and shifted.

All positions are tried on small, blurred pictures; around the best one, positions are tried again, closer together, on
larger ones. Shifts are tried all at once, by a correlation through Fourier transforms.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from scipy import fft

from unet_eval.audit.pictures import moved, shrink
from unet_eval.audit.records import SIZE

SMALL, BLUR = 64, 4.0   # pixels at which all positions are tried, and before that a blur in pixels of SIZE
LARGE = 128             # pixels at which the best is looked at again
DEGREES = range(0, 360, 10)
SCALES = (0.96, 1.04)
CLOSER = (-5.0, -2.5, 0.0, 2.5, 5.0), (0.96, 1.0, 1.04)  # degrees and scales about the best


@dataclass(frozen=True)
class Position:
    """How a picture was moved: mirrored left to right, turned counter-clockwise about its centre and scaled, then
    shifted by (down, right) pixels of SIZE."""

    flip: bool
    degrees: float
    scale: float
    shift: tuple[int, int] = (0, 0)

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """(SIZE, SIZE) or (SIZE, SIZE, 3) as it was moved."""
        turned = moved(picture, self.flip, self.degrees, self.scale)
        matrix = np.float32([[1, 0, self.shift[1]], [0, 1, self.shift[0]]])
        return cv2.warpAffine(turned, matrix, turned.shape[1::-1])

    def cut(self, picture: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What of two pictures shows the match, as of `patches.Match`: all of them, the other one as it was moved."""
        return picture, self.apply(other)


def similarity(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float32 (N, SIZE, SIZE) and (M, SIZE, SIZE) -> (N, M): the largest correlation over all positions, -1 to 1."""
    return np.array([[alike for alike, _ in row] for row in _matches(pictures, others)], np.float32)


def find(picture: np.ndarray, other: np.ndarray) -> Position:
    """Where `other` has to be moved to look most like `picture`."""
    return _matches(picture[None], other[None])[0][0][1]


def _matches(pictures, others) -> list[list[tuple[float, Position]]]:
    blurred = [np.stack([cv2.GaussianBlur(picture, (0, 0), BLUR) for picture in each]) for each in (pictures, others)]
    small = _Spectra(shrink(blurred[0], SMALL), reach=SMALL // 8)
    large = _Spectra(shrink(pictures, LARGE), reach=LARGE // 32)
    found = [[None] * len(others) for _ in pictures]
    everywhere = [Position(*each) for each in product((False, True), DEGREES, SCALES)]
    for column, (tiny, other) in enumerate(zip(shrink(blurred[1], SMALL), shrink(others, LARGE))):
        templates = small.templates(tiny, everywhere)
        for row in range(len(pictures)):
            _, best = small.best(row, templates, everywhere)
            closer = [Position(best.flip, best.degrees + turn, best.scale * scale, best.shift)
                      for turn, scale in product(*CLOSER)]
            found[row][column] = large.best(row, large.templates(other, closer), closer)
    return found


class _Spectra:
    """Pictures (N, S, S), transformed once, that are compared with many templates at all shifts up to `reach`."""

    def __init__(self, pictures, reach):
        self._size, self._padded = pictures.shape[1], pictures.shape[1] + reach  # no shift comes round
        self._shifts = np.arange(-reach, reach + 1)
        self._spectra = self._transform(pictures)
        self._norms = np.linalg.norm(pictures, axis=(1, 2))

    def _transform(self, pictures):
        return fft.rfft2(pictures, (self._padded, self._padded))

    def templates(self, other, positions: Iterable[Position]):
        """(conjugate spectra, norms) of a picture in each position."""
        step = SIZE / self._size
        at = np.stack([_shifted(moved(other, each.flip, each.degrees, each.scale), each.shift, step)
                       for each in positions])
        return np.conj(self._transform(at)), np.linalg.norm(at, axis=(1, 2))

    def best(self, row, templates, positions: list[Position]) -> tuple[float, Position]:
        """The largest correlation of picture `row` with the templates, and the position of it."""
        spectra, norms = templates
        products = fft.irfft2(self._spectra[row] * spectra, (self._padded, self._padded))
        products = products[:, self._shifts[:, None], self._shifts]
        products /= np.maximum(self._norms[row] * norms, 1e-6)[:, None, None]
        number, down, right = np.unravel_index(np.argmax(products), products.shape)
        base, step = positions[number], SIZE // self._size
        shift = tuple(int(before + step * self._shifts[by]) for before, by in zip(base.shift, (down, right)))
        return float(products[number, down, right]), Position(base.flip, base.degrees, base.scale, shift)


def _shifted(picture, shift, step):
    if shift == (0, 0):
        return picture
    matrix = np.float32([[1, 0, shift[1] / step], [0, 1, shift[0] / step]])
    return cv2.warpAffine(picture, matrix, picture.shape[::-1])

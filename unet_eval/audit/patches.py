"""How alike parts of pictures are: a copied quadrant counts.

One vessel looks like any other one, so small patches of unrelated eyes correlate well. What no two eyes share is how
vessels lie to one another. So windows are compared that hold several of them: the correlation of a window adds up what
its patches say of one position, as votes for a transformation do where copied parts of one picture are looked for
(Fridrich, Soukal and Lukas, Detection of copy-move forgery in digital images, DFRWS 2003). All positions are tried on
small, blurred pictures; around the best ones, positions are tried again, closer together, on larger ones.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import product
from operator import attrgetter

import cv2
import numpy as np

from unet_eval.audit.pictures import moved, shrink
from unet_eval.audit.records import PART, SIZE
from unet_eval.audit.search import Position

SMALL, BLUR = 64, 4.0   # pixels at which all positions are tried, and before that a blur in pixels of SIZE
BLOCK = 8               # pixels there by which windows differ
WIDE = PART * SMALL // SIZE // BLOCK  # blocks of a window, a side
REACH = 12              # pixels there of a shift, either way
DEGREES = [half + turn for half in (0, 180) for turn in (-10, 0, 10)]
CANDIDATES = 4          # turned and mirrored pictures in which the best window is looked at again
LARGE, NEAR = 128, 4    # pixels at which it is; pixels there of a shift about the one that was found
TURNS, SCALES = (-5.0, -2.5, 0.0, 2.5, 5.0), (0.96, 1.04)  # degrees, and then at the best of these scales
FAINT = 0.5             # of the mean energy of windows; one with less shows too little, and counts for less
ROWS = 64               # pictures compared at a time, so that their correlations fit into memory


@dataclass(frozen=True)
class Match:
    """A window (top, left) of PART pixels of a picture, how alike it is to that part of another picture which lies
    there once that is moved to `position`; all in pixels of SIZE."""

    alike: float
    window: tuple[int, int]
    position: Position

    def cut(self, picture: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The two parts, (PART, PART) or (PART, PART, 3), of pictures of SIZE pixels."""
        top, left = self.window
        part = np.s_[top:top + PART, left:left + PART]
        return picture[part], self.position.apply(other)[part]


def similarity(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float32 (N, SIZE, SIZE) and (M, SIZE, SIZE) -> (N, M), -1 to 1: the correlation that a window of PART pixels of a
    picture reaches in the other one."""
    return np.array([[match.alike for match in row] for row in _matches(pictures, others)], np.float32)


def find(picture: np.ndarray, other: np.ndarray) -> Match:
    """The window of a picture (SIZE, SIZE) that is most alike to a part of another one."""
    return _matches(picture[None], other[None])[0][0]


def _matches(pictures, others) -> list[list[Match]]:
    (small, large), (tiny, closer) = ((_small(each), shrink(each, LARGE)) for each in (pictures, others))
    found = [[] for _ in pictures]
    for start in range(0, len(pictures), ROWS):
        blocks = _Blocks(small[start:start + ROWS])
        for column, other in enumerate(closer):
            look = _Closer(other)
            for row, candidates in enumerate(blocks.find(tiny[column]), start):
                found[row].append(max((look(large[row], each) for each in candidates), key=attrgetter("alike")))
    return found


def _small(pictures):
    return shrink(np.stack([cv2.GaussianBlur(picture, (0, 0), BLUR) for picture in pictures]), SMALL)


def _windows(blocks):
    """(k, k, ...), what blocks hold -> (k - WIDE + 1, k - WIDE + 1, ...), sums of the windows."""
    number = len(blocks) - WIDE + 1
    down = sum(blocks[first:first + number] for first in range(WIDE))
    return sum(down[:, first:first + number] for first in range(WIDE))


class _Blocks:
    """Pictures (N, SMALL, SMALL), cut into blocks, whose windows are looked for in others. The blocks of one place are
    a matrix, and so are all places where they can lie in another picture, so that a product compares them."""

    def __init__(self, pictures):
        self._across = SMALL // BLOCK
        cut = pictures.reshape(-1, self._across, BLOCK, self._across, BLOCK).transpose(1, 3, 0, 2, 4)
        self._blocks = np.ascontiguousarray(cut).reshape(self._across, self._across, len(pictures), BLOCK * BLOCK)
        energy = _windows((self._blocks ** 2).sum(axis=-1))
        self._norms = _root(np.maximum(energy, FAINT * energy.mean(axis=(0, 1))))[..., None]

    def find(self, other: np.ndarray) -> list[list[Match]]:
        """Of each picture, the windows that correlate most with a part of `other` (SMALL, SMALL): CANDIDATES, each of
        another turned or mirrored `other`."""
        found, step, side = [[] for _ in range(self._norms.shape[2])], SIZE // SMALL, 2 * REACH + 1
        for flip, degrees in product((False, True), DEGREES):
            alike = self._correlations(moved(other, flip, degrees)).transpose(2, 0, 1, 3)
            shape, flat = (*alike.shape[1:3], side, side), alike.reshape(len(found), -1)
            for row, best in enumerate(flat.argmax(axis=1)):
                top, left, down, right = map(int, np.unravel_index(best, shape))
                position = Position(flip, degrees, 1.0, ((REACH - down) * step, (REACH - right) * step))
                found[row].append(Match(float(flat[row, best]), (top * BLOCK * step, left * BLOCK * step), position))
        return [nlargest(CANDIDATES, each, key=attrgetter("alike")) for each in found]

    def _correlations(self, other):
        """(windows down, windows right, N, shifts)."""
        padded, side = np.pad(other, REACH), 2 * REACH + 1
        everywhere, energy = np.lib.stride_tricks.sliding_window_view(padded, (BLOCK, BLOCK)), _sums(padded ** 2, BLOCK)
        products = np.empty((*self._blocks.shape[:3], side ** 2), np.float32)
        energies = np.empty((*self._blocks.shape[:2], 1, side ** 2), np.float32)
        for down, right in product(range(self._across), repeat=2):
            at = np.s_[down * BLOCK:down * BLOCK + side, right * BLOCK:right * BLOCK + side]
            np.matmul(self._blocks[down, right], everywhere[at].reshape(side ** 2, -1).T, out=products[down, right])
            energies[down, right] = energy[at].reshape(-1)
        least = FAINT * (WIDE * BLOCK) ** 2 * (other ** 2).mean()
        return _windows(products) / (self._norms * _root(np.maximum(_windows(energies), least)))


class _Closer:
    """Another picture (LARGE, LARGE), in positions close to where a window was found."""

    def __init__(self, other):
        self._least = FAINT * (PART * LARGE // SIZE) ** 2 * (other ** 2).mean()
        self._moved = lru_cache(None)(lambda *position: np.pad(moved(other, *position), LARGE // 2))

    def __call__(self, picture: np.ndarray, rough: Match) -> Match:
        """The same window of a picture (LARGE, LARGE), where it correlates most."""
        step, side = SIZE // LARGE, PART * LARGE // SIZE
        top, left = (start // step for start in rough.window)
        window = picture[top:top + side, left:left + side]
        norm = _root(max(float((window ** 2).sum()), FAINT * side ** 2 * float((picture ** 2).mean())))
        down, right = (start - shift // step - NEAR for start, shift in zip((top, left), rough.position.shift))
        at = np.s_[LARGE // 2 + down:LARGE // 2 + down + side + 2 * NEAR,
                   LARGE // 2 + right:LARGE // 2 + right + side + 2 * NEAR]

        def turned(degrees, scale):
            part = self._moved(rough.position.flip, degrees, scale)[at]
            products = cv2.matchTemplate(part, window, cv2.TM_CCORR)
            alike = products / (norm * _root(np.maximum(_sums(part ** 2, side), self._least)))
            row, column = map(int, np.unravel_index(alike.argmax(), alike.shape))
            shift = ((top - down - row) * step, (left - right - column) * step)
            return Match(float(alike[row, column]), rough.window, Position(rough.position.flip, degrees, scale, shift))

        best = max((turned(rough.position.degrees + turn, 1.0) for turn in TURNS), key=attrgetter("alike"))
        scaled = (turned(best.position.degrees, scale) for scale in SCALES)
        return max(best, *scaled, key=attrgetter("alike"))


def _sums(picture, side):
    """Of all squares of so many pixels: (h, w) -> (h - side + 1, w - side + 1)."""
    sums = cv2.boxFilter(picture, cv2.CV_32F, (side, side), anchor=(0, 0), normalize=False,
                         borderType=cv2.BORDER_CONSTANT)
    return sums[:len(picture) - side + 1, :picture.shape[1] - side + 1]


def _root(energy):
    return np.sqrt(np.maximum(energy, 1e-12))

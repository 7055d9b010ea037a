"""The training mask nearest to another one (paper, Figure 4), however it is flipped, turned or moved.

Masks A and B are compared small and blurred, by |A - B|^2 / (|A|^2 + |B|^2) = 1 - 2 <A, B> / (|A|^2 + |B|^2): 0 for
equals, 1 for masks that have nothing in common, whatever their densities. A mask that is moved is surrounded by
background and loses nothing at the edge.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product

import cv2
import numpy as np
from scipy import fft

COARSE, BLUR = 64, 1.5          # pixels
DEGREES = range(0, 360, 15)
REACH = COARSE // 8             # pixels of a shift, either way
PADDED = COARSE + REACH         # no shift comes round to the other side


@dataclass(frozen=True)
class Match:
    """Where a mask was found: the training mask's index; mirrored left to right, then turned counter-clockwise about
    its centre, then shifted by (down, right) pixels; and the distance, 0 to 1."""

    training: int
    flip: bool
    degrees: int
    shift: tuple[int, int]
    distance: float


def _move(mask, flip, degrees, shift):
    centre = (mask.shape[1] - 1) / 2, (mask.shape[0] - 1) / 2
    turn = cv2.getRotationMatrix2D(centre, degrees, 1)
    turn[:, 2] += shift[::-1]
    return cv2.warpAffine(mask[:, ::-1] if flip else mask, turn, mask.shape[::-1])


def apply(match: Match, mask: np.ndarray) -> np.ndarray:
    """The training mask uint8 (S, S) 0/255 as it was found, uint8 (S, S) 0/255."""
    return np.where(_move(mask, match.flip, match.degrees, match.shift) >= 128, 255, 0).astype(np.uint8)


def _coarse(mask):
    small = cv2.resize(mask, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small.astype(np.float32) / 255, (0, 0), BLUR)


def _spectrum(pictures):
    return fft.rfft2(pictures, (PADDED, PADDED))


class Bank:
    """Training masks in every position but the shifts, which a correlation tries at once; about 1 MB a mask."""

    def __init__(self, masks: Iterable[np.ndarray]):
        """`masks` are uint8 (S, S) 0/255."""
        self.positions = list(product((False, True), DEGREES))
        moved = ([_coarse(_move(mask, flip, degrees, (0, 0))) for flip, degrees in self.positions] for mask in masks)
        self.templates = [(_spectrum(np.array(each)), np.sum(np.square(each), axis=(1, 2))) for each in moved]


def find(mask: np.ndarray, bank: Bank) -> Match:
    """The nearest of all training masks and positions to a mask, uint8 (S, S) 0/255; an empty one is at distance 1."""
    return min(Match(0, False, 0, (0, 0), 1.0), *_matches(mask, bank), key=lambda match: match.distance)


def pairwise(masks: list[np.ndarray]) -> list[float]:
    """The distances of all pairs of `masks`, uint8 (S, S) 0/255, each pair in the position in which it is nearest."""
    bank = Bank(masks)
    return [match.distance for number, mask in enumerate(masks) for match in islice(_matches(mask, bank), number)]


def _matches(mask: np.ndarray, bank: Bank) -> Iterator[Match]:
    """Where each training mask is nearest to a mask, uint8 (S, S) 0/255."""
    small = _coarse(mask)
    spectrum, power = _spectrum(small), np.sum(np.square(small))
    shifts = np.arange(-REACH, REACH + 1)
    for training, (spectra, powers) in enumerate(bank.templates):
        products = fft.irfft2(spectrum * np.conj(spectra), (PADDED, PADDED))[:, shifts[:, None], shifts]
        alike = 2 * products / np.maximum(power + powers, 1e-6)[:, None, None]
        position, down, right = np.unravel_index(np.argmax(alike), alike.shape)
        flip, degrees = bank.positions[position]
        shift = tuple(round(int(shifts[i]) * len(mask) / COARSE) for i in (down, right))
        yield Match(training, flip, degrees, shift, max(0.0, 1 - float(alike[position, down, right])))

"""What the pictures of a report are drawn from; results.json holds numbers only."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.fundus import View
from data.pairs import PairReader
from unet_eval.measure import TestImage


@dataclass(frozen=True)
class Second:
    """The run on the second data set: its layout's name, real training views with masks, and its synthetic pairs."""

    name: str
    training: list[View]
    pairs: PairReader


@dataclass(frozen=True)
class Material:
    """S is the side of the synthetic pictures in pixels; None or empty stands for what a run does not have.

    tests: the test images. found: arm -> boolean masks of them on the working grid, of the arm's first seed.
    training: real training views with masks. pairs: synthetic.h5. rendered: rendered.h5.
    single: uint8 (N, s, s, 3), photographs of the single GAN. second: the run on the second data set.
    nearest: for each of the first synthetic masks the nearest training mask, uint8 (S, S), turned and shifted as found.
    real_counts, synthetic_counts: grey-level counts (images, bins).
    """

    tests: list[TestImage]
    found: dict[str, list[np.ndarray]]
    training: list[View]
    pairs: PairReader
    rendered: PairReader | None
    single: np.ndarray | None
    second: Second | None
    nearest: list[np.ndarray]
    real_counts: np.ndarray
    synthetic_counts: np.ndarray

"""KL divergence of pixel intensities (paper, Section 9 and Figure 3), by each definition that the paper leaves open.

The paper gives neither bins nor channels, pixels or treatment of empty bins, so histograms are counted once, as finely
as 8 bits allow, and every `Definition` follows from them by adding counts up.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from scipy.special import rel_entr

LEVELS = 256  # of 8 bits
PIXELS = ("fov", "all")
CHANNELS = {"grey": [0], "rgb": [1, 2, 3]}
SPLITS = 100  # into random halves


@dataclass(frozen=True)
class Definition:
    """What is compared: `bins` of equal width (a divisor of 256), of the luminance ("grey") or the mean of the KL of
    red, green and blue ("rgb"), over `pixels` in the field of view ("fov") or "all", with `smoothing` counts added to
    every bin of both histograms."""

    bins: int = LEVELS
    channels: str = "grey"
    pixels: str = "fov"
    smoothing: float = 1.0

    def __post_init__(self):
        if LEVELS % self.bins or self.channels not in CHANNELS or self.pixels not in PIXELS or self.smoothing < 0:
            raise ValueError(f"{self} is no definition of a histogram")


def histograms(images: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Counts (N, 2, 4, 256), int64, of pairs (photograph uint8 (H, W, 3) RGB, field of view uint8 (H, W)).

    Axis 1 is PIXELS; axis 2 is grey, red, green, blue.
    """
    def count(photograph, fov):
        levels = np.dstack([cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY), photograph])
        return [[np.bincount(channel, minlength=LEVELS) for channel in pixels.T]
                for pixels in (levels[fov > 0], levels.reshape(-1, 4))]

    return np.array([count(*image) for image in images], np.int64)


def select(counted: np.ndarray, definition: Definition) -> np.ndarray:
    """Counts (N, C, bins) by a definition, from those of `histograms`; C is 1 for grey, 3 for rgb."""
    chosen = counted[:, PIXELS.index(definition.pixels)][:, CHANNELS[definition.channels]]
    return chosen.reshape(*chosen.shape[:2], definition.bins, -1).sum(axis=-1)


def kl_divergence(p, q, smoothing=1.0):
    """KL(P, Q) = sum P ln(P / Q) in nats (paper, Section 9) between histograms of counts (..., bins) -> (...).

    `smoothing` counts are added to every bin of both, so that an empty bin of Q stays finite; with 0 it is infinite
    where P has counts, and nothing (0 ln 0 = 0) where P has none.
    """
    p, q = np.asarray(p, np.float64) + smoothing, np.asarray(q, np.float64) + smoothing
    return rel_entr(p / p.sum(-1, keepdims=True), q / q.sum(-1, keepdims=True)).sum(-1)


def kl_of_halves(counts, smoothing=1.0, splits=SPLITS, seed=0):
    """Mean KL between random halves of N images, from counts (N, ..., bins) -> (...).

    It is the floor that two samples of one distribution reach. Of an odd number one image is left out of each split.
    NaN for fewer than two images.
    """
    counts, half = np.asarray(counts), len(counts) // 2
    if not half:
        return np.full(counts.shape[1:-1], np.nan)
    random = np.random.default_rng(seed)
    orders = (random.permutation(len(counts)) for _ in range(splits))
    return np.mean([kl_divergence(counts[order[:half]].sum(0), counts[order[half:2 * half]].sum(0), smoothing)
                    for order in orders], axis=0)


def compare(real: np.ndarray, synthetic: np.ndarray, definition: Definition) -> dict:
    """The definition, with KL both ways between all pixels of both sets and its floor between halves of `real`.

    `real` and `synthetic` are counts from `histograms`. Keys: bins, channels, pixels, smoothing, synthetic_real,
    real_synthetic, real_real; the last three are floats, infinite or NaN where they are not defined.
    """
    real, synthetic, smoothing = select(real, definition), select(synthetic, definition), definition.smoothing
    return {**asdict(definition),
            "synthetic_real": float(kl_divergence(synthetic.sum(0), real.sum(0), smoothing).mean()),
            "real_synthetic": float(kl_divergence(real.sum(0), synthetic.sum(0), smoothing).mean()),
            "real_real": float(kl_of_halves(real, smoothing).mean())}


def definitions() -> list[Definition]:
    """The 20 that the report's table tries. Coarse bins are never empty, so smoothing is varied at 256 only; a
    thousandth of a count is some 1e-10 of the pixels, the "epsilon" of many programs."""
    kinds = [(bins, smoothing) for bins in (16, 64, LEVELS) for smoothing in (1.0, 1e-3, 0.0)
             if bins == LEVELS or smoothing == 1]
    return [Definition(bins, channels, pixels, smoothing) for pixels in PIXELS for channels in CHANNELS
            for bins, smoothing in kinds]


def nearest_to_paper(compared: list[dict], paper: dict) -> int:
    """Index of the one of `compare`'s dicts with the least mean |ln(measured / paper)| over the paper's two numbers.

    `paper` has "kl_synthetic_real" and "kl_real_real". A measurement that is 0 or not finite comes last.
    """
    measured = np.array([[entry["synthetic_real"], entry["real_real"]] for entry in compared])
    usable = np.isfinite(measured) & (measured > 0)
    ratios = np.where(usable, measured, 1) / [paper["kl_synthetic_real"], paper["kl_real_real"]]
    return int(np.argmin(np.where(usable, np.abs(np.log(ratios)), np.inf).mean(axis=1)))

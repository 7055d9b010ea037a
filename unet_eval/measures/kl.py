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
CHOICES = 100  # of the photographs that are compared


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


def compare(real: np.ndarray, synthetic: np.ndarray, definition: Definition, seed: int = 0) -> dict:
    """The definition, with KL both ways between synthetic and real photographs, and its floor, KL between real ones.

    The fewer photographs are pooled, the larger KL is, also of two samples of one distribution. So all three compare n
    with n others, n being half of the real ones, or all of the synthetic ones where these are fewer: means over CHOICES
    random choices of them. Where both sets are of one distribution, all three have the same expectation, if
    photographs are independent: two of one patient, one on either side, make the floor too low.

    Args:
      real, synthetic: counts from `histograms`.
    Returns:
      bins, channels, pixels, smoothing; n; synthetic_real, real_synthetic, real_real, floats, infinite or NaN where
      they are not defined (real_real of a single photograph); "range", {"synthetic_real", "real_real"}: [percentile
      2.5, percentile 97.5] of the choices. A random half strays from the whole as much as the whole does from all that
      there could be.
    """
    n = max(1, min(len(real) // 2, len(synthetic)))
    random, smoothing = np.random.default_rng(seed), definition.smoothing

    def chosen(count, most):
        return random.permuted(np.tile(np.arange(count), (CHOICES, 1)), axis=1)[:, :most]

    def pooled(counts, rows):
        return select(counts, definition)[rows].sum(axis=1)

    order = chosen(len(real), 2 * n)
    one, other = pooled(real, order[:, :n]), pooled(real, order[:, n:])
    drawn = pooled(synthetic, chosen(len(synthetic), n))
    values = {"synthetic_real": kl_divergence(drawn, one, smoothing),
              "real_synthetic": kl_divergence(one, drawn, smoothing),
              "real_real": kl_divergence(one, other, smoothing) if len(real) > 1 else np.full((CHOICES, 1), np.nan)}
    values = {name: value.mean(axis=1) for name, value in values.items()}  # over channels
    return {**asdict(definition), "n": n, **{name: float(value.mean()) for name, value in values.items()},
            "range": {name: np.percentile(values[name], [2.5, 97.5], method="closest_observation").tolist()
                      for name in ("synthetic_real", "real_real")}}


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

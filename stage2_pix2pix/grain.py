"""The fine texture that renderings lack (noise of the camera, choroid, nerve fibres), replaced by noise."""
from __future__ import annotations

from collections.abc import Iterable

import numpy as np

BINS = 64          # bins of spatial frequency, from 0 to the highest, 0.71 cycles per pixel along the diagonal
LARGEST = 1 / 48   # cycles per pixel; lower frequencies are light and anatomy, not texture


def _bin_of_frequency(rows: int, columns: int) -> np.ndarray:
    """int (rows, columns): the frequency bin of each coefficient of a 2D Fourier transform."""
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None])
    return np.minimum((frequency / np.sqrt(0.5) * BINS).astype(int), BINS - 1)


def radial_power(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """uint8 (S, S, 3), one at a time -> float64 (BINS, 3): mean power per frequency bin and channel, in squared grey
    levels.

    It is measured under a Hann window in the middle half of the pictures. This lies inside the field of view, but for
    pictures more than twice as wide as high, or as high as wide: there black above and below is in it, too.
    """
    total, count = 0.0, 0
    for picture in pictures:
        quarter = len(picture) // 4
        middle = picture[quarter:-quarter, quarter:-quarter].astype(np.float64)
        window = np.hanning(middle.shape[0])[:, None] * np.hanning(middle.shape[1])[None]
        middle = (middle - middle.mean(axis=(0, 1))) * window[..., None]
        total += np.abs(np.fft.fft2(middle, axes=(0, 1))) ** 2
        count += 1
    power = total / count / (window ** 2).sum()
    bins = _bin_of_frequency(*power.shape[:2])
    counts = np.maximum(np.bincount(bins.ravel(), minlength=BINS), 1)
    return np.stack([np.bincount(bins.ravel(), power[..., c].ravel(), BINS) / counts for c in range(3)], axis=1)


def missing_power(photographs: Iterable[np.ndarray], rendered: Iterable[np.ndarray]) -> np.ndarray:
    """Pictures as in `radial_power` -> float32 (BINS, 3): the power of the photographs less that of the renderings.

    It is 0 where the renderings have more power, and below the frequency LARGEST.
    """
    missing = np.maximum(radial_power(photographs) - radial_power(rendered), 0)
    missing[np.arange(BINS) * np.sqrt(0.5) / BINS < LARGEST] = 0
    return missing.astype(np.float32)


def grain(power: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
    """Noise with the given `power` (BINS, 3) and random phases: float (size, size, 3) in grey levels.

    It is as strong as real texture at every scale, but shows no structure of a photograph. The three channels have
    the same phases, because light and shadow change all colours together.
    """
    white = np.fft.fft2(random.standard_normal((size, size)))
    amplitude = np.sqrt(power[_bin_of_frequency(size, size)])
    return np.fft.ifft2(white[..., None] * amplitude, axes=(0, 1)).real

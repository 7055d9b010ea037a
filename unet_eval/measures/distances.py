"""How far a set of synthetic photographs lies from real ones: in the features of two networks, and in their variety.

Features are means over tiles of a U-Net's bottleneck (unet_eval.segment.features). The real arm's sees what matters for
segmentation, but it was trained on the real photographs; the fixed one of unet_eval.observers was trained on nothing.
Neither sees colour. A network trained on everyday photographs would need weights from elsewhere.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import tensorflow as tf
from scipy.spatial.distance import cdist

from data.fundus import square
from unet_eval.measures.resampling import Estimate, jackknife

KEYS = ("frechet", "kid", "precision", "recall", "density", "coverage")
NEIGHBOURS = 3  # Kynkaanniemi et al. 2019
REPEATS = 20    # random choices of images
PAIRS = 200     # of images, for MS-SSIM
SMALL = 256     # pixels at which MS-SSIM is taken; its five scales need 176


@dataclass(frozen=True)
class Photographs:
    """A set: of each photograph its features, float32 (tiles, D), by the trained and by the fixed network, and itself,
    uint8 (H, W, 3) RGB."""

    features: list[np.ndarray]
    fixed: list[np.ndarray]
    images: list[np.ndarray]


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of Gaussians fitted to features (N, D) and (M, D) (Heusel et al. 2017); NaN for N or M < 2.

    |mean difference|^2 + tr(A + B - 2 (A B)^1/2). With A = X'X and B = Y'Y of the centred features, the trace of the
    root is the sum of the singular values of X Y': exact for fewer samples than features, where A and B are singular.
    """
    if min(len(a), len(b)) < 2:
        return float("nan")
    factors = [np.linalg.qr((x - x.mean(0)) / np.sqrt(len(x) - 1), mode="r")
               for x in (np.asarray(a, np.float64), np.asarray(b, np.float64))]
    shift = np.mean(a, axis=0, dtype=np.float64) - np.mean(b, axis=0, dtype=np.float64)
    root = np.linalg.norm(factors[0] @ factors[1].T, "nuc")
    return max(0.0, float(shift @ shift + sum(np.sum(x ** 2) for x in factors) - 2 * root))


def kid(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """Kernel distance (Binkowski et al. 2018) of two sets of images, each with features (tiles, D); NaN for fewer than
    two images.

    The unbiased estimate of the squared maximum mean discrepancy with the kernel (x . y / D + 1)^3: of sets of one
    distribution its mean is 0, however few the images are. The kernel of two images is its mean over pairs of their
    tiles, because the tiles of one image are not independent.
    """
    if min(len(a), len(b)) < 2:
        return float("nan")
    tiles, counts = np.concatenate([*a, *b]).astype(np.float64), np.array([len(image) for image in (*a, *b)])
    kernel = (tiles @ tiles.T / tiles.shape[1] + 1) ** 3
    starts = np.cumsum(counts) - counts
    kernel = np.add.reduceat(np.add.reduceat(kernel, starts, axis=0), starts, axis=1) / np.outer(counts, counts)

    def within(part):
        return (part.sum() - np.trace(part)) / (len(part) * (len(part) - 1))

    n = len(a)
    return float(within(kernel[:n, :n]) + within(kernel[n:, n:]) - 2 * kernel[:n, n:].mean())


def neighbourhoods(real: np.ndarray, synthetic: np.ndarray, k: int = NEIGHBOURS) -> tuple[float, float, float, float]:
    """Precision, recall, density and coverage of features (N, D) and (M, D); NaN for N or M <= k.

    A point reaches as far as its k-th nearest other point of its set. Precision is the share of `synthetic` that some
    real point reaches (synthetic photographs look real), recall the same with the roles exchanged (real ones could be
    synthetic; Kynkaanniemi et al. 2019). Density is the mean number of real points that reach a synthetic one, over k:
    an outlier among the real ones counts less; coverage is the share of the real points that reach some synthetic one
    (Naeem et al. 2020).
    """
    if min(len(real), len(synthetic)) <= k:
        return (float("nan"),) * 4
    across = cdist(real, synthetic)
    # The point itself is at place 0.
    reach_real, reach_synthetic = (np.partition(cdist(x, x), k, axis=1)[:, k] for x in (real, synthetic))
    reached = across <= reach_real[:, None]
    return (float(reached.any(axis=0).mean()), float((across <= reach_synthetic[None]).any(axis=1).mean()),
            float(reached.sum(axis=0).mean() / k), float(reached.any(axis=1).mean()))


def compare_sets(real: list[np.ndarray], synthetic: list[np.ndarray] | None, n: int, repeats: int = REPEATS,
                 seed: int = 0) -> dict:
    """KEYS and "spread" of `n` random images of `synthetic` and `n` of `real`: means over `repeats` choices, and in
    "spread" the standard deviations over them of the same.

    Both are lists of an image's features (tiles, D). Without `synthetic`, of two disjoint halves: the floor. Few
    samples make a Frechet distance too large, so only numbers of one `n` can be compared; n is at most half the real
    images, and NaN is all that 0 of them give.
    """
    if not n:
        return {**dict.fromkeys(KEYS, float("nan")), "spread": dict.fromkeys(KEYS, float("nan"))}
    random, drawn = np.random.default_rng(seed), []
    for _ in range(repeats):
        order = random.permutation(len(real))
        if synthetic is None:
            others = [real[i] for i in order[n:2 * n]]
        else:
            others = [synthetic[i] for i in random.permutation(len(synthetic))[:n]]
        chosen = [real[i] for i in order[:n]]
        a, b = np.concatenate(chosen), np.concatenate(others)
        drawn.append((frechet(a, b), kid(chosen, others), *neighbourhoods(a, b)))
    return {**dict(zip(KEYS, np.mean(drawn, axis=0).tolist())),
            "spread": dict(zip(KEYS, np.std(drawn, axis=0, ddof=1).tolist()))}


@tf.function
def _ms_ssim(a, b):
    return tf.image.ssim_multiscale(a, b, 1.0)


def ms_ssim_diversity(images: list[np.ndarray], pairs: int = PAIRS, seed: int = 0) -> Estimate:
    """Mean MS-SSIM (Wang et al. 2003) in [0, 1] over random pairs of distinct photographs, uint8 (H, W, 3) RGB.

    Lower is more diverse (Odena et al. 2017). The black border that photographs of eyes share raises it, for all sets
    alike. Grey, 256 x 256; NaN for fewer than two images. The error is a jackknife's over the photographs.
    """
    every = list(combinations(range(len(images)), 2))
    if not every:
        return jackknife(float("nan"), np.empty(0))
    chosen = np.random.default_rng(seed).permutation(every)[:pairs]
    grey = np.array([square(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], SMALL) for image in images])
    grey = grey.reshape(-1, SMALL, SMALL, 1).astype(np.float32) / 255
    values = np.array([float(_ms_ssim(grey[i], grey[j])) for i, j in chosen])
    without = [values[(chosen != image).all(axis=1)] for image in np.unique(chosen)]
    return jackknife(values.mean(), np.array([rest.mean() for rest in without if len(rest)]))


def describe(real: Photographs, synthetic: dict[str, Photographs]) -> dict:
    """{"sets": {NAME: {KEYS, "ms_ssim", "spread"}}, "fixed": {NAME: {KEYS, "spread"}}, "n", "k", "repeats"}.

    "sets" are by the trained network, "fixed" by the other. "real_real" is the floor; each set of `synthetic` is
    compared with `real`. All use the same number of images a side, "n": half of the real ones, or as many as the
    smallest set has.
    """
    n = min(len(real.images) // 2, *(len(photographs.images) for photographs in synthetic.values()))
    every = {"real_real": None, **synthetic}

    def compared(of):
        return {name: compare_sets(of(real), photographs and of(photographs), n) for name, photographs in every.items()}

    sets, fixed = compared(lambda photographs: photographs.features), compared(lambda photographs: photographs.fixed)
    for name, entry in sets.items():
        diversity = ms_ssim_diversity((every[name] or real).images)
        entry["ms_ssim"], entry["spread"]["ms_ssim"] = diversity.value, diversity.error
    return {"sets": sets, "fixed": fixed, "n": n, "k": NEIGHBOURS, "repeats": REPEATS}

"""The shape of masks: what a tree of vessels is like, beyond single pixels."""
from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import cv2
import numpy as np
from scipy.stats import ks_2samp
from skimage.measure import block_reduce
from skimage.morphology import skeletonize

from data.distances import to_background
from unet_eval.measures.resampling import LEAST, correct, jackknife

MOST = 100  # masks of a set
WIDTHS = range(1, 21)  # pixels
LARGEST = 5  # components of a mask
DUST = 80 / 512 ** 2  # of all pixels; scaling breaks the thinnest real vessels into dashes that are smaller than this
STATISTICS = {  # name: (label, unit)
    "density": ("vessel density", "share of the field of view"),
    "width_mean": ("mean width", "pixels"),
    "width_median": ("median width", "pixels"),
    "length": ("length of the centre lines", "pixels"),
    "branching": ("branch points", "per 1,000 pixels of length"),
    "components": ("components", "number"),
    "largest_component": ("largest component", "share of the vessel pixels"),
    "fractal_dimension": ("fractal dimension", ""),
}


def _around(line):
    """The 8 neighbours of every pixel, clockwise from above, (8, h, w), of a line with an empty border."""
    return np.array([np.roll(line, shift, (0, 1)) for shift in
                     ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))])


def line_length(line: np.ndarray) -> float:
    """Length in pixels of centre lines, boolean (h, w): 1 a straight step, sqrt 2 a diagonal one."""
    line = np.pad(line, 1)
    right, below = line[:, :-1] & line[:, 1:], line[:-1] & line[1:]
    # A diagonal step beside a corner pixel is two straight steps, counted already.
    falls = line[:-1, :-1] & line[1:, 1:] & ~line[:-1, 1:] & ~line[1:, :-1]
    rises = line[1:, :-1] & line[:-1, 1:] & ~line[:-1, :-1] & ~line[1:, 1:]
    return float(right.sum() + below.sum() + np.sqrt(2) * (falls.sum() + rises.sum()))


def branch_places(line: np.ndarray) -> np.ndarray:
    """Where three or more centre lines, boolean (h, w), meet: float64 (n, 2), rows and columns. Touching branch pixels
    are one place, their centroid.

    A pixel is one where its ring of 8 neighbours changes from empty to set at least three times: a mere corner has
    three neighbours too.
    """
    line = np.pad(line, 1)
    ring = _around(line)
    places = line & ((ring & ~np.roll(ring, 1, axis=0)).sum(axis=0) >= 3)
    centroids = cv2.connectedComponentsWithStats(places.astype(np.uint8), connectivity=8)[3]
    return centroids[1:, ::-1] - 1


def branch_points(line: np.ndarray) -> int:
    """The number of `branch_places`."""
    return len(branch_places(line))


def widths(mask: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Width in pixels of a mask at each pixel of its centre lines (n,); both boolean (h, w), background beyond them.

    Twice the distance to the background. It is taken on a grid of half pixels, where a vessel of an even number of
    pixels has a middle too: exact for straight vessels along the axes.
    """
    fine = np.pad(mask.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1), 1)
    distance = to_background(fine)[1:-1, 1:-1]
    return np.max([distance[down::2, right::2][line] for down in (0, 1) for right in (0, 1)], axis=0)


def fractal_dimension(mask: np.ndarray) -> float:
    """Box-counting dimension of a mask, boolean (h, w): 1 of a line, 2 of an area; NaN for an empty mask.

    The slope of ln(boxes that hold foreground) over ln(1 / side), least squares over sides of 2, 4, 8 ... pixels up to
    an eighth of the mask's side (at least 32 pixels).
    """
    if not mask.any():
        return float("nan")
    sides, counts = [], []
    boxes, side = mask, 1
    while 2 * side <= max(mask.shape) // 8:
        boxes, side = block_reduce(boxes, (2, 2), np.max), 2 * side
        sides.append(side)
        counts.append(boxes.sum())
    return float(-np.polyfit(np.log(sides), np.log(counts), 1)[0])


def describe(mask: np.ndarray, fov: np.ndarray) -> dict[str, float]:
    """STATISTICS of one mask in its field of view, both boolean (h, w). Components are 8-connected; those that are DUST
    are left out, 80 pixels in a mask of 512 x 512.

    A mask without any others has neither widths, nor branching, largest component or dimension: NaN.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((mask & fov).astype(np.uint8), connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] >= DUST * mask.size
    kept[0] = False  # the background
    mask, areas = kept[labels], stats[kept, cv2.CC_STAT_AREA]
    line = skeletonize(mask)
    length, across = line_length(line), widths(mask, line)
    nan = float("nan")
    return {"density": float(mask.sum() / max(fov.sum(), 1)),
            "width_mean": float(across.mean()) if across.size else nan,
            "width_median": float(np.median(across)) if across.size else nan,
            "length": length,
            "branching": 1000 * branch_points(line) / length if length else nan,
            "components": float(len(areas)),
            "largest_component": float(areas.max() / areas.sum()) if areas.size else nan,
            "fractal_dimension": fractal_dimension(mask)}


def width_shares(masks: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """Share of the centre lines that is WIDTHS[k] pixels wide, the last: or wider, of the first MOST pairs (mask, field
    of view), boolean (h, w), taken together."""
    inside = (mask & fov for mask, fov in islice(masks, MOST))
    pooled = np.concatenate([widths(mask, skeletonize(mask)) for mask in inside])
    counts = np.bincount(np.clip(np.round(pooled).astype(int), WIDTHS[0], WIDTHS[-1]), minlength=WIDTHS[-1] + 1)
    return (counts[WIDTHS[0]:] / max(len(pooled), 1)).tolist()


def compare(synthetic: Iterable[tuple[np.ndarray, np.ndarray]], real: Iterable[tuple[np.ndarray, np.ndarray]],
            patients: list[str]) -> dict:
    """STATISTICS of the first MOST pairs (mask, field of view) of two sets, boolean (h, w), drawn at one size.

    {NAME: {"synthetic": [values], "real": [values], "statistic", "p", "p_holm", "shift", "spread"}}, NaN left out: the
    two-sample Kolmogorov-Smirnov test, one value a mask, and `alike`. "p" is of one statistic alone; of eight, one in
    three sets of equals has one below 0.05, which is what "p_holm" corrects.
    """
    described = {name: [describe(mask, fov) for mask, fov in islice(masks, MOST)]
                 for name, masks in (("synthetic", synthetic), ("real", real))}
    compared = {}
    for key in STATISTICS:
        sets = {name: [values[key] for values in masks] for name, masks in described.items()}
        known = {name: ~np.isnan(values) for name, values in sets.items()}
        samples = [np.array(values)[known[name]] for name, values in sets.items()]
        tested = ks_2samp(*samples) if all(map(len, samples)) else None
        compared[key] = {**sets, "statistic": float(tested.statistic) if tested else float("nan"),
                         "p": float(tested.pvalue) if tested else float("nan"),
                         **alike(*samples, np.array(patients[:MOST])[known["real"]])}
    correct(list(compared.values()))
    return compared


def alike(synthetic: np.ndarray, real: np.ndarray, patients: np.ndarray) -> dict:
    """How far synthetic values (n,) are from real ones (m,), which are of `patients` (m,).

    {"shift", "spread"}: {"mean", "ci95"} each, by jackknife over synthetic values and over patients. "shift" is the
    difference of the means in interquartile ranges of the real values, "spread" the ratio of the standard deviations.
    NaN where one is not defined. The interval of "shift" is of the means: the range is held fixed.
    """
    def jackknifed(statistic):
        without = [real[patients != name] for name in np.unique(patients)]
        return jackknife(statistic(synthetic, real), np.array([statistic(synthetic, rest) for rest in without]),
                         np.array([statistic(np.delete(synthetic, i), real) for i in range(len(synthetic))]))

    nothing = {"mean": float("nan"), "ci95": [float("nan")] * 2}
    quartiles = np.percentile(real, [25, 75]) if len(real) else [0, 0]
    scale = quartiles[1] - quartiles[0]
    if scale <= 0 or min(len(synthetic), len({*patients})) < LEAST:
        return {"shift": nothing, "spread": nothing}
    shift = jackknifed(lambda made, own: (made.mean() - own.mean()) / scale)
    found = {"shift": {"mean": shift.value, "ci95": shift.ci95()}, "spread": nothing}
    if synthetic.std() > 0:
        with np.errstate(divide="ignore", invalid="ignore"):  # without one patient the rest may be equal
            spread = jackknifed(lambda made, own: np.log(made.std(ddof=1) / own.std(ddof=1)))
        found["spread"] = {"mean": float(np.exp(spread.value)), "ci95": np.exp(spread.ci95()).tolist()}
    return found


def mask_statistics(mask, within, largest=LARGEST):
    """Vessel density and connectedness of one mask; both arguments are boolean (H, W).

    Returns the share of the pixels in `within` that are vessel, and the share of the vessel pixels that
    lie in the `largest` 8-connected components (0 for an empty mask, which has no tree).
    """
    mask = mask & within
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
    return {"density": float(mask.sum() / max(within.sum(), 1)),
            "largest_components": float(areas[:largest].sum() / max(areas.sum(), 1))}

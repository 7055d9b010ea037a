"""What drawn trees take over from the training masks: the mean width of vessels, and how much they wind."""
from __future__ import annotations

import cv2
import numpy as np
from skimage.morphology import skeletonize

from data.vessels import neighbours
from stage1_dcgan.tree import SMOOTH, Branch, draw_tree, smoothed

CHORDS = 34       # as many chords of a centre line, end to end, are as long as the side of a mask
SMOOTHEST = 12    # sigma; a short branch is smoothed less (tree.py)
WOUND = 8         # trees of which it is measured how much they wind, to save time


def mean_width(masks: list[np.ndarray]) -> float:
    """Pixels of foreground for each pixel of centre line, over all masks, uint8 (s, s) 0/255; 0 if all are empty."""
    length = sum(int(skeletonize(mask > 0).sum()) for mask in masks)
    return sum(int((mask > 0).sum()) for mask in masks) / max(length, 1)


def scale_for_width(trees: list[list[Branch]], size: int, width: float) -> float:
    """The scale of widths at which the vessels have this `mean_width`, to 0.01, by bisection in [0.3, 4].

    The share of foreground would not do: drawn trees lack twigs that real ones have, and vessels would be made too wide
    to fill in for them.
    """
    low, high = 0.3, 4.0
    while high - low > 0.01:
        scale = (low + high) / 2
        drawn = mean_width([draw_tree(tree, size, scale) for tree in trees])
        low, high = (low, scale) if drawn > width else (scale, high)
    return (low + high) / 2


def winding(masks: list[np.ndarray]) -> float:
    """By how many degrees a vessel turns from one chord of its centre line to the next, without its sign, in the mean
    over all masks, uint8 (s, s) 0/255; 0 where no vessel is so long. A chord is s / CHORDS pixels long."""
    turns = []
    for mask in masks:
        step = max(2, len(mask) // CHORDS)
        for line in _centre_lines(mask):
            chord = line[step:] - line[:-step]
            if len(chord) > step:
                (x, y), (next_x, next_y) = chord[:-step].T, chord[step:].T
                turns.append(np.abs(np.arctan2(x * next_y - y * next_x, x * next_x + y * next_y)))
    return float(np.degrees(np.concatenate(turns).mean())) if turns else 0.0


def _centre_lines(mask):
    """The centre lines between forks, each int (n, 2), pixel by pixel."""
    lines = skeletonize(mask > 0)
    between = (lines & (neighbours(lines) <= 2)).astype(np.uint8)
    outlines, _ = cv2.findContours(between, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:  # of a line so thin, it goes there and back
        outline = outline[:, 0]
        ends = np.flatnonzero((np.roll(outline, 1, axis=0) == np.roll(outline, -1, axis=0)).all(axis=1))
        if len(ends) == 2:
            yield outline[ends[0]:ends[1] + 1]


def smoothing_for_winding(trees: list[list[Branch]], size: int, degrees: float) -> int:
    """The sigma of centre lines at which WOUND of the trees wind by so many degrees, by bisection in [SMOOTH,
    SMOOTHEST]: a Stage-I that was trained for few steps draws vessels that wind more than those it learned from. With
    less than SMOOTH one would see the pixels of the grid. SMOOTH, too, where there was nothing to measure."""
    if not degrees:
        return SMOOTH
    low, high = SMOOTH, SMOOTHEST
    while low < high:
        sigma = (low + high) // 2
        drawn = winding([draw_tree(smoothed(tree, sigma), size) for tree in trees[:WOUND]])
        low, high = (sigma + 1, high) if drawn > degrees else (low, sigma)
    return low

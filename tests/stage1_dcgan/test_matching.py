"""What drawn trees take over from training masks."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from stage1_dcgan.encoding import encode
from stage1_dcgan.matching import SMOOTHEST, mean_width, scale_for_width, smoothing_for_winding, winding
from stage1_dcgan.tree import SMOOTH, draw_tree, grow, smoothed

INSIDE = cv2.circle(np.zeros((256, 256), np.uint8), (128, 128), 126, 1, cv2.FILLED) > 0


@pytest.fixture
def trees(eye):
    return [grow(encode(eye(seed)[1][22:562, 12:552], 128, "signed_distance", 8.0), INSIDE) for seed in (1, 2)]


def line(points, size=272):
    mask = np.zeros((size, size), np.uint8)
    cv2.polylines(mask, [np.round(points).astype(np.int32)], False, 255, 3)
    return mask


def test_the_mean_width_is_that_of_bars():
    narrow, wide = np.zeros((2, 200, 200), np.uint8)
    narrow[100:103], wide[100:109] = 255, 255
    assert mean_width([narrow]) == pytest.approx(3, rel=0.1) and mean_width([narrow, wide]) == pytest.approx(6, rel=0.1)
    assert mean_width([np.zeros((8, 8), np.uint8)]) == 0


@pytest.mark.parametrize("width", [3.0, 5.0])
def test_the_scale_gives_the_width_that_was_asked(trees, width):
    scale = scale_for_width(trees, 256, width)
    assert mean_width([draw_tree(tree, 256, scale) for tree in trees]) == pytest.approx(width, rel=0.05)


def test_winding_is_the_angle_between_two_chords():
    """Of a circle with a radius of 80, chords of 8 pixels; and of a straight line."""
    angles = np.linspace(0.3, 5.5, 200)
    circle = line(136 + 80 * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert winding([circle]) == pytest.approx(np.degrees(2 * np.arcsin(4 / 80)), rel=0.2)
    straight = line(np.array([[20, 40], [250, 40]]))
    assert winding([straight]) < 0.1 and winding([np.zeros((64, 64), np.uint8)]) == 0
    assert winding([circle, straight]) == pytest.approx(winding([circle]) * 0.7, rel=0.2)


def test_trees_are_smoothed_until_they_wind_as_asked(trees):
    degrees = [winding([draw_tree(smoothed(tree, sigma), 256) for tree in trees]) for sigma in (SMOOTH, 5, SMOOTHEST)]
    assert degrees[0] > degrees[1] > degrees[2]
    assert smoothing_for_winding(trees, 256, degrees[1]) in (4, 5, 6)
    assert smoothing_for_winding(trees, 256, 1e-3) == SMOOTHEST
    assert smoothing_for_winding(trees, 256, 90.0) == smoothing_for_winding(trees, 256, 0.0) == SMOOTH

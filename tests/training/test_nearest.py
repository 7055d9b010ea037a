"""Masks that are turned, mirrored and moved are found again."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from training import nearest
from training.nearest import Bank, Match

SIZE = 256


def tree(seed):
    """A few vessels about the middle, so that no position loses any at the edge."""
    random = np.random.default_rng(seed)
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    for angle in random.uniform(0, 2 * np.pi, 5):
        way = angle + np.cumsum(random.normal(0, 0.5, 6))
        points = np.cumsum(10 * np.stack([np.cos(way), np.sin(way)], axis=1), axis=0) + SIZE / 2
        cv2.polylines(canvas, [np.round(points).astype(np.int32)], False, 255, 5)
    return canvas


@pytest.fixture(scope="module")
def training():
    return [tree(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def bank(training):
    return Bank(training)


def test_a_copy_has_distance_zero(training, bank):
    for number, mask in enumerate(training):
        match = nearest.find(mask, bank)
        assert (match.training, match.flip, match.degrees, match.shift) == (number, False, 0, (0, 0))
        assert match.distance == pytest.approx(0, abs=1e-5)
        assert np.array_equal(nearest.apply(match, mask), mask)


def test_positions_by_hand():
    """A point above the middle goes to the left by a quarter turn counter-clockwise, then down and right."""
    mask = np.zeros((9, 9), np.uint8)
    mask[1, 4] = 255
    assert np.argwhere(nearest.apply(Match(0, False, 90, (0, 0), 0), mask)).tolist() == [[4, 1]]
    assert np.argwhere(nearest.apply(Match(0, False, 90, (2, 1), 0), mask)).tolist() == [[6, 2]]
    mask[1, 6] = 255
    # Mirrored first: (1, 6) becomes (1, 2), and turned by 180 degrees (7, 6).
    assert np.argwhere(nearest.apply(Match(0, True, 180, (0, 0), 0), mask)).tolist() == [[7, 4], [7, 6]]


@pytest.mark.parametrize("flip, degrees, shift", [
    (True, 0, (0, 0)), (False, 90, (0, 0)), (True, 270, (0, 0)), (False, 0, (-32, 20)), (True, 180, (12, -32)),
    (False, 45, (8, 4)), (True, 345, (-4, 16))])
def test_a_moved_copy_is_found_where_it_was_put(training, bank, flip, degrees, shift):
    moved = nearest.apply(Match(1, flip, degrees, shift, 0), training[1])
    match = nearest.find(moved, bank)
    assert (match.training, match.flip, match.degrees, match.shift) == (1, flip, degrees, shift)
    assert match.distance < 0.01
    assert np.mean(nearest.apply(match, training[1]) != moved) < 0.002


def dots(*centres):
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    for down, right in centres:
        canvas[down - 4:down + 4, right - 4:right + 4] = 255
    return canvas


@pytest.mark.parametrize("moved, distance", [(SIZE // 8, 0), (-SIZE // 8, 0), (SIZE // 4, 1)])
def test_a_shift_comes_no_further_than_an_eighth(moved, distance):
    """A dot in the middle stays there however it is turned."""
    middle = SIZE // 2
    bank = Bank([dots((middle, middle))])
    assert nearest.find(dots((middle + moved, middle)), bank).distance == pytest.approx(distance, abs=0.01)
    assert nearest.find(dots((middle, middle + moved)), bank).distance == pytest.approx(distance, abs=0.01)


def test_nothing_comes_round_the_edge():
    """A bar at the left edge and one at the right are 7/8 of the side apart, not one eighth."""
    left, right = np.zeros((2, SIZE, SIZE), np.uint8)
    left[:, :8] = right[64:192, -8:] = 255
    bank = Bank([left])
    bank.positions, bank.templates = bank.positions[:1], [tuple(part[:1] for part in bank.templates[0])]  # unturned
    assert nearest.find(right, bank).distance == pytest.approx(1, abs=0.001)


def test_masks_with_nothing_in_common_are_at_distance_one(bank):
    assert nearest.find(np.zeros((SIZE, SIZE), np.uint8), bank).distance == 1
    assert nearest.find(dots((4, 4)), Bank([dots((SIZE // 2, SIZE // 2))])).distance == pytest.approx(1)


def test_distance_by_hand():
    """One of two dots against both: 1 - 2 * 1 / (1 + 2) = 1/3; one against four: 1 - 2 / 5."""
    single, double = dots((64, 64)), dots((64, 64), (192, 192))
    assert nearest.find(single, Bank([double])).distance == pytest.approx(1 / 3, abs=0.001)
    assert nearest.find(double, Bank([single])).distance == pytest.approx(1 / 3, abs=0.001)
    four = dots((64, 64), (64, 192), (192, 64), (192, 192))
    assert nearest.find(single, Bank([four])).distance == pytest.approx(3 / 5, abs=0.001)


def test_all_pairs_of_a_set_each_once(training):
    """Variations of one layout are nearer to each other than different layouts are."""
    moved = [nearest.apply(Match(0, flip, degrees, (0, 0), 0), training[0]) for flip, degrees in
             ((False, 0), (True, 45), (False, 180))]
    varied, different = nearest.pairwise(moved), nearest.pairwise(training)
    assert len(varied) == len(different) == 3
    assert max(varied) < 0.01 < 0.1 < min(different)
    assert nearest.pairwise(training[:1]) == []

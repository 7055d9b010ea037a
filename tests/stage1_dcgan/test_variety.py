"""Drawn fields as other eyes."""
from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from stage1_dcgan.variety import BEND, TURN, Variation, displacement, draw_variation, vary

STILL = Variation(flipped=False, turn=0.0, bend=np.zeros((5, 5, 2), np.float32), thicker=0.0, fainter=0.0)


@pytest.fixture
def field():
    """A smooth field, brightest at the right, and above the middle row."""
    bright = np.full((64, 64), -1, np.float32)
    bright[18:22, 46:50] = 1
    return cv2.GaussianBlur(bright, (0, 0), 3)


def brightest(field):
    return np.unravel_index(np.argmax(field), field.shape)


def test_nothing_is_changed_by_nothing(field):
    assert np.allclose(vary(field, STILL), field, atol=1e-5)
    none = draw_variation(1, 0, 0.0)
    assert not none.flipped and none.turn == none.thicker == none.fainter == 0 and not none.bend.any()


def test_mirrored_means_left_for_right_and_nothing_else(field):
    assert np.allclose(vary(field, replace(STILL, flipped=True)), field[:, ::-1], atol=1e-5)


def test_a_turn_goes_counter_clockwise_about_the_centre(field):
    turned = vary(field, replace(STILL, turn=90.0))
    assert np.allclose(turned[2:-2, 2:-2], np.rot90(field)[2:-2, 2:-2], atol=1e-2)


def test_thicker_is_added(field):
    assert np.allclose(vary(field, replace(STILL, thicker=0.1)), field + 0.1, atol=1e-5)


def test_a_bend_moves_the_middle_and_fades_out_at_the_edge():
    right = np.zeros((5, 5, 2), np.float32)
    right[..., 1] = 0.05
    moved = displacement(replace(STILL, bend=right), 101)
    assert moved.shape == (101, 101, 2) and moved.dtype == np.float32
    assert np.allclose(moved[50, 50], [0, -0.05 * 101], atol=1e-3)
    assert np.abs(moved[50, [0, 100]]).max() < 0.5 and np.abs(moved[0, 0]).max() == 0


def test_variations_differ_by_drawing_and_seed_within_their_limits():
    drawn = [draw_variation(3, number, 1.0) for number in range(200)]
    assert vars(draw_variation(3, 7, 1.0))["turn"] == drawn[7].turn != draw_variation(4, 7, 1.0).turn
    assert 0.35 < np.mean([variation.flipped for variation in drawn]) < 0.65
    turns = np.array([variation.turn for variation in drawn])
    assert TURN > np.abs(turns).max() > 0.8 * TURN and abs(turns.mean()) < 2
    bends = np.array([variation.bend for variation in drawn])
    assert BEND >= np.abs(bends).max() > 0.9 * BEND
    half = draw_variation(3, 7, 0.5)
    assert half.turn == pytest.approx(drawn[7].turn / 2) and half.flipped == drawn[7].flipped

"""The coarse picture of a photograph, the code that describes it, and what the coarse network is told and asked."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data.vessels import meeting_point
from stage2_pix2pix.architectures import coarse_to_fine
from stage2_pix2pix.architectures.coarse_to_fine import coarse
from stage2_pix2pix.architectures.coarse_to_fine.gan import draw_coarse
from stage2_pix2pix.config import Stage2Config


def test_a_coarse_picture_shows_what_lies_between_the_vessels():
    photograph = np.full((96, 96, 3), 160, np.uint8)
    mask, fov = np.zeros((96, 96), np.uint8), np.full((96, 96), 255, np.uint8)
    mask[40:44], photograph[38:46] = 255, 20
    picture = coarse.coarse_picture(photograph, mask, fov)
    assert picture.shape == (coarse.COARSE, coarse.COARSE, 3)
    assert np.allclose(picture, 160 / 127.5 - 1, atol=0.02)


def test_the_coarse_network_is_told_where_the_disc_is_and_how_bright_it_may_be():
    mask = np.zeros((256, 256), np.uint8)
    for angle in range(0, 360, 45):
        end = 128 + 100 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        cv2.line(mask, (170, 90), tuple(int(x) for x in end), 255, 3)
    code = np.array([0.2, -0.5, -0.9, 0.4, 0.2, 0.1])
    *_, near, room = np.moveaxis(coarse.coarse_inputs(meeting_point(mask), np.full_like(mask, 255), code), -1, 0)
    row, column = np.unravel_index(near.argmax(), near.shape)
    scale = 256 / coarse.COARSE
    assert abs(row * scale - 90) < 12 and abs(column * scale - 170) < 12
    assert near.max() > 0.8 and near.min() == -1
    assert (near > 0).sum() == pytest.approx(np.pi * coarse.DISC ** 2 * np.log(2) ** 0.5, rel=0.1)  # a disc, no peak
    assert room == pytest.approx(0)  # red may rise by twice its deviation


def test_a_disc_is_found_beside_the_point_where_vessels_meet_and_not_far_from_it():
    rows, columns = np.indices((coarse.COARSE, coarse.COARSE))
    picture = np.zeros((coarse.COARSE, coarse.COARSE, 3), np.float32)
    picture[np.hypot(rows - 22, columns - 27) < coarse.DISC, 1] = 3.0
    picture[np.hypot(rows - 22, columns - 29) < 2, 1] = 6.0  # its cup, at one side
    picture[np.hypot(rows - 10, columns - 40) < coarse.DISC, 1] = 9.0  # a bright patch elsewhere
    picture[:4, :, 1] = 50.0  # out of the field of view
    found = coarse.find_disc(picture, rows >= 4, (np.array([24, 25]) + 0.5) * 10 - 0.5, 10 * coarse.COARSE)
    assert np.abs(found - (np.array([22, 27]) + 0.5) * 10).max() < 11


FULL_CIRCLE = np.hypot(*(np.indices((coarse.COARSE, coarse.COARSE)) - coarse.COARSE / 2 + 0.5)) < coarse.COARSE / 2
DOWN, ACROSS = np.indices(FULL_CIRCLE.shape) / (coarse.COARSE - 1) * 2 - 1


def lit_and_spotted():
    """(Light (COARSE, COARSE, 3); spots (COARSE, COARSE, 3), which deviate from it by 0.05, 0.1 and 0.15)."""
    lit = np.dstack([0.1 + 0.3 * DOWN - 0.2 * ACROSS ** 2, -0.4 + 0.1 * ACROSS * DOWN, np.full_like(DOWN, -0.8)])
    return lit, np.random.default_rng(1).choice([-0.05, 0.05], DOWN.shape)[..., None] * np.float32([1, 2, 3])


def test_a_code_holds_how_a_photograph_is_lit():
    lit, spots = lit_and_spotted()
    code = coarse.colours(lit + spots, FULL_CIRCLE, np.array([20, 20]), coarse.COARSE)
    assert code.shape == (coarse.COLOURED,)
    assert code[:3] == pytest.approx([0.05, -0.4, -0.8], abs=0.01)  # the means over a circle
    assert code[3:6] == pytest.approx([0.05, 0.1, 0.15], abs=0.01)
    assert np.allclose(coarse.light(code)[FULL_CIRCLE], lit[FULL_CIRCLE], atol=0.03)
    standard = coarse.standardised(lit + spots, code)[FULL_CIRCLE]
    assert np.allclose(standard, np.sign(spots)[FULL_CIRCLE], atol=0.5)


def test_a_bright_disc_at_one_side_is_no_light_of_the_other():
    lit, spots = lit_and_spotted()
    rows, columns = np.indices(FULL_CIRCLE.shape)
    discs = np.hypot(rows - 30, columns - 41) < coarse.BRIGHT * coarse.DISC
    place = (np.array([30, 41]) + 0.5) * 10 - 0.5
    code = coarse.colours(lit + spots + 1.5 * discs[..., None], FULL_CIRCLE, place, 10 * coarse.COARSE)
    assert np.allclose(coarse.light(code)[FULL_CIRCLE], lit[FULL_CIRCLE], atol=0.05)
    deviations = np.hypot([0.05, 0.1, 0.15], 1.5 * (discs & FULL_CIRCLE).sum() ** 0.5 / FULL_CIRCLE.sum() ** 0.5)
    assert code[3:6] == pytest.approx(deviations, rel=0.1), "of all pixels, those of the disc as well"


def test_coarse_pictures_are_drawn_in_all_mirrors():
    """What the network draws at one place, as a stand-in that ignores noise, is found in all four corners."""
    known = np.random.default_rng(0).normal(size=(coarse.COARSE, coarse.COARSE, coarse.COARSE_KNOWN)).astype(np.float32)
    spot = np.zeros((1, coarse.COARSE, coarse.COARSE, 3), np.float32)
    spot[:, 5, 9] = 100
    corners = set()
    for row in range(40):
        drawn = draw_coarse(lambda given, training: given[0] + spot, tf.constant(known), 1, row).numpy()
        place = np.unravel_index(drawn[..., 0].argmax(), drawn.shape[:2])
        drawn[place] -= 100
        assert np.allclose(drawn, known, atol=1e-4), "what it is told stays where it was"
        corners.add(place)
    far = coarse.COARSE - 1
    assert corners == {(5, 9), (5, far - 9), (far - 5, 9), (far - 5, far - 9)}


def test_the_coarse_discriminator_is_asked_for_what_it_was_trained_on(pairs):
    seen = {}
    judges = {phase: lambda shown, training, phase=phase: seen.update({phase: shown.numpy()[0]}) or tf.zeros((1, 1))
              for phase in ("coarse", "")}
    config = Stage2Config(pairs="drive:x", out="x", architecture="coarse_to_fine", size=64, crop=64)
    coarse_to_fine.judged(judges, config, *pairs[0])
    mask, fov, photograph = pairs[0]
    picture, planes = coarse.coarse_picture(photograph, mask, fov), seen["coarse"]
    known, shown = planes[..., :coarse.COARSE_KNOWN], planes[..., coarse.COARSE_KNOWN:]
    disc, code = coarse.described(picture, fov, meeting_point(mask))
    standard = coarse.standardised(picture, code)
    assert np.allclose(known, coarse.coarse_inputs(disc, fov, code))
    whole = coarse.shrink(coarse.signed(fov)) == 1
    assert np.allclose(shown[whole], standard[whole], atol=1e-5)
    assert not shown[coarse.shrink(coarse.signed(fov)) == -1].any()


def test_a_drawn_picture_has_no_greenish_patch_but_on_the_disc():
    code = np.zeros(coarse.CODE, np.float32)
    code[:6] = 0.2, -0.5, -0.8, 0.2, 0.1, 0.1
    inputs = coarse.coarse_inputs(np.array([30., 40.]), np.full((96, 96), 255, np.uint8), code)
    lit = np.float32(coarse.light(code))
    drawn = lit.copy()
    drawn[5:8, 5:8], drawn[12:18, 17:23], drawn[40, 40] = (-0.3, -0.2, -0.8), (1, 0.7, -0.2), (-1, -1, -1)
    mended = coarse.without_green_patches(drawn, lit, inputs[..., coarse.NEAR]).numpy()
    assert np.allclose(mended[..., 1:], drawn[..., 1:])
    changed = np.abs(mended - drawn).max(axis=-1) > 1e-5
    assert changed[5:8, 5:8].all() and changed.sum() == 9  # neither the disc, nor what is black
    red, green, _ = mended[6, 6] + 1
    assert (green - coarse.DARK) / red == pytest.approx(coarse.GREENEST * 0.5 / 1.2, rel=1e-3)
    grey = np.repeat(np.linspace(-1, 1, coarse.COARSE ** 2, dtype=np.float32).reshape(coarse.COARSE, -1, 1), 3, axis=-1)
    assert np.allclose(coarse.without_green_patches(grey, np.zeros_like(grey), inputs[..., coarse.NEAR]), grey)

"""How each vessel looks: measured in photographs, drawn for renderings."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from stage2_pix2pix.architectures.coarse_to_fine import inputs
from stage2_pix2pix.architectures.coarse_to_fine.looks import LOOKS, MOST, drawn, measured
from stage2_pix2pix.config import Stage2Config
from training.fit import Schedule

pytestmark = pytest.mark.training
BARS, APART = 15, 16
ELSEWHERE = np.float32([-100, -100])  # where no vessels meet in a picture


def bars(dark, red, reflex):
    """Mask, field of view, photograph and the middle columns of vertical vessels: how dark in green and in red, and how
    bright along the middle, each (BARS,)."""
    side = BARS * APART
    photograph = np.full((side, side, 3), 200.0)
    middles = APART // 2 + APART * np.arange(BARS)
    mask = np.zeros((side, side), np.uint8)
    for middle, *look in zip(middles, dark, red, reflex):
        own = np.s_[8:-8, middle - 3:middle + 4]
        mask[own] = 255
        photograph[own] -= [look[1], look[0], 0]
        photograph[8:-8, middle - 1:middle + 2, 1] += look[2]
    return mask, np.full_like(mask, 255), photograph.astype(np.uint8), middles


def test_the_looks_of_vessels_are_told_apart_and_constant_along_each():
    random = np.random.default_rng(0)
    dark, other, reflex = random.uniform(20, 80, BARS), random.uniform(0, 20, BARS), random.uniform(0, 30, BARS)
    mask, fov, photograph, middles = bars(dark, other + dark / 4, reflex)
    planes = measured(mask, fov, photograph, ELSEWHERE)
    assert planes.shape == (*mask.shape, LOOKS) and planes.dtype == np.uint8 and (planes[mask == 0] == 128).all()
    along = planes[20:-20, middles - 3]
    assert (along == along[:1]).all()
    found = along[0].astype(float)
    mean = dark - 3 / 7 * reflex  # of the whole vessel
    assert np.corrcoef(found[:, 0], mean)[0, 1] > 0.97
    # Only what the planes before do not tell.
    rest = np.polynomial.Polynomial.fit(mean, other + dark / 4, 1)
    assert np.corrcoef(found[:, 1], other + dark / 4 - rest(mean))[0, 1] > 0.9
    assert np.abs(np.corrcoef(found.T) - np.eye(LOOKS)).max() < 0.2
    brighter = np.polyval(np.polyfit(found[:, 0], reflex, 1), found[:, 0])
    assert np.corrcoef(found[:, 2], reflex - brighter)[0, 1] > 0.8
    assert found.std(axis=0) == pytest.approx(127.5 / MOST, rel=0.15)

    # However one vessel looks on the disc, it says nothing of any.
    disc = np.float32([120, middles[7]])
    planes = measured(mask, fov, photograph, disc)
    photograph[100:140, middles[7] - 7:middles[7] + 8] = 10
    assert (measured(mask, fov, photograph, disc) == planes).all()
    assert (planes[100:140, middles[7] - 3:middles[7] + 4] == 128).all()


def test_no_look_is_drawn_on_the_disc():
    config = Stage2Config(pairs="drive:x", out="x", size=64, crop=64, architecture="coarse_to_fine", vessel_looks=True)
    known = tf.ones((1, 64, 64, inputs.KNOWN))
    told = inputs.with_looks(known, config, np.float32([20, 40]), 0, 0).numpy()[0]
    assert told.shape[-1] == inputs.fine_known(config) and (told[..., :inputs.KNOWN] == 1).all()
    away = np.hypot(np.arange(64)[:, None] - 20, np.arange(64) - 40)
    assert (told[away < 8, inputs.KNOWN:] == 0).all() and (told[away > 9, inputs.KNOWN:] != 0).all()


def test_of_a_few_vessels_nothing_is_said():
    mask, fov, photograph, middles = bars(*np.full((3, BARS), 20.0))
    mask[:, middles[8] - 8:] = 0
    assert (measured(mask, fov, photograph, ELSEWHERE) == 128).all()
    assert (measured(np.zeros_like(mask), fov, photograph, ELSEWHERE) == 128).all()


def test_drawn_looks_are_alike_along_a_vessel_and_differ_between_vessels():
    mask, *_, middles = bars(*np.zeros((3, BARS)))
    vessel = tf.constant(mask[None, ..., None] > 0, tf.float32)[:, :72]
    shape = (1, *(side // 2 for side in vessel.shape[1:3]), 1)
    planes = np.concatenate([drawn(vessel, tf.random.stateless_uniform(shape, [1, seed])).numpy()[0]
                             for seed in range(20)], axis=1)
    inside = np.tile(vessel[0, ..., 0] > 0, (1, 20))
    assert (planes[~inside] == 0).all() and np.abs(planes).max() <= 1
    columns = (middles + mask.shape[1] * np.arange(20)[:, None]).ravel()
    each = planes[10:60][:, columns]
    assert (each == each[:1]).all()
    assert each[0].std(axis=0) == pytest.approx(1 / MOST, rel=0.1)
    assert np.abs(each[0].mean(axis=0)).max() < 0.1
    assert np.abs(np.corrcoef(each[0].T) - np.eye(LOOKS)).max() < 0.2
    assert len(np.unique(each[0, :, 0])) > 0.98 * len(columns)


def test_the_fine_network_is_told_the_looks_of_its_crops(pairs, monkeypatch):
    def batch(**options):
        config = Stage2Config(pairs="drive:x", out="x", size=64, crop=64, architecture="coarse_to_fine", **options)
        return next(inputs.fine_batches(inputs.Views(pairs), config, Schedule(1, 1, 3, seed=3), 0).as_numpy_iterator())

    monkeypatch.setattr(inputs, "measured", lambda mask, fov, photograph, meeting: photograph)
    plain, told = batch(), batch(vessel_looks=True)
    assert plain["known"].shape[-1] == 5 and np.array_equal(plain["known"], told["known"][..., :5])
    assert np.array_equal(plain["photograph"], told["photograph"])
    assert np.array_equal(told["known"][..., 5:], told["photograph"])  # of the same place, turned alike

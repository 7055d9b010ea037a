"""Renderings, their grain, and what is refused."""
from __future__ import annotations

import pickle

import numpy as np
import pytest

from data.fundus import View
from data.images import DataError
from data.pairs import PairWriter
from stage2_pix2pix.generate import contact_sheet, masks_to_render, numbers, render, with_grain
from stage2_pix2pix.grain import BINS, grain, missing_power, radial_power
from stage2_pix2pix.inputs import Renderer
from stage2_pix2pix.networks import generator
from training import strategy


def disc(size=64):
    rows, columns = np.indices((size, size)) - size // 2
    return np.where(rows ** 2 + columns ** 2 < (size // 2 - 2) ** 2, 255, 0).astype(np.uint8)


def test_a_rendering_is_a_photograph_in_its_field_of_view():
    strategy.set_seed(0)
    renderer = Renderer(64, 4, "instance", 0.5, "resize", True, True, 1, False)
    model = generator(64, 4, renderer.planes + renderer.noise, "instance", 0.5, "resize")
    mask, fov = disc() // 2 * 2, disc()
    code = np.array([0.3, -0.2, -0.5, 0.1, 0.1, 0.1], np.float32)
    one, again, other = (render(model, renderer, mask, fov, code, seed) for seed in (1, 1, 2))
    assert one.shape == (64, 64, 3) and one.dtype == np.uint8
    assert not one[fov == 0].any()
    assert np.allclose(one[fov > 0].mean(axis=0) / 127.5 - 1, code[:3], atol=0.15)
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def noise(deviation, count=12, smooth=1):
    random = np.random.default_rng(int(deviation))
    fine = random.normal(0, deviation, (count, 128 // smooth, 128 // smooth, 3))
    return np.clip(128 + fine.repeat(smooth, axis=1).repeat(smooth, axis=2), 0, 255).astype(np.uint8)


def test_power_is_the_variance_of_white_noise():
    power = radial_power(noise(10))
    assert power.shape == (BINS, 3)
    assert np.allclose(power[8:45].mean(axis=0), 100, rtol=0.1)


def test_grain_gives_back_the_power_that_was_missing():
    photographs, rendered = noise(12), noise(5)
    missing = missing_power(photographs, rendered)
    assert missing.dtype == np.float32 and missing.min() >= 0
    assert np.allclose(missing[8:45].mean(), 144 - 25, rtol=0.15)
    assert not missing[0].any()  # light is not texture
    random = np.random.default_rng(0)
    added = np.stack([grain(missing, 128, random) for _ in range(12)])
    assert added.shape == (12, 128, 128, 3) and abs(added.mean()) < 1
    richer = np.clip(np.round(rendered + added), 0, 255).astype(np.uint8)
    assert np.allclose(radial_power(richer)[8:45].mean(axis=0), 144, rtol=0.15)


def test_renderings_with_enough_texture_get_none():
    assert missing_power(noise(5), noise(12)).mean() < 1


def test_grain_stays_within_the_field_of_view():
    image = np.where(disc()[..., None] > 0, np.uint8(120), np.uint8(0)).repeat(3, axis=-1)
    grainy = with_grain(image, disc(), np.full((BINS, 3), 50.0), np.random.default_rng(0))
    assert grainy.dtype == np.uint8 and not grainy[disc() == 0].any()
    assert 2 < grainy[disc() > 0].std() < 20


def test_a_contact_sheet_shows_masks_above_renderings():
    masks = np.stack([disc()] * 10)
    sheet = contact_sheet(masks, [np.full((64, 64, 3), (200, 0, 0), np.uint8)] * 10)
    assert sheet.shape == (4 * 196 - 4, 8 * 196 - 4, 3)
    assert [sheet[row, 96].tolist() for row in (96, 292, 488, 684)] == [[255] * 3, [200, 0, 0]] * 2


def test_numbers_that_are_not_there_or_pickled_are_refused(tmp_path):
    path = tmp_path / "codes.npy"
    for content in (None, b"", b"garbage", pickle.dumps([1, 2])):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError, match="codes.npy is missing or damaged .*: train again"):
            numbers(path, "train again")
    np.save(path, np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(DataError):
        numbers(path, "train again")
    np.save(path, np.arange(6.0))
    assert numbers(path, "").tolist() == list(range(6))


def views():
    """Two real views of other sizes than they are rendered at, each with a block of its own as its mask."""
    blocks = np.zeros((2, 128, 128), np.uint8)
    blocks[0, 40:60, 40:80], blocks[1, 70:90, 0:128] = 255, 255
    return [View(str(k), np.zeros((128, 128, 3), np.uint8), mask, disc(128), (0, 0, 128, 128), (128, 128))
            for k, mask in enumerate(blocks)]


def test_real_training_masks_are_rendered_in_turn_in_their_own_fields_of_view():
    made_by, rows = masks_to_render(None, 5, views(), 64, np.random.default_rng(0))
    rows = list(rows)
    assert made_by is None and len(rows) == 5
    for k, (mask, fov) in enumerate(rows):
        assert mask.shape == fov.shape == (64, 64) and np.array_equal(mask, rows[k % 2][0])
        assert not mask[fov == 0].any()  # the second block reaches beyond it
    assert rows[0][0][20:30, 20:40].all() and not rows[0][0][36:].any()
    assert rows[1][0][40, 32] == 255 and not rows[1][0][:34].any()


def test_drawn_masks_are_rendered_once_each_and_cut_to_a_field_of_view(tmp_path):
    with PairWriter(tmp_path / "masks.h5", {"seed": 7}) as writer:
        for _ in range(3):
            writer.append(masks=np.full((128, 128, 1), 255, np.uint8))
    made_by, rows = masks_to_render(tmp_path / "masks.h5", 50, views(), 64, np.random.default_rng(0))
    rows = list(rows)
    assert made_by == {"seed": 7} and len(rows) == 3
    assert all(np.array_equal(mask, fov) for mask, fov in rows)

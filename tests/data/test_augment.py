"""Random changes to crops: what must stay together stays together."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data import augment


@pytest.fixture
def pictures():
    """float32 (16, 48, 48, 1) in [0, 1], each different, smooth."""
    noise = np.random.default_rng(0).uniform(0, 1, (16, 12, 12, 1))
    return tf.clip_by_value(tf.image.resize(tf.constant(noise, tf.float32), (48, 48), "bicubic"), 0, 1)


def test_flips_keep_picture_and_mask_together(pictures):
    both = tf.concat([pictures, tf.cast(pictures > 0.5, tf.float32)], axis=-1)
    seen = set()
    for number in range(8):
        flipped = augment.flip(both, (7, number)).numpy()
        assert np.array_equal(flipped[..., 1] > 0, flipped[..., 0] > 0.5)
        for before, after in zip(pictures.numpy()[..., 0], flipped[..., 0]):
            turned = [np.rot90(one, k) for one in (before, before.T) for k in range(4)]
            matches = [k for k, one in enumerate(turned) if np.array_equal(one, after)]
            assert len(matches) == 1
            seen.update(matches)
    assert seen == set(range(8))


def test_a_bend_moves_picture_and_mask_alike(pictures):
    moved = augment.bend(tf.concat([pictures, pictures], axis=-1), (1, 2), rotate=40.0, elastic=4.0).numpy()
    assert moved.shape == (16, 48, 48, 2)
    assert np.array_equal(moved[..., 0], moved[..., 1])
    assert np.abs(moved[..., :1] - pictures).mean() > 0.02


def test_no_rotation_and_no_deformation_changes_nothing(pictures):
    assert np.array_equal(augment.bend(pictures, (1, 2), 0.0, 0.0), pictures)


def peaks(pictures):
    """(row, column) of each picture's centre of mass."""
    grid = np.indices(pictures.shape[1:3])
    return np.stack([(grid * one[..., 0]).sum(axis=(1, 2)) / one.sum() for one in np.asarray(pictures)])


def dots(count, size, row, column):
    picture = np.zeros((count, size, size, 1), np.float32)
    picture[:, row - 1:row + 2, column - 1:column + 2] = 1
    return tf.constant(picture)


def test_the_elastic_deformation_stays_within_its_pixels():
    moved = peaks(augment.bend(dots(64, 64, 32, 32), (3, 4), 0.0, 5.0)) - 32
    # the field is interpolated by cubics, which overshoot a little
    assert np.abs(moved).max() <= 6.5
    assert moved.std(axis=0).min() > 1
    assert np.abs(moved.mean(axis=0)).max() < 1


def test_the_rotation_stays_within_its_degrees():
    place = peaks(augment.bend(dots(64, 65, 32, 52), (3, 4), 20.0, 0.0)) - 32
    angles = np.degrees(np.arctan2(place[:, 0], place[:, 1]))
    assert np.abs(angles).max() < 21 and angles.max() > 12 and angles.min() < -12
    assert np.allclose(np.hypot(*place.T), 20, atol=0.7)


@pytest.mark.parametrize("sigma", [1.0, 1.2])
def test_blur_is_that_of_opencv(sigma):
    picture = np.random.default_rng(0).random((40, 40), np.float32)
    blurred = augment._blurred(tf.constant(picture)[None, ..., None], sigma).numpy()[0, ..., 0]
    assert np.allclose(blurred, cv2.GaussianBlur(picture, (7, 7), sigma, borderType=cv2.BORDER_REFLECT_101), atol=1e-6)


def test_appearance_keeps_shape_and_range(pictures):
    changed = augment.appearance(pictures, (5, 6)).numpy()
    assert changed.shape == pictures.shape and changed.dtype == np.float32
    assert changed.min() >= 0 and changed.max() <= 1
    assert np.isfinite(augment.appearance(tf.zeros((4, 16, 16, 1)), (1, 1))).all()
    # texture survives: the picture is still itself, under another lamp
    for before, after in zip(pictures.numpy(), changed):
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.6
    means = changed.mean(axis=(1, 2, 3)) - pictures.numpy().mean(axis=(1, 2, 3))
    assert means.std() > 0.05


def test_texture_is_smooth_and_as_strong_as_asked():
    grey = tf.fill((64, 128, 128, 1), 0.5)
    added = augment.texture(grey, (5, 6), 0.1).numpy() - 0.5
    assert np.abs(added).max() < 0.1 * 3 * 1.2  # three sizes; bicubic interpolation overshoots a little
    spread = added.std(axis=(1, 2, 3))
    assert spread.max() > 0.04 and spread.min() < 0.5 * spread.max()  # each example has its own strength
    assert np.abs(np.diff(added, axis=2)).mean() < 0.25 * np.abs(added).mean()  # nothing as fine as grain
    assert np.allclose(added.mean(), 0, atol=0.005)
    assert np.allclose(augment.texture(grey, (5, 6), 0.05).numpy() - 0.5, added / 2, atol=1e-5)


@pytest.mark.parametrize("change", [augment.flip, augment.appearance, lambda x, seed: augment.bend(x, seed, 9.0, 3.0),
                                    lambda x, seed: augment.texture(x, seed, 0.1)])
def test_a_seed_gives_one_change_and_another_seed_another(pictures, change):
    one, again, other = (change(pictures, seed).numpy() for seed in ((1, 2), (1, 2), (1, 3)))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)

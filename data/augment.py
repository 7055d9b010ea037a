"""Random augmentation of batches of training crops. Every function takes a seed, two integers as in tf.random."""
from __future__ import annotations

from functools import lru_cache

import numpy as np
import tensorflow as tf

from data import addons

TEXTURE_SPACINGS = 32, 16, 8  # pixels between the points that noise of three sizes is interpolated between

split = tf.random.experimental.stateless_split


def _between(seed, shape, low, high):
    return tf.random.stateless_uniform(shape, seed, low, high)


@lru_cache
def _bicubic(cells, length):
    """float32 (length, cells): the weights with which bicubic interpolation makes `length` points of `cells`."""
    with tf.init_scope():  # once, and not in each batch
        return tf.image.resize(tf.eye(cells)[..., None], (length, cells), "bicubic")[..., 0].numpy()


def _smooth_field(seed, batch, cells, channels=1):
    """float32 (B, S, S, channels), about in [-1, 1], for a batch (B, S, S, C): noise on a `cells` x `cells` grid,
    interpolated bicubically.

    Two matrix products: tf.image.resize takes three times as long.
    """
    coarse = _between(seed, (tf.shape(batch)[0], cells, cells, channels), -1.0, 1.0)
    rows, columns = (_bicubic(cells, length) for length in batch.shape[1:3])
    return tf.transpose(tf.matmul(tf.matmul(rows, tf.transpose(coarse, [0, 3, 1, 2])), columns, transpose_b=True),
                        [0, 2, 3, 1])


def choose(condition, yes, no):
    """bool (B,): each example of the batch `yes` where it is true, of `no` where it is not. tf.where, which chooses
    number by number, takes six times as long."""
    return tf.compat.v1.where(condition, yes, no)


def flip(batch, seed):
    """(B, S, S, C) of any type -> the same, each example mirrored and turned at random (eight possibilities)."""
    chance = _between(seed, (3, tf.shape(batch)[0]), 0.0, 1.0) < 0.5
    batch = choose(chance[0], tf.reverse(batch, [1]), batch)
    batch = choose(chance[1], tf.reverse(batch, [2]), batch)
    return choose(chance[2], tf.transpose(batch, [0, 2, 1, 3]), batch)


def bend(batch, seed, rotate, elastic):
    """float32 (B, S, S, C), each example rotated by up to `rotate` degrees, then deformed by up to `elastic` pixels.

    Interpolation is bilinear. New pixels at the borders are 0 after the rotation, and repeat the nearest pixel after
    the deformation. Raises UserError if TensorFlow Addons is needed and not installed.
    """
    seeds = split(seed, 2)
    if rotate:
        angles = _between(seeds[0], (tf.shape(batch)[0],), -rotate, rotate) * 3.14159265 / 180
        batch = addons.rotate(batch, angles)
    if elastic:
        flow = elastic * _smooth_field(seeds[1], batch, 4, channels=2)
        batch = addons.warp(batch, flow)
    return batch


def _blurred(images, sigma):
    """(B, S, S, 1), blurred by a Gaussian with a standard deviation of `sigma` pixels.

    Two matrix products: convolutions of a single channel take ten times as long.
    """
    weights = np.exp(-np.arange(-3, 4) ** 2 / np.float32(2 * sigma ** 2), dtype=np.float32)
    rows = np.pad(np.eye(images.shape[1], dtype=np.float32), ((3, 3), (0, 0)), "reflect")
    matrix = sum(weight * rows[start:start + images.shape[1]] for start, weight in enumerate(weights / weights.sum()))
    return tf.matmul(tf.matmul(matrix, images[..., 0]), matrix, transpose_b=True)[..., None]


def appearance(images, seed):
    """float32 (B, S, S, 1) in [0, 1] -> the same, as if taken with another camera, light and focus.

    It changes blur, gamma, contrast, brightness and illumination, and adds correlated noise. Renderings are cleaner
    than photographs: without this, a U-Net that is trained on renderings mistakes the texture of photographs for
    vessels.
    """
    seeds = split(seed, 8)
    shape = tf.shape(images)
    each = (shape[0], 1, 1, 1)
    blur = tf.maximum(_between(seeds[0], each, -1.0, 1.0), 0.0)
    images = images + blur * (_blurred(images, 1.0) - images)
    # A power; tf.pow takes seven times as long.
    images = tf.exp(_between(seeds[1], each, 0.6, 1.6) * tf.math.log(tf.clip_by_value(images, 1e-3, 1.0)))
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = mean + (images - mean) * _between(seeds[2], each, 0.5, 1.5)
    images = images + _between(seeds[3], each, -0.2, 0.2) + 0.1 * _smooth_field(seeds[4], images, 3)
    noise = tf.random.stateless_normal(shape, seeds[5])
    coarse = 4.2 * _blurred(noise, 1.2)  # 4.2 restores the variance of 1
    share = _between(seeds[6], each, 0.0, 1.0)
    noise = (share * coarse + (1 - share) * noise) * _between(seeds[7], each, 0.0, 0.06)
    return tf.clip_by_value(images + noise, 0.0, 1.0)


def texture(images, seed, strength):
    """float32 (B, S, S, 1) in [0, 1] -> the same with smooth noise of three sizes added, each up to `strength`.

    A photograph has nerve fibres, choroid and reflexes, which are as wide as vessels and are none. Renderings have
    little of this, and 20 photographs show little of what others have. With it a U-Net takes less of it for vessels.
    """
    each = (tf.shape(images)[0], 1, 1, 1)
    seeds = split(seed, 2 * len(TEXTURE_SPACINGS))
    for number, spacing in enumerate(TEXTURE_SPACINGS):
        amplitude = _between(seeds[2 * number], each, 0.0, strength)
        images += amplitude * _smooth_field(seeds[2 * number + 1], images, images.shape[1] // spacing + 1)
    return tf.clip_by_value(images, 0.0, 1.0)

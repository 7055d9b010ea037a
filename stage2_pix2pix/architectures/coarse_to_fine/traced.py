"""`render` in TensorFlow's operations only, so that it can be saved as a graph.

What OpenCV does to pictures there, blurring, shrinking and enlarging, is linear in rows and columns: a matrix.
"""
from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import tensorflow as tf

from data.randomness import normal
from stage2_pix2pix.architectures.coarse_to_fine.gan import draw
from stage2_pix2pix.architectures.coarse_to_fine.inputs import BLUR, COARSE, COARSE_RENDERING
from stage2_pix2pix.architectures.coarse_to_fine.networks import NOISES
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import RENDERING

AROUND = 1.5  # pixels of the coarse picture, as in `render`


def traced(networks: dict, config: Stage2Config, mask: tf.Tensor, fov: tf.Tensor, code: tf.Tensor, seed: int,
           row: tf.Tensor) -> tf.Tensor:
    size = config.size
    shrink = _matrix(lambda rows: cv2.resize(rows, (size, COARSE), interpolation=cv2.INTER_AREA), size)
    density = shrink @ _matrix(lambda rows: _blurred(rows, BLUR), size)
    enlarge = _matrix(lambda rows: cv2.resize(rows, (COARSE, size), interpolation=cv2.INTER_CUBIC), COARSE)
    smooth = _matrix(lambda rows: _blurred(rows, AROUND), COARSE)

    planes = tf.cast(tf.stack([mask, fov], -1), tf.float32) / 127.5 - 1
    inputs = tf.concat([_both(density, planes[..., :1]), _both(shrink, planes[..., 1:])], -1)
    noise = normal(seed, row, COARSE_RENDERING, (1, COARSE, COARSE, NOISES))
    coarse = networks["coarse"]([inputs[None], noise], training=False)[0]

    inside = inputs[..., 1:] > 0
    weight = tf.cast(inside, tf.float32)
    count = tf.reduce_sum(weight)
    mean = tf.reduce_sum(coarse * weight, [0, 1]) / count
    deviation = tf.sqrt(tf.reduce_sum((coarse - mean) ** 2 * weight, [0, 1]) / count) + 1e-3
    around = _both(smooth, coarse * weight) / tf.maximum(_both(smooth, weight), 1e-3)
    coarse = (tf.where(inside, coarse, around) - mean) / deviation * code[3:] + code[:3]

    known = tf.concat([planes, tf.clip_by_value(_both(enlarge, coarse), -1.0, 1.0)], -1)
    noise = normal(seed, row, RENDERING, (1, size, size, NOISES))
    return draw(networks["generator"], known[None], noise, training=False)[0]


def _blurred(rows: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(rows, (1, 2 * round(4 * sigma) + 1), sigma)


def _matrix(change: Callable[[np.ndarray], np.ndarray], size: int) -> np.ndarray:
    """float32 (n, size), from what `change` does to the rows of a picture, (size, C) -> (n, C)."""
    return change(np.eye(size, dtype=np.float32))


def _both(matrix: np.ndarray, picture: tf.Tensor) -> tf.Tensor:
    """The matrix (n, S) applied to the rows and to the columns of a picture (S, S, C) -> (n, n, C)."""
    rows = tf.tensordot(tf.constant(matrix), picture, [[1], [0]])
    return tf.transpose(tf.tensordot(tf.constant(matrix), rows, [[1], [1]]), [1, 0, 2])

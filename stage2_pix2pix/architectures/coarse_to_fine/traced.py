"""`render` in TensorFlow's operations only, so that it can be saved as a graph.

What OpenCV does to pictures there, blurring, shrinking and enlarging, is linear in rows and columns: a matrix.
"""
from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import tensorflow as tf

from data import vessels
from data.randomness import normal
from stage2_pix2pix.architectures.coarse_to_fine.coarse import (
    BRIGHT,
    COARSE,
    COLOURED,
    DISC,
    TERMS,
    disc_of,
    shrunk,
    without_green_patches,
)
from stage2_pix2pix.architectures.coarse_to_fine.gan import draw, draw_coarse
from stage2_pix2pix.architectures.coarse_to_fine.inputs import with_looks
from stage2_pix2pix.architectures.coarse_to_fine.networks import NOISES
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import RENDERING

AROUND = 1.5  # pixels of the coarse picture, as in `render`


def traced(networks: dict, config: Stage2Config, mask: tf.Tensor, fov: tf.Tensor, code: tf.Tensor, seed: int,
           row: tf.Tensor) -> tf.Tensor:
    size = config.size
    shrink = _matrix(lambda rows: cv2.resize(rows, (size, COARSE), interpolation=cv2.INTER_AREA), size)
    enlarge = _matrix(lambda rows: cv2.resize(rows, (COARSE, size), interpolation=cv2.INTER_CUBIC), COARSE)
    smooth = _matrix(lambda rows: _blurred(rows, AROUND), COARSE)

    planes = tf.cast(tf.stack([mask, fov], -1), tf.float32) / 127.5 - 1
    shares = np.arange(COARSE, dtype=np.float32)
    meeting = _meeting_point(planes[..., :1])
    row_of, column_of = tf.unstack(shrunk(disc_of(code, meeting, size), size))
    squares = (shares[:, None] - row_of) ** 2 + (shares - column_of) ** 2
    nearness = 2 * tf.exp(-(squares / DISC ** 2) ** 2) - 1
    room = tf.fill((COARSE, COARSE), (1 - code[0]) / code[3] - 2)
    inputs = tf.concat([_both(shrink, planes[..., 1:]), tf.stack([nearness, room], -1)], -1)
    coarse = draw_coarse(networks["coarse"], inputs, seed, row)

    inside = inputs[..., :1] > 0
    weight = tf.cast(inside, tf.float32)
    off_disc = weight * tf.cast(squares > (BRIGHT * DISC) ** 2, tf.float32)[..., None]
    products, sums = (tf.tensordot(TERMS * off_disc, other, [[0, 1], [0, 1]]) for other in (TERMS, coarse))
    own = tf.tensordot(TERMS, _solved(products, sums), 1)  # least squares
    deviation = tf.sqrt(tf.reduce_sum((coarse - own) ** 2 * weight, [0, 1]) / tf.reduce_sum(weight)) + 1e-3
    light = tf.tensordot(TERMS, tf.reshape(tf.concat([code[:3], code[6:COLOURED]], 0), (-1, 3)), 1)
    around = _both(smooth, coarse * weight) / tf.maximum(_both(smooth, weight), 1e-3)
    coarse = (tf.where(inside, coarse, around) - own) / deviation * code[3:6] + light
    coarse = without_green_patches(coarse, light, nearness)

    known = tf.concat([planes, tf.clip_by_value(_both(enlarge, coarse), -1.0, 1.0)], -1)
    noise = normal(seed, row, RENDERING, (1, size, size, NOISES))
    return draw(networks["generator"], with_looks(known[None], config, meeting, seed, row), noise, training=False)[0]


def _meeting_point(mask: tf.Tensor) -> tf.Tensor:
    """As data.vessels.meeting_point: float32 (S, S, 1) in [-1, 1] -> float32 (2,)."""
    size, side = len(mask), vessels.SIDE
    shrink = _matrix(lambda rows: cv2.resize(rows, (size, side), interpolation=cv2.INTER_AREA), size)
    small = (_both(shrink, mask) + 1) / 2
    smooth = _both(_matrix(lambda rows: _blurred(rows, 1), side), small)
    slope, mean = (_matrix(lambda rows, kernel=kernel: cv2.filter2D(rows, -1, np.float32(kernel)[:, None]), side)
                   for kernel in ((-1, 0, 1), (1, 2, 1)))
    across, down = _apply(mean, slope, smooth), _apply(slope, mean, smooth)
    blur = _matrix(lambda rows: _blurred(rows, 1.25), side)
    xx, yy, xy = (_both(blur, product) for product in (across ** 2, down ** 2, across * down))
    normal = 0.5 * tf.atan2(2 * xy, xx - yy)[..., 0]
    thick = small * _both(_matrix(lambda rows: _blurred(rows, vessels.THICK), side), small)
    weight = tf.where(small > vessels.FOREGROUND, thick, 0.0)[..., 0]
    pixels, places = np.arange(side, dtype=np.float32), tf.constant(vessels.PLACES)

    def votes(place):  # of all pixels for the places of one row
        to_row, to_column = (place - pixels)[:, None], (places[:, None] - pixels)[:, None]
        aside = tf.cos(normal) * to_column + tf.sin(normal) * to_row
        distance = tf.sqrt(to_row ** 2 + to_column ** 2)
        return tf.reduce_sum(weight * tf.exp(-(aside / vessels.ASIDE) ** 2 / 2 - distance / vessels.FAR), [1, 2])

    best = tf.argmax(tf.reshape(tf.map_fn(votes, places), [-1]))
    best = tf.where(tf.reduce_any(weight > 0), best, (len(vessels.PLACES) + 1) * (len(vessels.PLACES) // 2))
    found = tf.gather(places, tf.stack([best // len(vessels.PLACES), best % len(vessels.PLACES)]))
    return (found + 0.5) * size / side - 0.5


def _solved(matrix: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """x with matrix @ x = right, of a positive definite matrix (n, n); by elimination, which TF Lite can do."""
    both = tf.concat([matrix, right], 1)
    for number in range(len(matrix)):
        row = both[number] / both[number, number]
        both -= (both[:, number:number + 1] - tf.one_hot([number], len(matrix))[0][:, None]) * row
    return both[:, len(matrix):]


def _blurred(rows: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(rows, (1, 2 * round(4 * sigma) + 1), sigma)


def _matrix(change: Callable[[np.ndarray], np.ndarray], size: int) -> np.ndarray:
    """float32 (n, size), from what `change` does to the rows of a picture, (size, C) -> (n, C)."""
    return change(np.eye(size, dtype=np.float32))


def _both(matrix: np.ndarray, picture: tf.Tensor) -> tf.Tensor:
    """The matrix (n, S) applied to the rows and to the columns of a picture (S, S, C) -> (n, n, C)."""
    return _apply(matrix, matrix, picture)


def _apply(down: np.ndarray, across: np.ndarray, picture: tf.Tensor) -> tf.Tensor:
    """The matrix `down` (n, S) applied to the columns, `across` to the rows of a picture (S, S, C) -> (n, n, C)."""
    rows = tf.tensordot(tf.constant(down), picture, [[1], [0]])
    return tf.transpose(tf.tensordot(tf.constant(across), rows, [[1], [1]]), [1, 0, 2])

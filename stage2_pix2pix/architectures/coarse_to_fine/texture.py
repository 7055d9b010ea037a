"""The texture of pictures: what differs from the mean of the surroundings, by size."""
from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def local_mean(picture: tf.Tensor, side: int) -> tf.Tensor:
    """(B, H, W, C) -> the same: means over squares of `side` pixels."""
    return tf.nn.avg_pool2d(tf.nn.avg_pool2d(picture, (side, 1), 1, "SAME"), (1, side), 1, "SAME")


def bands(picture: tf.Tensor, sides: Sequence[int]) -> list[tf.Tensor]:
    """(B, H, W, C) -> one such picture for each side, in increasing order.

    The first is what is finer than squares of the first side, the next what is finer than squares of the second and
    coarser than those of the first, and so on.
    """
    means = [picture, *(local_mean(picture, side) for side in sides)]
    return [fine - coarse for fine, coarse in zip(means, means[1:])]


def strength(picture: tf.Tensor, sides: Sequence[int], window: int, weight: tf.Tensor) -> tf.Tensor:
    """Root mean square of each of the `bands` in each window, (B, H / window, W / window, C * len(sides)).

    weight: (B, H, W, 1) in [0, 1], how much each pixel counts.
    """
    squares = tf.concat([tf.square(band) * weight for band in bands(picture, sides)], axis=-1)
    total, share = (tf.nn.avg_pool2d(value, window, window, "SAME") for value in (squares, weight))
    return tf.sqrt(total / (share + 0.05) + 1e-5)  # added: no division by 0, no infinite gradient of the root

"""Random numbers that depend on (seed, example, stream) only.

The random numbers of an example do not depend on the examples before it, so a resumed training continues exactly where
it stopped. They do not depend on the number of devices either. A stream is one use of random numbers, such as noise or
flips; each use has a number of its own, so that two uses are independent.
"""
from __future__ import annotations

import numpy as np
import tensorflow as tf

STREAMS = 64


def key(seed: int, example: int | tf.Tensor, stream: int) -> tf.Tensor:
    """int64 (2,): a seed for TensorFlow's stateless random operations, different for every (seed, example, stream).

    `seed` is from 0 to 2^31 - 1, `stream` from 0 to 63. The key of the next stream is key + (1, 0).
    """
    return tf.stack([tf.constant(seed * STREAMS + stream, tf.int64), tf.cast(example, tf.int64)])


def uniform(seed: int, example: int | tf.Tensor, stream: int, shape: tuple[int, ...]) -> tf.Tensor:
    """float32 `shape`, uniform in [0, 1)."""
    return tf.random.stateless_uniform(shape, key(seed, example, stream))


def normal(seed: int, example: int | tf.Tensor, stream: int, shape: tuple[int, ...]) -> tf.Tensor:
    """float32 `shape`, Gaussian with mean 0 and standard deviation 1."""
    return tf.random.stateless_normal(shape, key(seed, example, stream))


def numpy_generator(seed: int, example: int, stream: int) -> np.random.Generator:
    """A NumPy generator that depends on (seed, example, stream) only."""
    return np.random.default_rng([seed, stream, example])

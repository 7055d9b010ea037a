"""In which order a training sees its examples, and the random numbers that go with each.

Everything random about an example follows from (seed, example number), so a run that stopped goes on exactly where
it was, and the numbers do not depend on how many devices share the batch.
"""
from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from data.errors import UserError


def order(count: int, length: int, seed: int) -> np.ndarray:
    """int64 (length,): indices into `count` samples; every pass over them is a permutation of its own."""
    passes = -(-length // count)
    return np.concatenate([np.random.default_rng([seed, k]).permutation(count) for k in range(passes)])[:length]


def examples(count: int, batch_size: int, steps: int, seed: int, first_step: int = 0) -> tf.data.Dataset:
    """Scalars (index, number) of `steps` batches, from `first_step` on; both int64.

    `index` tells which of `count` samples, `number` counts the run's examples from 0.
    """
    start, end = first_step * batch_size, steps * batch_size
    dataset = tf.data.Dataset.from_tensor_slices((order(count, end, seed)[start:], np.arange(start, end)))
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    options.threading.private_threadpool_size = 2  # a laptop's cores are for the networks
    return dataset.with_options(options)


_raised: list[UserError] = []


def read(function: Callable, inputs: list[tf.Tensor], dtype: tf.DType) -> tf.Tensor:
    """`tf.numpy_function`, whose UserErrors `user_errors` raises again: TensorFlow passes their text on only."""
    def reading(*arguments):
        try:
            return function(*arguments)
        except UserError as error:
            _raised.append(error)
            raise

    return tf.numpy_function(reading, inputs, dtype)


@contextmanager
def user_errors():
    """Within it, a UserError raised in `read` arrives as itself."""
    _raised.clear()
    try:
        yield
    except tf.errors.OpError:
        if _raised:
            raise _raised[0] from None
        raise


def uniform(seed: int, number: tf.Tensor, shape: tuple[int, ...], stream: int = 0) -> tf.Tensor:
    """float32 `shape`, uniform in [0, 1), the same for the same (seed, number, stream)."""
    state = tf.stack([tf.constant(seed * 64 + stream, tf.int64), tf.cast(number, tf.int64)])
    return tf.random.stateless_uniform(shape, state)


def batches(dataset: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Full batches, made one step ahead."""
    return dataset.batch(batch_size, drop_remainder=True).prefetch(2)

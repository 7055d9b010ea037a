"""The order of the examples in a training, and their batches."""
from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from data.errors import UserError
from data.randomness import numpy_generator

ORDER = 63  # stream of random numbers (data/randomness.py)


def order(count: int, length: int, seed: int) -> np.ndarray:
    """int64 (length,): indices of `count` samples, which are shuffled anew in each pass over them."""
    passes = -(-length // count)
    return np.concatenate([numpy_generator(seed, k, ORDER).permutation(count) for k in range(passes)])[:length]


def examples(count: int, batch_size: int, steps: int, seed: int, first_step: int = 0) -> tf.data.Dataset:
    """The examples of the steps from `first_step` to `steps`, as int64 scalars (index, number).

    `index` is that of one of `count` samples. `number` counts the examples of the training from 0.
    """
    start, end = first_step * batch_size, steps * batch_size
    dataset = tf.data.Dataset.from_tensor_slices((order(count, end, seed)[start:], np.arange(start, end)))
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    options.threading.private_threadpool_size = 2  # leaves the other cores to the networks
    # Nothing here is to be tuned, and the thread that would tune it keeps a training waiting at its end: 0.09 s a step.
    options.autotune.enabled = False
    return dataset.with_options(options)


_raised: list[UserError] = []


def read(function: Callable, inputs: list[tf.Tensor], dtype: tf.DType) -> tf.Tensor:
    """`tf.numpy_function` for a function that may raise UserError. `user_errors` raises that error again, because
    TensorFlow passes on its text only.

    The result of the function follows from its arguments. TensorFlow is told so: where operations have to be repeatable
    (`training.devices.set_seed`) it would else call it for one example at a time, and only while the network waits.
    """
    def reading(*arguments):
        try:
            return function(*arguments)
        except UserError as error:
            _raised.append(error)
            raise

    return tf.numpy_function(reading, inputs, dtype, stateful=False)


@contextmanager
def user_errors():
    """Inside this context, a UserError that was raised in `read` is raised as UserError, not as TensorFlow's error."""
    _raised.clear()
    try:
        yield
    except tf.errors.OpError:
        if _raised:
            raise _raised[0] from None
        raise


def batches(dataset: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Batches of `batch_size` examples, prepared while the network works on the ones before. A last batch that is not
    full is left out."""
    return dataset.batch(batch_size, drop_remainder=True).prefetch(2)

"""Losses that are the same whatever number of devices shares the batch."""
from __future__ import annotations

import tensorflow as tf


def mean_over_batch(per_example: tf.Tensor) -> tf.Tensor:
    """Sum of `per_example` (B,) over this device's share, divided by the global batch.

    Keras optimizers add the devices' gradients up, so this scaling makes the update that of one device with the
    global batch.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    per_example = tf.cast(per_example, tf.float32)
    return tf.reduce_sum(per_example) / tf.cast(tf.size(per_example) * replicas, tf.float32)


def mean_per_example(values: tf.Tensor) -> tf.Tensor:
    """(B, ...) -> (B,): the mean over everything but the batch."""
    return tf.reduce_mean(tf.cast(values, tf.float32), axis=list(range(1, values.shape.rank)))


def cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    """Mean sigmoid cross-entropy of `logits` (B, ...) against one `label`, 1 for real, 0 for generated."""
    logits = tf.cast(logits, tf.float32)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(logits), label), logits)
    return mean_over_batch(mean_per_example(losses))

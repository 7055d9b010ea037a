"""Losses that do not depend on the number of devices that share a batch."""
from __future__ import annotations

import tensorflow as tf


def mean_over_batch(per_example: tf.Tensor) -> tf.Tensor:
    """Sum of the losses `per_example` (B,) on this device, divided by the batch size over all devices; float32.

    Keras optimizers add up the gradients of all devices, so the update is the one that a single device would make.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    per_example = tf.cast(per_example, tf.float32)
    return tf.reduce_sum(per_example) / tf.cast(tf.size(per_example) * replicas, tf.float32)


def mean_per_example(values: tf.Tensor) -> tf.Tensor:
    """(B, ...) -> float32 (B,): the mean over all axes except the first."""
    return tf.reduce_mean(tf.cast(values, tf.float32), axis=list(range(1, values.shape.rank)))


def cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    """Mean sigmoid cross-entropy of `logits` (B, ...) for one `label`, 1 for real or 0 for generated.

    It is scaled as in `mean_over_batch`.
    """
    logits = tf.cast(logits, tf.float32)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(tf.shape(logits), label), logits)
    return mean_over_batch(mean_per_example(losses))


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy with the labels 1 for real and 0 for generated pictures, scaled as in `mean_over_batch`."""
    return cross_entropy(real_logits, 1.0) + cross_entropy(fake_logits, 0.0)

"""What the U-Net minimises, an example at a time: Keras averages over the global batch."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras


def bce(masks, probabilities):
    """(B, H, W, 1) twice -> (B,): mean binary cross-entropy, whose answers are calibrated: 0.5 means even odds."""
    return tf.reduce_mean(keras.losses.binary_crossentropy(masks, probabilities), axis=[1, 2])


def bce_dice(masks, probabilities):
    """(B, H, W, 1) twice -> (B,): mean binary cross-entropy plus 1 - Dice, which finds more of a rare foreground."""
    axes = [1, 2, 3]
    both = tf.reduce_sum(masks * probabilities, axis=axes)
    either = tf.reduce_sum(masks, axis=axes) + tf.reduce_sum(probabilities, axis=axes)
    return bce(masks, probabilities) + 1 - (2 * both + 1) / (either + 1)


def mse(masks, probabilities):
    """(B, H, W, 1) twice -> (B,): mean squared error, the authors' choice."""
    return tf.reduce_mean(tf.square(masks - probabilities), axis=[1, 2, 3])


LOSSES = {"bce": bce, "bce_dice": bce_dice, "mse": mse}

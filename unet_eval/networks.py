"""The U-Net (paper, Section 8; sizes from the authors' later code)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

from unet_eval.config import UnetConfig

SLOPE = 0.2  # of the leaky ReLU, authors' code
# Batch norm and leaky ReLU are float32: in bfloat16 TensorFlow 2.14 has slow kernels for them (training/README.md).


def _double_convolution(x, filters):
    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        x = layers.BatchNormalization(momentum=0.9, synchronized=several, dtype="float32")(x)
        x = layers.LeakyReLU(SLOPE, dtype="float32")(x)
    return x


def unet(base: int = 32, poolings: int = 4, space_to_depth: bool = False) -> keras.Model:
    """Picture -> probability of foreground, pixel by pixel.

    Input (B, H, W, 1) float in [0, 1] with H and W multiples of 2^poolings, output (B, H, W, 1) float32 in [0, 1]. Two
    3 x 3 convolutions a level with base, 2 base, 4 base ... filters, transposed 4 x 4 convolutions back.

    space_to_depth (ours): the first level gets each square of 2 x 2 pixels as four channels, and the last layer gives
    four back; H and W are multiples of twice as much. It buys speed on CPUs (docs/trials.md, trials of Stage-II).
    """
    picture = keras.Input((None, None, 1), name="picture")
    x, skips = tf.nn.space_to_depth(picture, 2) if space_to_depth else picture, []
    for level in range(poolings):
        x = _double_convolution(x, base * 2 ** level)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = _double_convolution(x, base * 2 ** poolings)
    for level in reversed(range(poolings)):
        x = layers.Conv2DTranspose(base * 2 ** level, 4, 2, "same", kernel_initializer="he_normal")(x)
        x = _double_convolution(layers.Concatenate()([x, skips[level]]), base * 2 ** level)
    x = tf.nn.depth_to_space(layers.Conv2D(4, 1)(x), 2) if space_to_depth else layers.Conv2D(1, 1)(x)
    return keras.Model(picture, layers.Activation("sigmoid", dtype="float32")(x), name="unet")


def unet_of(config: UnetConfig) -> keras.Model:
    """The U-Net of these options."""
    return unet(config.base, config.poolings, config.space_to_depth)

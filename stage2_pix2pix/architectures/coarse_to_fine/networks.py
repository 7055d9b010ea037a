"""The networks of the coarse-to-fine architecture: all of them take pictures of any size that 8 divides."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

DEPTH = 3           # times that a U-Net halves its picture
NOISES = DEPTH + 1  # planes of noise: one for each level of the decoder and for the level at the bottom
SLOPE = 0.2         # of the leaky ReLU
SEGMENTER_BASE, COARSE_BASE = 8, 32  # filters


def _convolution(x, filters: int, normalised: bool):
    x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal")(x)
    if normalised:
        several = tf.distribute.get_strategy().num_replicas_in_sync > 1
        x = layers.BatchNormalization(momentum=0.9, synchronized=several, dtype="float32")(x)
    return layers.LeakyReLU(SLOPE, dtype="float32")(x)


class NoisePlane(layers.Layer):
    """Adds one plane of noise to all channels, each with a weight that is learned.

    Call with (x (B, H, W, C), noise (B, H, W, 1)).
    """

    def build(self, shapes):
        self.weight = self.add_weight("weight", (shapes[0][-1],), initializer=keras.initializers.Constant(0.1))

    def call(self, inputs):
        x, noise = inputs
        return x + self.weight * noise


def unet(channels: int, base: int, outputs: int, noise: bool = False, normalised: bool = False,
         activation: str | None = None, name: str = "unet") -> keras.Model:
    """A U-Net with two 3 x 3 convolutions per level and `base` filters in the finest one.

    Input: (B, H, W, channels) and, with `noise`, Gaussian noise (B, H, W, NOISES), one plane for each level. Output:
    (B, H, W, outputs) float32. H and W are multiples of 8.
    """
    picture = keras.Input((None, None, channels))
    planes = keras.Input((None, None, NOISES)) if noise else None
    x, skips = picture, []

    def with_noise(x, level):
        step = 2 ** level  # every step-th value of white noise is white noise
        return NoisePlane(dtype="float32")([x, planes[:, ::step, ::step, level:level + 1]]) if noise else x

    for level in range(DEPTH + 1):
        x = _convolution(_convolution(x, base * 2 ** level, normalised), base * 2 ** level, normalised)
        if level < DEPTH:
            skips.append(x)
            x = layers.AveragePooling2D(dtype="float32")(x)
    if noise:
        x = _convolution(with_noise(x, DEPTH), base * 2 ** DEPTH, normalised)
    for level in reversed(range(DEPTH)):
        x = layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)
        x = _convolution(layers.Concatenate(dtype="float32")([x, skips[level]]), base * 2 ** level, normalised)
        x = _convolution(with_noise(x, level), base * 2 ** level, normalised)
    x = layers.Conv2D(outputs, 1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02))(x)
    x = layers.Activation(activation or "linear", dtype="float32")(x)
    return keras.Model([picture, planes] if noise else picture, x, name=name)


def discriminator(channels: int, base: int) -> keras.Model:
    """PatchGAN: (B, H, W, channels) -> logits (B, H / 8, W / 8, 1) float32, high for real."""
    picture = x = keras.Input((None, None, channels))
    for level in range(3):
        x = layers.Conv2D(base * 2 ** level, 4, 2, "same", kernel_initializer="he_normal")(x)
        x = layers.LeakyReLU(SLOPE, dtype="float32")(x)
    x = layers.Conv2D(1, 3, padding="same")(_convolution(x, base * 8, normalised=False))
    return keras.Model(picture, layers.Activation("linear", dtype="float32")(x), name="discriminator")

"""The DCGAN's two networks (paper, Section 6; filter counts and kernels from the authors' code)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

from data.addons import spectral_normalization

Z_DIM = 100  # authors' code
KERNEL = 5   # authors' code
SLOPE = 0.2  # of the leaky ReLU, authors' code
# Batch norm and leaky ReLU stay in float32: TensorFlow 2.14 is slow at them in bfloat16 (training/README.md).


def _initializer():
    return keras.initializers.RandomNormal(stddev=0.02)  # DCGAN (Radford et al., 2015), Section 4


def _batch_norm(x):
    """Batch norm with the authors' momentum, over the whole batch even if several devices share it."""
    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=several, dtype="float32")(x)


def generator(size: int, base: int = 64, channels: int = 1) -> keras.Model:
    """Draws a picture from noise z.

    Input: z (B, 100) float in [-1, 1]. Output: (B, size, size, channels) float32 in [-1, 1].
    A dense layer gives (size / 16, size / 16, 8 * base), so `size` is a multiple of 16. Four 5 x 5 transposed
    convolutions then double height and width.
    """
    start = size // 16
    z = keras.Input((Z_DIM,), name="z")
    x = layers.Dense(start * start * 8 * base, use_bias=False, kernel_initializer=_initializer())(z)
    x = layers.Reshape((start, start, 8 * base))(x)
    x = layers.ReLU()(_batch_norm(x))
    for filters in (4 * base, 2 * base, base):
        x = layers.Conv2DTranspose(filters, KERNEL, 2, "same", use_bias=False, kernel_initializer=_initializer())(x)
        x = layers.ReLU()(_batch_norm(x))
    x = layers.Conv2DTranspose(channels, KERNEL, 2, "same", kernel_initializer=_initializer())(x)
    return keras.Model(z, layers.Activation("tanh", dtype="float32")(x), name="generator")


def discriminator(size: int, base: int = 64, channels: int = 1, norm: str = "batch") -> keras.Model:
    """Tells real from generated pictures.

    Input: (B, size, size, channels) float in [-1, 1]. Output: (B, 1) float32, one logit per picture, high for real.
    `norm` is "batch" as in the authors' code (not after the first convolution), "spectral" (Miyato et al., 2018) or
    "none". The gradient penalty does not work with "batch", which mixes the pictures of a batch. Raises UserError if
    "spectral" is asked for and TensorFlow Addons is not installed.
    """
    wrap = spectral_normalization if norm == "spectral" else (lambda layer: layer)
    picture = keras.Input((size, size, channels), name="picture")
    x = picture
    for k, filters in enumerate((base, 2 * base, 4 * base, 8 * base)):
        x = wrap(layers.Conv2D(filters, KERNEL, 2, "same", kernel_initializer=_initializer()))(x)
        if norm == "batch" and k > 0:
            x = _batch_norm(x)
        x = layers.LeakyReLU(SLOPE, dtype="float32")(x)
    x = wrap(layers.Dense(1, kernel_initializer=_initializer()))(layers.Flatten()(x))
    return keras.Model(picture, layers.Activation("linear", dtype="float32")(x), name="discriminator")

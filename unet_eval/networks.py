"""The U-Net (paper, Section 8; sizes from the authors' later code)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

from unet_eval.config import UnetConfig

SLOPE = 0.2  # of the leaky ReLU, authors' code
# Batch norm and leaky ReLU are float32: in bfloat16 TensorFlow 2.14 has slow kernels for them (training/README.md).


class BatchNormalization(layers.BatchNormalization):
    """Batch norm that outside training can use the means and variances of what it is given, too.

    own: their weight (`trust_pictures`); the rest is that of the moving averages.
    """

    own = 0.0

    def call(self, inputs, training=None):
        if training or not self.own:
            return super().call(inputs, training=training)
        mean, variance = tf.nn.moments(inputs, [0, 1, 2])
        mean = self.own * mean + (1 - self.own) * self.moving_mean
        variance = self.own * variance + (1 - self.own) * self.moving_variance
        return tf.nn.batch_normalization(inputs, mean, variance, self.beta, self.gamma, self.epsilon)


def trust_pictures(model: keras.Model, photographs: int) -> None:
    """Outside training, `model` also normalises a picture by its own means and variances, with a weight of
    1 / (1 + photographs^2) where it was trained on so many.

    Means and variances of one photograph are not those of others, and a U-Net that knows no more finds too little
    there (Schneider et al., Improving robustness against common corruptions by covariate shift adaptation, NeurIPS
    2020, mix both in this way). With many photographs a picture's own make it find a little too much. The weight is
    ours, from trials with 1, 5 and 14 photographs (docs/trials.md).
    """
    for layer in model.layers:
        if isinstance(layer, BatchNormalization):
            layer.own = 1 / (1 + photographs ** 2)


def _double_convolution(x, filters):
    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        x = BatchNormalization(momentum=0.9, synchronized=several, dtype="float32")(x)
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

"""The pix2pix networks (paper, Section 7; sizes from the authors' code, after Isola et al., 2016)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

from data.addons import instance_normalization

KERNEL = 4             # authors' code
SLOPE = 0.2            # of the leaky ReLU, in the decoder too, authors' code
# Batch norm and leaky ReLU stay in float32: TensorFlow 2.14 is slow at them in bfloat16 (training/README.md).
DEEPEST = 8            # stride-2 convolutions of the generator at most, authors' code
COARSE = 16            # pixels; no instance norm up to this width, for it removes the mean, which matters there
DROPOUT_BLOCKS = 3     # decoder blocks with dropout, authors' code


def _initializer():
    return keras.initializers.RandomNormal(stddev=0.02)  # pix2pix, Section 6.2


def _normalized(x, norm):
    if norm == "batch":
        several = tf.distribute.get_strategy().num_replicas_in_sync > 1
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=several, dtype="float32")(x)
    if norm == "instance" and x.shape[1] > COARSE:
        return instance_normalization(x)
    return x


class Repeated(layers.Layer):
    """Each pixel four times, (B, h, w, C) -> (B, 2h, 2w, C), as by Keras's UpSampling2D, with the same gradient.

    TensorFlow has none for that layer on GPUs where it has to repeat every operation (`training.devices.set_seed`).
    """

    def call(self, x):
        return tf.nn.depth_to_space(tf.concat([x] * 4, axis=-1), 2)


def _doubled(x, filters, upsampling):
    """(B, h, w, C) -> (B, 2h, 2w, filters)."""
    if upsampling == "transposed":
        return layers.Conv2DTranspose(filters, KERNEL, 2, "same", kernel_initializer=_initializer())(x)
    x = Repeated()(x)
    return layers.Conv2D(filters, 3, padding="same", kernel_initializer=_initializer())(x)


class SeededDropout(layers.Layer):
    """Dropout with a random key per example, so that a resumed training drops the same values.

    Call it with x (B, H, W, C) and keys (B, 2) int64 (see data.randomness). Layer `number` of a network, counted from
    0, uses the stream that is `number` after that of the keys. It is off at inference.
    """

    def __init__(self, rate: float, number: int, **options):
        super().__init__(**options)
        self.rate, self.number = rate, number

    def call(self, x, keys, training=False):
        if not training:
            return x
        def draw(key):
            return tf.random.stateless_uniform(x.shape[1:], key + [self.number, 0])
        chance = tf.map_fn(draw, keys, fn_output_signature=tf.float32)
        return tf.where(chance < self.rate, tf.zeros_like(x), x / (1 - self.rate))


def generator(size: int, base: int = 64, inputs: int = 2, norm: str = "batch", dropout: float = 0.5,
              upsampling: str = "transposed") -> keras.Model:
    """A U-Net that draws a photograph.

    Inputs: (B, size, size, inputs) float, the mask and more, and (B, 2) int64, the keys of `SeededDropout`. Output:
    (B, size, size, 3) float32 in [-1, 1].

    4 x 4 convolutions halve `size` as often as it can be halved, at most DEEPEST times. They have base, 2 base, 4 base,
    8 base, 8 base ... filters. Skip connections join encoder and decoder at every level. `upsampling` is "transposed",
    transposed convolutions as in the authors' code, or "resize": in the two finest levels pixels are repeated and a
    3 x 3 convolution follows, which avoids checkerboard patterns (Odena et al., 2016). Raises UserError if
    norm="instance" and TensorFlow Addons is not installed.
    """
    depth = next(k for k in range(DEEPEST, 0, -1) if size % 2 ** k == 0)
    widths = [base * min(8, 2 ** k) for k in range(depth)]
    known, keys = keras.Input((size, size, inputs), name="known"), keras.Input((2,), dtype=tf.int64, name="keys")
    x, skips = known, []
    for k, width in enumerate(widths):
        x = layers.Conv2D(width, KERNEL, 2, "same", kernel_initializer=_initializer())(x)
        if k > 0:
            x = _normalized(x, norm)
        x = layers.LeakyReLU(SLOPE, dtype="float32")(x)
        skips.append(x)
    for k, (width, skip) in enumerate(zip(widths[-2::-1], skips[-2::-1])):
        x = _normalized(_doubled(x, width, upsampling if k == depth - 2 else "transposed"), norm)
        if dropout and k < DROPOUT_BLOCKS:
            x = SeededDropout(dropout, k)(x, keys)
        x = layers.LeakyReLU(SLOPE, dtype="float32")(layers.Concatenate()([x, skip]))
    x = _doubled(x, 3, upsampling)
    return keras.Model([known, keys], layers.Activation("tanh", dtype="float32")(x), name="generator")


def discriminator(size: int, base: int = 64, inputs: int = 2, norm: str = "none") -> keras.Model:
    """A PatchGAN: tells real from rendered photographs, one logit per patch of 70 x 70 pixels, high for real.

    Inputs: (B, size, size, inputs), the mask and perhaps the field of view, and (B, size, size, 3), the photograph,
    both in [-1, 1]. Output: (B, p, p, 1) float32 with p = size / 8 - 2. The authors' code has labels for p = 30, which
    fits 256 pixels only. Raises UserError as `generator` does.
    """
    known, photograph = keras.Input((size, size, inputs)), keras.Input((size, size, 3))
    x = layers.Concatenate()([known, photograph])
    for k, (width, stride) in enumerate(((base, 2), (2 * base, 2), (4 * base, 2), (8 * base, 1))):
        if stride == 1:
            x = layers.ZeroPadding2D()(x)
        x = layers.Conv2D(width, KERNEL, stride, "same" if stride == 2 else "valid",
                          kernel_initializer=_initializer())(x)
        x = layers.LeakyReLU(SLOPE, dtype="float32")(_normalized(x, norm) if k else x)
    x = layers.Conv2D(1, KERNEL, kernel_initializer=_initializer())(layers.ZeroPadding2D()(x))
    return keras.Model([known, photograph], layers.Activation("linear", dtype="float32")(x), name="discriminator")

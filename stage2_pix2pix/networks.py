"""The pix2pix networks (paper, Section 7; sizes from the authors' code, after Isola et al., 2016)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

from data.addons import instance_normalization

KERNEL = 4             # authors' code
SLOPE = 0.2            # of the leaky ReLU, in the decoder too, authors' code
# Batch norm and leaky ReLU are float32: in bfloat16 TensorFlow 2.14 has slow kernels for them (training/README.md).
DEEPEST = 8            # stride-2 convolutions of the generator at most, authors' code
COARSE = 16            # pixels; the mean of an instance of fewer is much of what it says, so it is left in
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


def _doubled(x, filters, upsampling):
    """(B, h, w, C) -> (B, 2h, 2w, filters)."""
    if upsampling == "transposed":
        return layers.Conv2DTranspose(filters, KERNEL, 2, "same", kernel_initializer=_initializer())(x)
    x = layers.UpSampling2D(interpolation="nearest")(x)
    return layers.Conv2D(filters, 3, padding="same", kernel_initializer=_initializer())(x)


class SeededDropout(layers.Layer):
    """Dropout whose pattern follows from each example's seed, so that it is the same when a training is resumed.

    Call with (x (B, H, W, C), seeds (B, 2) int32); `number` keeps the layers of one network apart. Off at inference.
    """

    def __init__(self, rate: float, number: int, **options):
        super().__init__(**options)
        self.rate, self.number = rate, number

    def call(self, x, seeds, training=False):
        if not training:
            return x
        def draw(seed):
            return tf.random.stateless_uniform(x.shape[1:], seed + [0, self.number])
        chance = tf.map_fn(draw, seeds, fn_output_signature=tf.float32)
        return tf.where(chance < self.rate, tf.zeros_like(x), x / (1 - self.rate))


def generator(size: int, base: int = 64, inputs: int = 2, norm: str = "batch", dropout: float = 0.5,
              upsampling: str = "transposed") -> keras.Model:
    """What is known of the picture, and seeds -> photograph.

    Inputs: (B, size, size, inputs) float in [-1, 1] and (B, 2) int32, the seeds of dropout. Output:
    (B, size, size, 3) float32 in [-1, 1]. `size` is halved by 4 x 4 convolutions as often as it is even, at most eight
    times; widths base, 2 base, 4 base, 8 base, 8 base ...; every level is skipped across. `upsampling`: "transposed"
    as the authors have it, or "resize" in the two finest levels: repeated pixels and a 3 x 3 convolution, which leave
    no checkerboard (Odena et al., 2016).
    """
    depth = next(k for k in range(DEEPEST, 0, -1) if size % 2 ** k == 0)
    widths = [base * min(8, 2 ** k) for k in range(depth)]
    known, seeds = keras.Input((size, size, inputs), name="known"), keras.Input((2,), dtype=tf.int32, name="seeds")
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
            x = SeededDropout(dropout, k)(x, seeds)
        x = layers.LeakyReLU(SLOPE, dtype="float32")(layers.Concatenate()([x, skip]))
    x = _doubled(x, 3, upsampling)
    return keras.Model([known, seeds], layers.Activation("tanh", dtype="float32")(x), name="generator")


def discriminator(size: int, base: int = 64, inputs: int = 2, norm: str = "none") -> keras.Model:
    """PatchGAN: (known, photograph) -> one logit a patch of 70 x 70 pixels, high for real.

    Inputs (B, size, size, inputs) and (B, size, size, 3), both in [-1, 1]; output (B, p, p, 1) float32 with
    p = size / 8 - 2. The authors' code fixes p = 30, which is right for 256 pixels only; here it follows the size.
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

"""The DCGAN's training step (paper, Section 6)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from training.gan import GAN
from training.losses import cross_entropy, discriminator_loss


def shift_and_flip(pictures: tf.Tensor, chance: tf.Tensor, reach: float) -> tf.Tensor:
    """Shifts every picture by up to `reach` (share of its size) and flips half of the pictures along each axis.

    Args:
      pictures: (B, S, S, C) in [-1, 1].
      chance: (B, 4) uniform in [0, 1), random numbers for two shifts and two flips.
    Returns:
      (B, S, S, C). New pixels at the borders are -1: background of a mask, black around a photograph.

    It is differentiable, so that real and generated pictures can be augmented before the discriminator (Zhao et al.,
    "Differentiable Augmentation", 2020).
    """
    size = pictures.shape[1]
    pad = int(size * reach)
    pictures = tf.pad(pictures, [[0, 0], [pad, pad], [pad, pad], [0, 0]], constant_values=-1)
    steps = tf.range(size)[None]
    for axis in (1, 2):
        offset = tf.cast(chance[:, axis - 1:axis] * (2 * pad + 1), tf.int32)
        flip = chance[:, axis + 1:axis + 2] < 0.5
        pictures = tf.gather(pictures, offset + tf.where(flip, size - 1 - steps, steps), axis=axis, batch_dims=1)
    return pictures


class DCGAN(GAN):
    """Trains a generator G and a discriminator D in turn. x is a real picture, G(z) a generated one.

    The losses are those of the authors' code. D minimises the cross-entropy with the labels 1 for real and 0 for
    generated pictures. G minimises the cross-entropy of D(G(z)) with the label 1, and is updated `generator_steps`
    times for each update of D. The paper prints l_D = mean[log D(G(z)) + log(1 - D(x))] and l_G = mean[log(1 - D(x))].
    This is a slip: l_G as printed does not depend on G.

    Two options, which the paper does not have, help with small training sets. `reach` > 0 shows D all pictures through
    `shift_and_flip`. `penalty` > 0 adds penalty / 2 * |grad D(x)|^2 on real pictures to the loss of D (R1; Mescheder et
    al., 2018). To save time it is added in every `PENALTY_EVERY`-th step only, with `PENALTY_EVERY` times the weight.

    A batch is a dict of "pictures" (B, S, S, C) in [-1, 1], "z" (B, 100) in [-1, 1] and "chance" (B, 2, 4) in [0, 1).
    All random numbers are part of the batch. So the result does not depend on how often a training is resumed, nor on
    the number of devices.
    """

    def __init__(self, generator: keras.Model, discriminator: keras.Model, generator_steps: int = 2,
                 reach: float = 0.0, penalty: float = 0.0):
        super().__init__(generator, discriminator)
        self.generator_steps, self.reach, self.penalty = generator_steps, reach, penalty

    def call(self, z, training=False):
        return self.generator(z, training=training)

    def _augmented(self, pictures, chance):
        return shift_and_flip(pictures, chance, self.reach) if self.reach else pictures

    def _judge(self, pictures):
        return self.discriminator(pictures, training=True)

    def _train_discriminator(self, real, fake):
        with tf.GradientTape() as tape:
            logits = self._judge(real), self._judge(fake)
            loss = discriminator_loss(*logits)
        self.update_discriminator(tape, loss, self._judge, real, self.penalty)
        return loss, logits

    def train_step(self, batch):
        z, chance = batch["z"], batch["chance"]
        real = self._augmented(batch["pictures"], chance[:, 0])
        for number in range(self.generator_steps):
            with tf.GradientTape() as tape:
                fake = self._augmented(self.generator(z, training=True), chance[:, 1])
                if number == 0:
                    with tape.stop_recording():
                        d_loss, logits = self._train_discriminator(real, fake)
                g_loss = cross_entropy(self._judge(fake), 1.0)
            self.update_generator(tape, g_loss)

        return self.shown({"d_loss": d_loss, "g_loss": g_loss}, *logits)

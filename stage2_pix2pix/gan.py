"""The pix2pix training step (paper, Section 7)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from training.gan import GAN
from training.losses import cross_entropy, discriminator_loss, mean_over_batch, mean_per_example
from training.precision import gradients

WIDEST = 4.0  # standard deviations that the output 1 stands for; an optic disc is about three above the mean


class Pix2Pix(GAN):
    """Trains a generator G and a PatchGAN discriminator D, each with one update per step.

    D minimises the mean of two cross-entropies: with the label 1 for real pairs and 0 for rendered pairs. G minimises
    the cross-entropy of D's output for its rendering with the label 1, plus `l1_weight` times the mean absolute error.
    The weight is 1 in the authors' code and 100 in pix2pix (Isola et al., 2016).

    A batch is a dict:
    - "known" (B, S, S, K) in [-1, 1]: the mask and perhaps the field of view, for both networks;
    - "photograph" (B, S, S, 3) in [-1, 1]: the real photograph;
    - "inside" (B, S, S, 1): 1 in the field of view, 0 outside, where renderings are made black;
    - "noise" (B, S, S, N): Gaussian, for G only; N may be 0;
    - "keys" (B, 2) int64: keys of the random numbers for dropout;
    - "codes" (B, 6), optional: see `colour`.
    All random numbers follow from the batch, as in Stage-I.
    """

    def __init__(self, generator: keras.Model, discriminator: keras.Model, l1_weight: float):
        super().__init__(generator, discriminator, ("l1",))
        self.l1_weight = l1_weight

    def _train_discriminator(self, known, real, fake):
        with tf.GradientTape() as tape:
            real_logits = self.discriminator([known, real], training=True)
            fake_logits = self.discriminator([known, fake], training=True)
            loss = discriminator_loss(real_logits, fake_logits) / 2
        weights = self.discriminator.trainable_variables
        self.d_optimizer.apply_gradients(zip(gradients(tape, loss, weights, self.d_optimizer), weights))
        return loss, real_logits, fake_logits

    def train_step(self, batch):
        known, real, inside = batch["known"], batch["photograph"], batch["inside"]
        with tf.GradientTape() as tape:
            fake = self.generator([tf.concat([known, batch["noise"]], -1), batch["keys"]], training=True)
            fake = black_outside(colour(fake, batch["codes"]) if "codes" in batch else fake, inside)
            with tape.stop_recording():
                d_loss, real_logits, fake_logits = self._train_discriminator(known, real, fake)
            l1 = mean_over_batch(mean_per_example(tf.abs(real - fake)))
            g_loss = cross_entropy(self.discriminator([known, fake], training=True), 1.0) + self.l1_weight * l1
        self.update_generator(tape, g_loss)

        return self.shown({"d_loss": d_loss, "g_loss": g_loss, "l1": l1}, real_logits, fake_logits)


def colour(drawn: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """Gives the standardised pictures `drawn` (B, S, S, 3) in [-1, 1] the colours that `codes` describe.

    `codes` (B, 6) holds the means of R, G, B and their standard deviations, for pictures in [-1, 1]
    (`inputs.colour_code`). The value 1 in `drawn` stands for WIDEST standard deviations above the mean. The result is
    clipped to [-1, 1].
    """
    means, spreads = codes[:, None, None, :3], codes[:, None, None, 3:]
    return tf.clip_by_value(means + WIDEST * drawn * spreads, -1.0, 1.0)


def black_outside(photographs: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """The photographs (B, S, S, 3) in [-1, 1], set to -1 where `inside` (B, S, S, 1) is 0."""
    return (photographs + 1) * inside - 1

"""The pix2pix training step (paper, Section 7)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from training.losses import cross_entropy, mean_over_batch, mean_per_example

WIDEST = 4.0  # standard deviations; an optic disc lies about three above the mean


class Pix2Pix(keras.Model):
    """Generator and PatchGAN, each updated once a step.

    D minimises half the cross-entropies of real pairs against 1 and of rendered ones against 0; G minimises the
    cross-entropy of D's answer against 1 plus `l1_weight` times the mean absolute difference to the photograph. The
    authors weigh both alike; pix2pix itself (Isola et al., 2016) takes 100.

    A batch is a dict of "known" (B, S, S, K) and "photograph" (B, S, S, 3), both in [-1, 1], "inside" (B, S, S, 1), 1
    in the field of view and 0 outside, where both photographs are black; "codes" (B, 6) for `colour`, or none;
    "noise" (B, S, S, N), which D does not see; and "seeds" (B, 2) int32 of dropout: all randomness comes with the
    examples.
    """

    def __init__(self, generator: keras.Model, discriminator: keras.Model, l1_weight: float):
        super().__init__()
        self.generator, self.discriminator, self.l1_weight = generator, discriminator, l1_weight
        self.means = {name: keras.metrics.Mean(name) for name in ("d_loss", "g_loss", "l1", "D(x)", "D(G(z))")}

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

    @property
    def metrics(self):
        return list(self.means.values())

    def _train_discriminator(self, known, real, fake):
        with tf.GradientTape() as tape:
            on_real = self.discriminator([known, real], training=True)
            on_fake = self.discriminator([known, fake], training=True)
            loss = (cross_entropy(on_real, 1.0) + cross_entropy(on_fake, 0.0)) / 2
        weights = self.discriminator.trainable_variables
        self.d_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss, on_real, on_fake

    def train_step(self, batch):
        known, real, inside = batch["known"], batch["photograph"], batch["inside"]
        with tf.GradientTape() as tape:
            fake = self.generator([tf.concat([known, batch["noise"]], -1), batch["seeds"]], training=True)
            fake = black_outside(colour(fake, batch["codes"]) if "codes" in batch else fake, inside)
            with tape.stop_recording():
                d_loss, on_real, on_fake = self._train_discriminator(known, real, fake)
            l1 = mean_over_batch(mean_per_example(tf.abs(real - fake)))
            g_loss = cross_entropy(self.discriminator([known, fake], training=True), 1.0) + self.l1_weight * l1
        weights = self.generator.trainable_variables
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights))

        replicas = tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, tf.float32)
        for name, value in {"d_loss": d_loss * replicas, "g_loss": g_loss * replicas, "l1": l1 * replicas,
                            "D(x)": tf.sigmoid(on_real), "D(G(z))": tf.sigmoid(on_fake)}.items():
            self.means[name].update_state(value)
        return {name: mean.result() for name, mean in self.means.items()}


def colour(drawn: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """Gives standardised pictures (B, S, S, 3) in [-1, 1] the means and spreads of `codes` (B, 6).

    Codes are in units of the result, cut to [-1, 1]; 1 in what is drawn stands for WIDEST deviations.
    """
    means, spreads = codes[:, None, None, :3], codes[:, None, None, 3:]
    return tf.clip_by_value(means + WIDEST * drawn * spreads, -1.0, 1.0)


def black_outside(photographs: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """(B, S, S, 3) in [-1, 1], set to -1 where `inside` (B, S, S, 1) is 0."""
    return (photographs + 1) * inside - 1

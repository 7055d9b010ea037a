"""The training step of the fine network."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from training.gan import GAN
from training.losses import cross_entropy, mean_over_batch, mean_per_example

LOW_PASS = 10.0   # weight of the difference of low-passed pictures
VESSELS = 3.0     # weight of the difference near vessels
TEXTURE = 6.0     # amplification of what a picture has beside its local mean
NEAR = 5          # pixels; the surroundings of a vessel
PENALTY = 0.5     # weight of the gradient penalty R1


def draw(generator: keras.Model, known: tf.Tensor, noise: tf.Tensor, training: bool) -> tf.Tensor:
    """A photograph, float32 (B, H, W, 3) in [-1, 1], black outside the field of view.

    known: (B, H, W, 5) in [-1, 1]: mask, field of view, and the coarse picture, to which the generator adds what it
    lacks. noise: Gaussian (B, H, W, networks.DEPTH).
    """
    picture = tf.clip_by_value(known[..., 2:5] + generator([known, noise], training=training), -1.0, 1.0)
    return (picture + 1) * (known[..., 1:2] + 1) / 2 - 1


class FineGAN(GAN):
    """Trains the fine generator G on crops, with a discriminator D.

    G minimises: the cross-entropy of D's answer with the label 1; the difference of low-passed pictures, because the
    texture of a rendering is its own; the difference near vessels; and `agreement` times the difference between the
    answers of a frozen segmenter on rendering and photograph, so that the vessels of the mask can be seen, as clearly
    as in the photograph. D also sees each picture less its local mean, amplified: texture has an amplitude of 0.03,
    and D would not notice it.

    A batch is a dict of "known" (B, C, C, 5) and "photograph" (B, C, C, 3), both in [-1, 1], and "noise" (B, C, C,
    networks.DEPTH).
    """

    def __init__(self, generator: keras.Model, discriminator: keras.Model, segmenter: keras.Model, agreement: float):
        super().__init__(generator, discriminator, ("low_pass", "vessels", "agreement"))
        self.agreement, self.segmenter = agreement, segmenter
        self.segmenter.trainable = False

    def _judge(self, known, picture):
        texture = TEXTURE * (picture - tf.nn.avg_pool2d(picture, 15, 1, "SAME"))
        return self.discriminator(tf.concat([known, picture, texture], -1), training=True)

    def _segment(self, picture):
        return self.segmenter((picture[..., 1:2] + 1) / 2, training=False)

    def train_step(self, batch):
        known, real, noise = batch["known"], batch["photograph"], batch["noise"]
        near = tf.nn.max_pool2d((known[..., :1] + 1) / 2, NEAR, 1, "SAME")
        answer = self._segment(real)
        with tf.GradientTape() as tape:
            fake = draw(self.generator, known, noise, training=True)
            difference = real - fake
            losses = {"low_pass": _low_pass(difference),
                      "vessels": tf.nn.avg_pool2d(difference, 3, 1, "SAME") * near,
                      "agreement": answer - self._segment(fake)}
            losses = {name: mean_over_batch(mean_per_example(tf.abs(value))) for name, value in losses.items()}
            g_loss = (cross_entropy(self._judge(known, fake), 1.0) + LOW_PASS * losses["low_pass"]
                      + VESSELS * losses["vessels"] + self.agreement * losses["agreement"])
        weights = self.generator.trainable_variables
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights))

        with tf.GradientTape() as tape:
            real_logits, fake_logits = self._judge(known, real), self._judge(known, tf.stop_gradient(fake))
            d_loss = cross_entropy(real_logits, 1.0) + cross_entropy(fake_logits, 0.0)
        weights = self.discriminator.trainable_variables
        penalty = self.penalty_gradients(
            lambda picture: tf.reduce_sum(mean_per_example(self._judge(known, picture))), real, PENALTY)
        gradients = [a + b for a, b in zip(tape.gradient(d_loss, weights), penalty)]
        self.d_optimizer.apply_gradients(zip(gradients, weights))

        return self.shown({"d_loss": d_loss, "g_loss": g_loss, **losses}, real_logits, fake_logits)


def _low_pass(picture: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(tf.nn.avg_pool2d(picture, 8, 4, "SAME"), 3, 1, "SAME")

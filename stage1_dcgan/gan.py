"""The DCGAN's training step (paper, Section 6)."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from training.losses import cross_entropy, mean_over_batch


def shift_and_flip(pictures: tf.Tensor, chance: tf.Tensor, reach: float) -> tf.Tensor:
    """Moves every picture by up to `reach` of its size and flips half of them along each axis.

    Differentiable, so that D can be shown real and generated pictures through the same random view
    (Zhao et al., "Differentiable Augmentation", 2020). `pictures` (B, S, S, C) in [-1, 1]; `chance` (B, 4) uniform in
    [0, 1): two shifts, two flips. What comes in from outside is -1: background of a mask, black around a photograph.
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


class DCGAN(keras.Model):
    """Generator and discriminator, trained in turn.

    The paper prints l_D = mean[log D(G(z)) + log(1 - D(x))] and l_G = mean[log(1 - D(x))]; as printed, l_G does not
    depend on G. This follows the authors' code: D is trained towards 1 on real and 0 on generated pictures, G towards
    D(G(z)) = 1, and G is updated `generator_steps` times for every update of D.

    Options that help small sets, all off in the paper: `reach` > 0 shows D everything through `shift_and_flip`;
    `penalty` > 0 adds penalty / 2 * |grad D(x)|^2 on real pictures (R1; Mescheder et al., 2018), on every
    `PENALTY_EVERY`-th step with that many times the weight.

    A batch is a dict of "pictures" (B, S, S, C) in [-1, 1], "z" (B, 100) in [-1, 1] and "chance" (B, 2, 4) in [0, 1):
    all randomness comes with the examples, so that a run is the same however often it is resumed and on however
    many devices.
    """

    PENALTY_EVERY = 8

    def __init__(self, generator: keras.Model, discriminator: keras.Model, generator_steps: int = 2,
                 reach: float = 0.0, penalty: float = 0.0):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.generator_steps, self.reach, self.penalty = generator_steps, reach, penalty
        self.means = {name: keras.metrics.Mean(name) for name in ("d_loss", "g_loss", "D(x)", "D(G(z))")}

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

    @property
    def metrics(self):
        return list(self.means.values())

    def call(self, z, training=False):
        return self.generator(z, training=training)

    def _view(self, pictures, chance):
        return shift_and_flip(pictures, chance, self.reach) if self.reach else pictures

    def _penalty_gradients(self, real):
        """Gradients of the R1 penalty with respect to D's weights; zeros on the steps between."""
        weights = self.discriminator.trainable_variables

        def compute():
            with tf.GradientTape() as outer:
                with tf.GradientTape() as inner:
                    inner.watch(real)
                    score = tf.reduce_sum(self.discriminator(real, training=True))
                slope = tf.reduce_sum(tf.square(inner.gradient(score, real)), axis=[1, 2, 3])
                loss = self.PENALTY_EVERY * self.penalty / 2 * mean_over_batch(slope)
            return outer.gradient(loss, weights, unconnected_gradients="zero")

        now = self.d_optimizer.iterations % self.PENALTY_EVERY == 0
        return tf.cond(now, compute, lambda: [tf.zeros_like(weight) for weight in weights])

    def train_step(self, batch):
        z, chance = batch["z"], batch["chance"]
        real = self._view(batch["pictures"], chance[:, 0])
        fake = self._view(self.generator(z, training=True), chance[:, 1])
        with tf.GradientTape() as tape:
            on_real, on_fake = (self.discriminator(view, training=True) for view in (real, fake))
            d_loss = cross_entropy(on_real, 1.0) + cross_entropy(on_fake, 0.0)
        gradients = tape.gradient(d_loss, self.discriminator.trainable_variables)
        if self.penalty:
            gradients = [a + b for a, b in zip(gradients, self._penalty_gradients(real))]
        self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_variables))

        for _ in range(self.generator_steps):
            with tf.GradientTape() as tape:
                fake = self._view(self.generator(z, training=True), chance[:, 1])
                g_loss = cross_entropy(self.discriminator(fake, training=True), 1.0)
            gradients = tape.gradient(g_loss, self.generator.trainable_variables)
            self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_variables))

        replicas = tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, tf.float32)
        for name, value in {"d_loss": d_loss * replicas, "g_loss": g_loss * replicas,
                            "D(x)": tf.sigmoid(on_real), "D(G(z))": tf.sigmoid(on_fake)}.items():
            self.means[name].update_state(value)
        return {name: mean.result() for name, mean in self.means.items()}

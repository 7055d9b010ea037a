"""What the GANs of both stages have in common."""
from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
from tensorflow import keras

from training.losses import mean_over_batch, mean_per_example
from training.precision import gradients, loss_scaled

SLOPE_SCALE = 1024.0


class GAN(keras.Model):
    """A generator and a discriminator D with an optimizer each. A subclass has the `train_step`."""

    PENALTY_EVERY = 8  # steps from one gradient penalty to the next

    def __init__(self, generator: keras.Model, discriminator: keras.Model, losses: tuple[str, ...] = ()):
        """losses: names of what `shown` is given beside d_loss and g_loss."""
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.means = {name: keras.metrics.Mean(name) for name in ("d_loss", "g_loss", *losses, "D(x)", "D(G(z))")}

    def compile(self, d_optimizer: keras.optimizers.Optimizer, g_optimizer: keras.optimizers.Optimizer):
        """Makes all variables of the optimizers too, or a checkpoint would not restore them."""
        super().compile()
        self.d_optimizer, self.g_optimizer = loss_scaled(d_optimizer), loss_scaled(g_optimizer)
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.g_optimizer.build(self.generator.trainable_variables)

    @property
    def parts(self) -> dict:
        """What a checkpoint holds."""
        return {"generator": self.generator, "discriminator": self.discriminator,
                "g_optimizer": self.g_optimizer, "d_optimizer": self.d_optimizer}

    @property
    def metrics(self):
        return list(self.means.values())

    def shown(self, losses: dict[str, tf.Tensor], real_logits: tf.Tensor, fake_logits: tf.Tensor) -> dict:
        """What the progress bar and TensorBoard show: means of the losses, each of this device's share of the batch
        (training/losses.py), and of what D says of real and of generated pictures."""
        replicas = tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, tf.float32)
        for name, loss in losses.items():
            self.means[name].update_state(loss * replicas)
        for name, logits in (("D(x)", real_logits), ("D(G(z))", fake_logits)):
            self.means[name].update_state(tf.sigmoid(logits))
        return {name: mean.result() for name, mean in self.means.items()}

    def update_generator(self, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """One update of G by the gradients of the `loss` that `tape` has recorded."""
        weights = self.generator.trainable_variables
        self.g_optimizer.apply_gradients(zip(gradients(tape, loss, weights, self.g_optimizer), weights))

    def update_discriminator(self, tape: tf.GradientTape, loss: tf.Tensor, judge: Callable[[tf.Tensor], tf.Tensor],
                             real: tf.Tensor, penalty: float) -> None:
        """One update of D by the gradients of the `loss` that `tape` has recorded and, unless `penalty` is 0, those of
        `penalty_gradients`. `judge` gives D's logits (B, ...) for pictures such as `real` (B, H, W, C)."""
        weights = self.discriminator.trainable_variables
        changes = gradients(tape, loss, weights, self.d_optimizer)
        if penalty:
            slopes = self.penalty_gradients(lambda x: tf.reduce_sum(mean_per_example(judge(x))), real, penalty)
            changes = [a + b for a, b in zip(changes, slopes)]
        self.d_optimizer.apply_gradients(zip(changes, weights))

    def penalty_gradients(self, score: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, weight: float) \
            -> list[tf.Tensor]:
        """Gradients of weight / 2 * |d score / d real|^2 with respect to the weights of D (R1; Mescheder et al., 2018).

        To save time the penalty is computed in every PENALTY_EVERY-th step only, with PENALTY_EVERY times the weight;
        the gradients are 0 in the other steps.

        Args:
          score: real pictures -> the sum over the batch of what D says of them.
          real: (B, H, W, C).
        """
        weights = self.discriminator.trainable_variables

        def compute():
            with tf.GradientTape() as outer:
                with tf.GradientTape() as inner:
                    inner.watch(real)
                    total = score(real)
                # A power of two changes no float32; in float16 so small a slope would be 0.
                slopes = inner.gradient(total, real, output_gradients=tf.constant(SLOPE_SCALE)) / SLOPE_SCALE
                slope = tf.reduce_sum(tf.square(slopes), axis=[1, 2, 3])
                loss = self.PENALTY_EVERY * weight / 2 * mean_over_batch(slope)
            return gradients(outer, loss, weights, self.d_optimizer, unconnected_gradients="zero")

        has_penalty = self.d_optimizer.iterations % self.PENALTY_EVERY == 0
        return tf.cond(has_penalty, compute, lambda: [tf.zeros_like(weight) for weight in weights])

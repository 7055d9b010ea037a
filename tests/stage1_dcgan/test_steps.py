"""G(z) is drawn once for D's update and G's first; results are those of drawing it for each."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.bench.networks import dcgan
from training import devices
from training.losses import cross_entropy, discriminator_loss

pytestmark = pytest.mark.training
STEPS = 20


def apart(gan, batch):
    """The losses of one step in which each update draws G(z) anew."""
    def judge(pictures):
        return gan.discriminator(pictures, training=True)

    with tf.GradientTape() as tape:
        d_loss = discriminator_loss(judge(batch["pictures"]), judge(gan.generator(batch["z"], training=True)))
    gan.update_discriminator(tape, d_loss, judge, batch["pictures"], 0.0)
    for _ in range(gan.generator_steps):
        with tf.GradientTape() as tape:
            g_loss = cross_entropy(judge(gan.generator(batch["z"], training=True)), 1.0)
        gan.update_generator(tape, g_loss)
    return {"d_loss": d_loss, "g_loss": g_loss}


def losses_of(step_of):
    devices.set_seed(0)
    gan, batch = dcgan(size=64, base=4, batch=4)
    gan.generator_steps = 2
    step, shown = tf.function(lambda: step_of(gan, batch)), []
    for _ in range(STEPS):
        gan.reset_metrics()
        losses = step()
        shown.append([float(losses[name]) for name in ("d_loss", "g_loss")])
    return np.array(shown)


def test_losses_are_the_same_over_20_steps():
    together, one_by_one = losses_of(lambda gan, batch: gan.train_step(batch)), losses_of(apart)
    assert np.ptp(together, axis=0).min() > 0.01
    assert together[:10] == pytest.approx(one_by_one[:10], rel=1e-4)
    assert together == pytest.approx(one_by_one, rel=1e-2)  # rounding grows: Adam divides by the gradient

"""G(z) is drawn once for D's update and G's first; results are those of drawing it for each."""
from __future__ import annotations

import pytest
import tensorflow as tf

from tests.bench.networks import dcgan
from tests.step_losses import assert_same_losses
from training.losses import cross_entropy, discriminator_loss

pytestmark = pytest.mark.training


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


def made():
    gan, batch = dcgan(size=64, base=4, batch=4)
    gan.generator_steps = 2
    return gan, batch


def test_losses_are_the_same_over_20_steps():
    assert_same_losses(made, apart)

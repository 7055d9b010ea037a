"""D's answer to a rendering is computed once for both losses; results are those of computing it for each."""
from __future__ import annotations

import pytest
import tensorflow as tf

from stage2_pix2pix.architectures.coarse_to_fine import gan as steps
from tests.bench.networks import coarse
from tests.step_losses import assert_same_losses
from training.losses import cross_entropy

pytestmark = pytest.mark.training


def apart(gan, batch):
    """The losses of one step of CoarseGAN in which each loss has a tape and answers of its own."""
    known = batch["known"]
    inside = (known[..., 1:2] + 1) / 2
    real = batch["picture"] * inside

    def judge(picture):
        return gan.discriminator(tf.concat([known, picture], -1), training=True)

    def roughness(picture):
        return steps.strength(picture, steps.COARSE_SIDES, steps.COARSE_WINDOW, inside)

    with tf.GradientTape() as tape:
        fake = gan.generator([known, batch["noise"]], training=True) * inside
        losses = steps._means({"low_pass": tf.nn.avg_pool2d(real - fake, 8, 8, "SAME"),
                               "strength": roughness(real) - roughness(fake)})
        g_loss = (cross_entropy(judge(fake), 1.0) + steps.COARSE_LOW_PASS * losses["low_pass"]
                  + steps.COARSE_STRENGTH * losses["strength"])
    gan.update_generator(tape, g_loss)
    with tf.GradientTape() as tape:
        d_loss = cross_entropy(judge(real), 1.0) + cross_entropy(judge(tf.stop_gradient(fake)), 0.0)
    gan.update_discriminator(tape, d_loss, judge, real, steps.COARSE_PENALTY)
    return {"d_loss": d_loss, "g_loss": g_loss}


def test_losses_are_the_same_over_20_steps():
    assert_same_losses(lambda: coarse(size=24, base=4, batch=2), apart)

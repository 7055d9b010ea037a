"""D's answer to a rendering is computed once for both losses; results are those of computing it for each."""
from __future__ import annotations

import numpy as np
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
    inside = (known[..., :1] + 1) / 2
    real, added = batch["picture"] * inside, steps.noise_of_all_sizes(batch["d_noise"]) * inside

    def judge(picture):
        return gan.discriminator(tf.concat([known, picture + added], -1), training=True)

    def roughness(picture):
        return steps.strength(picture, steps.COARSE_SIDES, steps.COARSE_WINDOW, inside)

    with tf.GradientTape() as tape:
        fake = gan.generator([known, batch["noise"]], training=True) * inside
        losses = steps._means({"strength": roughness(real) - roughness(fake),
                               "spread": steps.spread(fake, inside) - steps.STANDARD})
        g_loss = (cross_entropy(judge(fake), 1.0) + steps.COARSE_STRENGTH * losses["strength"]
                  + steps.COARSE_SPREAD * losses["spread"])
    gan.update_generator(tape, g_loss)
    with tf.GradientTape() as tape:
        d_loss = cross_entropy(judge(real), 1.0) + cross_entropy(judge(tf.stop_gradient(fake)), 0.0)
    gan.update_discriminator(tape, d_loss, judge, real, steps.COARSE_PENALTY)
    return {"d_loss": d_loss, "g_loss": g_loss}


def test_losses_are_the_same_over_20_steps():
    assert_same_losses(lambda: coarse(size=24, base=4, batch=2), apart)


def test_what_is_added_to_what_the_discriminator_sees_is_as_strong_in_every_size():
    added = steps.noise_of_all_sizes(tf.random.stateless_normal((4, 96, 96, 3), seed=(1, 2)))[:, 16:-16, 16:-16]
    for side in steps.D_SIDES[1:]:  # what is finer than that is gone, what is wider is left
        assert np.std(steps.local_mean(added, side)) > steps.D_NOISE
    assert np.std(added) > 1.5 * steps.D_NOISE


def test_the_spread_of_a_picture_is_that_of_its_field_of_view():
    picture = np.random.default_rng(3).normal(5, [2, 3, 4], (2, 24, 24, 3)).astype(np.float32)
    inside = np.zeros((2, 24, 24, 1), np.float32)
    inside[:, 4:20, 4:20] = 1
    mean, deviation = np.moveaxis(steps.spread(tf.constant(picture), tf.constant(inside)).numpy(), 1, 0)
    within = picture[:, 4:20, 4:20]
    np.testing.assert_allclose(mean, within.mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(deviation, within.std(axis=(1, 2)), rtol=1e-4)

"""The pix2pix training step: who is pushed where, and what is black."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.gan import Pix2Pix, black_outside, colour
from stage2_pix2pix.inputs import dataset
from stage2_pix2pix.networks import discriminator, generator
from training import devices
from training.fit import Schedule

pytestmark = pytest.mark.training


@pytest.fixture
def batch(pairs):
    config = Stage2Config(pairs="drive:x", out="x", size=64, tell_fov=True, colour_code=True, noise=1)
    return next(iter(dataset(pairs, config, Schedule(1, 1, 3, 0))))


class Frozen(keras.optimizers.SGD):
    """Notes its gradients and moves nothing."""

    def __init__(self):
        super().__init__(0.0)
        self.calls = []

    def apply_gradients(self, pairs):
        self.calls.append(list(pairs))


def gan(d_optimizer, g_optimizer, l1_weight=10.0):
    devices.set_seed(0)
    model = Pix2Pix(generator(64, 4, 3, "batch", 0.5, "resize"), discriminator(64, 4, 2), l1_weight)
    model.compile(d_optimizer, g_optimizer)
    return model


@pytest.mark.parametrize("l1_weight", [0.0, 10.0])
def test_each_loss_moves_its_own_network_and_all_of_it(batch, l1_weight):
    model = gan(Frozen(), Frozen(), l1_weight)
    model.train_step(batch)
    for calls, network in ((model.d_optimizer.calls, model.discriminator), (model.g_optimizer.calls, model.generator)):
        assert len(calls) == 1
        assert [weight.name for _, weight in calls[0]] == [weight.name for weight in network.trainable_variables]
        moved = [gradient is not None and np.abs(gradient).max() > 0 for gradient, _ in calls[0]]
        assert np.mean(moved) > 0.9 and moved[0] and moved[-1]


@pytest.mark.training
def test_the_discriminator_learns_real_from_rendered(batch):
    model = gan(keras.optimizers.Adam(2e-3), keras.optimizers.SGD(0.0))
    step = tf.function(model.train_step)
    first = {name: float(value) for name, value in step(batch).items()}
    for _ in range(45):
        model.reset_metrics()
        last = {name: float(value) for name, value in step(batch).items()}
    assert last["d_loss"] < 0.85 * first["d_loss"]
    assert last["D(x)"] > last["D(G(z))"] + 0.2


@pytest.mark.training
def test_the_generator_learns_the_photographs(batch):
    model = gan(keras.optimizers.SGD(0.0), keras.optimizers.Adam(5e-3))
    first = {name: float(value) for name, value in model.train_step(batch).items()}
    for _ in range(15):
        model.reset_metrics()
        last = model.train_step(batch)
    assert float(last["l1"]) < 0.8 * first["l1"]


def test_losses_by_hand(batch):
    model = gan(Frozen(), Frozen())
    for weight in model.discriminator.trainable_variables:
        weight.assign(tf.zeros_like(weight))
    model.discriminator.trainable_variables[-1].assign([2.0])  # says 2 to every patch
    shown = {name: float(value) for name, value in model.train_step(batch).items()}
    real, fake = np.log1p(np.exp(-2)), np.log1p(np.exp(2))
    assert shown["d_loss"] == pytest.approx((real + fake) / 2, rel=1e-5)
    assert shown["g_loss"] == pytest.approx(real + 10 * shown["l1"], rel=1e-5)
    assert 0 < shown["l1"] < 2


def test_outside_the_field_of_view_is_black_and_inside_is_kept():
    picture = tf.random.stateless_uniform((1, 8, 8, 3), (0, 0), -1, 1)
    inside = tf.cast(tf.random.stateless_uniform((1, 8, 8, 1), (1, 1)) < 0.5, tf.float32)
    black = black_outside(picture, inside).numpy()
    where = inside.numpy()[..., 0] > 0
    assert np.allclose(black[where], picture.numpy()[where]) and (black[~where] == -1).all()


def test_colours_by_hand():
    drawn = tf.constant([0.0, 0.25, -0.5, 1.0])[None, :, None, None] * tf.ones((1, 4, 1, 3))
    code = tf.constant([[0.1, -0.2, 0.0, 0.2, 0.1, 0.5]])
    coloured = colour(drawn, code).numpy()[0, :, 0]
    # mean + 4 * drawn * spread, cut to [-1, 1]
    assert np.allclose(coloured, [[0.1, -0.2, 0], [0.3, -0.1, 0.5], [-0.3, -0.4, -1], [0.9, 0.2, 1]], atol=1e-6)

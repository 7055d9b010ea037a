"""The DCGAN's training step: who is pushed where."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from stage1_dcgan.gan import DCGAN, shift_and_flip
from stage1_dcgan.networks import Z_DIM, discriminator, generator
from training import devices

pytestmark = pytest.mark.training


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    bright = random.uniform(0.5, 1, (4, 64, 64, 1))
    return {name: tf.constant(value, tf.float32) for name, value in
            {"pictures": bright, "z": random.uniform(-1, 1, (4, Z_DIM)), "chance": random.random((4, 2, 4))}.items()}


class Frozen(keras.optimizers.SGD):
    """Counts its calls and moves nothing."""

    def __init__(self):
        super().__init__(0.0)
        self.calls = []

    def apply_gradients(self, pairs):
        self.calls.append([(gradient, weight) for gradient, weight in pairs])


def gan(d_optimizer, g_optimizer, **options):
    devices.set_seed(0)
    model = DCGAN(generator(64, 4), discriminator(64, 4, norm="none"), **options)
    model.compile(d_optimizer, g_optimizer)
    return model


@pytest.mark.parametrize("generator_steps", [1, 2, 3])
def test_the_generator_is_updated_so_often_for_one_of_the_discriminator(batch, generator_steps):
    model = gan(Frozen(), Frozen(), generator_steps=generator_steps)
    model.train_step(batch)
    assert len(model.d_optimizer.calls) == 1
    assert len(model.g_optimizer.calls) == generator_steps


def test_each_loss_moves_its_own_network_and_all_of_it(batch):
    model = gan(Frozen(), Frozen(), reach=0.125)
    model.train_step(batch)
    for calls, network in ((model.d_optimizer.calls, model.discriminator), (model.g_optimizer.calls, model.generator)):
        assert [weight.name for _, weight in calls[0]] == [weight.name for weight in network.trainable_variables]
        assert all(gradient is not None and np.abs(gradient).max() > 0 for gradient, _ in calls[0])


@pytest.mark.training
def test_the_discriminator_learns_real_from_generated(batch):
    model = gan(keras.optimizers.Adam(1e-3), keras.optimizers.SGD(0.0))
    first = {name: float(value) for name, value in model.train_step(batch).items()}
    for _ in range(25):
        model.reset_metrics()
        last = {name: float(value) for name, value in model.train_step(batch).items()}
    assert last["d_loss"] < 0.5 * first["d_loss"]
    assert last["D(x)"] > 0.7 and last["D(G(z))"] < 0.4
    assert last["g_loss"] > first["g_loss"]


@pytest.mark.training
def test_the_generator_learns_to_deceive(batch):
    model = gan(keras.optimizers.SGD(0.0), keras.optimizers.Adam(1e-2))
    first = model.train_step(batch)
    first = {name: float(value) for name, value in first.items()}
    for _ in range(15):
        model.reset_metrics()
        last = model.train_step(batch)
    assert float(last["g_loss"]) < first["g_loss"]
    assert float(last["D(G(z))"]) > first["D(G(z))"]


def test_losses_by_hand(batch):
    model = gan(Frozen(), Frozen(), generator_steps=1)
    for weight in model.discriminator.trainable_variables:
        weight.assign(tf.zeros_like(weight))
    model.discriminator.trainable_variables[-1].assign([2.0])  # says 2 to everything
    shown = model.train_step(batch)
    real, fake = np.log1p(np.exp(-2)), np.log1p(np.exp(2))
    assert float(shown["d_loss"]) == pytest.approx(real + fake, rel=1e-5)
    assert float(shown["g_loss"]) == pytest.approx(real, rel=1e-5)
    assert float(shown["D(x)"]) == float(shown["D(G(z))"]) == pytest.approx(1 / (1 + np.exp(-2)), rel=1e-5)


def test_the_penalty_is_the_slope_on_real_pictures_every_eighth_step():
    picture = keras.Input((4, 4, 1))
    line = keras.Model(picture, keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(picture)))
    line.set_weights([np.full((16, 1), 0.5, np.float32)])
    model = DCGAN(generator(64, 4), line, penalty=0.3)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    # |grad D|^2 = sum w^2, so that the gradient of penalty / 2 * |grad D|^2 is penalty * w; times 8, every 8th step
    for step, expected in ((0, 8 * 0.3 * 0.5), (1, 0), (7, 0), (8, 8 * 0.3 * 0.5)):
        model.d_optimizer.iterations.assign(step)
        pictures = tf.random.stateless_normal((3, 4, 4, 1), (0, 0))
        [gradient] = model.penalty_gradients(lambda x: tf.reduce_sum(line(x)), pictures, 0.3)
        assert np.allclose(gradient, expected), step


def test_shift_and_flip_by_hand():
    picture = tf.reshape(tf.range(16.0), (1, 4, 4, 1)) / 16
    middle, keep, turn = 0.5, 0.9, 0.1
    def moved(*chance):
        return shift_and_flip(picture, tf.constant([chance]), 0.25)[0, ..., 0].numpy()
    before = picture[0, ..., 0].numpy()
    assert np.array_equal(moved(middle, middle, keep, keep), before)
    assert np.array_equal(moved(middle, middle, turn, keep), before[::-1])
    assert np.array_equal(moved(middle, middle, keep, turn), before[:, ::-1])
    assert np.array_equal(moved(0.0, middle, keep, keep), np.vstack([np.full((1, 4), -1), before[:-1]]))
    assert np.array_equal(moved(middle, 0.99, keep, keep), np.hstack([before[:, 1:], np.full((4, 1), -1)]))


def test_black_comes_into_a_photograph_and_its_channels_stay_together():
    red, green, blue = np.full((4, 4), 0.5), np.arange(16.0).reshape(4, 4) / 16, np.zeros((4, 4))
    picture = tf.constant(np.stack([red, green, blue], axis=-1)[None], tf.float32)
    moved = shift_and_flip(picture, tf.constant([[0.0, 0.5, 0.9, 0.1]]), 0.25)[0].numpy()  # down by one, mirrored
    assert (moved[0] == -1).all()
    for channel, before in enumerate((red, green, blue)):
        assert np.array_equal(moved[1:, :, channel], before[:-1, ::-1])


def test_shift_and_flip_pass_gradients_on():
    picture = tf.Variable(tf.random.stateless_normal((2, 8, 8, 1), (0, 0)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(shift_and_flip(picture, tf.fill((2, 4), 0.5), 0.25))
    assert np.array_equal(tape.gradient(total, picture), np.ones((2, 8, 8, 1)))

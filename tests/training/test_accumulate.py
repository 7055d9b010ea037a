"""Batches in parts train as whole ones do."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from data.errors import UserError
from stage1_dcgan.gan import DCGAN
from stage2_pix2pix.architectures import pix2pix
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.gan import Pix2Pix
from stage2_pix2pix.train import train as train_stage2
from training import devices
from training.accumulate import accumulate
from training.weights import load_weights

pytestmark = pytest.mark.training
BATCH, STEPS = 4, 3


def stage2(parts):
    """Weights of both networks, which have no batch norm, before and after; and how often each was updated."""
    devices.set_seed(3)
    config = Stage2Config(pairs="drive:x", out="x", size=64, base=4, d_base=4, norm="none", l1_weight=10.0, noise=1,
                          batch_size=BATCH)
    gan = pix2pix.build(config, pix2pix.networks(config))
    # RMSprop divides by the gradient and makes much of a rounding error; so steepest descent, in large steps
    gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5))
    if parts > 1:
        accumulate(gan, parts)
    before = [weight.numpy() for weight in gan.trainable_variables]
    for step in range(STEPS):
        random = np.random.default_rng(step)
        planes = {name: tf.constant(random.uniform(-1, 1, (BATCH, 64, 64, channels)), tf.float32)
                  for name, channels in (("known", 1), ("photograph", 3), ("noise", 1))}
        gan.train_step({**planes, "inside": tf.ones((BATCH, 64, 64, 1)),
                        "keys": tf.constant(random.integers(0, 1000, (BATCH, 2)), tf.int64)})
    return before, gan.trainable_variables, [int(gan.d_optimizer.iterations), int(gan.g_optimizer.iterations)]


def test_a_gan_without_batch_statistics_learns_the_same():
    before, whole, updates = stage2(1)
    _, parts, updates_in_parts = stage2(2)
    assert updates == updates_in_parts == [STEPS, STEPS]
    for start, one, other in zip(before, whole, parts):
        moved = np.abs(one - start).max()
        assert moved > 0 and np.abs(one - other).max() < 1e-3 * moved + 1e-6, one.name


def dcgan(parts, batch=8):
    """Weights of two small networks after nine steps, in the first and last of which D is penalised; and updates."""
    devices.set_seed(0)
    draws = keras.Sequential([keras.layers.Dense(64, "tanh", input_shape=(100,)), keras.layers.Reshape((8, 8, 1))])
    judges = keras.Sequential([keras.layers.Flatten(input_shape=(8, 8, 1)), keras.layers.Dense(16, "tanh"),
                               keras.layers.Dense(1)])
    gan = DCGAN(draws, judges, generator_steps=2, reach=0.125, penalty=1.0)
    gan.compile(keras.optimizers.SGD(0.3), keras.optimizers.SGD(0.3))
    if parts > 1:
        accumulate(gan, parts)
    for step in range(DCGAN.PENALTY_EVERY + 1):
        random = np.random.default_rng(step)
        gan.train_step({"pictures": tf.constant(random.uniform(-1, 1, (batch, 8, 8, 1)), tf.float32),
                        "z": tf.constant(random.uniform(-1, 1, (batch, 100)), tf.float32),
                        "chance": tf.constant(random.random((batch, 2, 4)), tf.float32)})
    updates = [int(optimizer.iterations) for optimizer in (gan.d_optimizer, gan.g_optimizer)]
    return [weight.numpy() for weight in gan.trainable_variables], updates


@pytest.mark.long
def test_a_gan_of_three_updates_a_step_with_a_penalty_learns_the_same():
    whole, updates = dcgan(1)
    parts, updates_in_parts = dcgan(4)
    assert updates == updates_in_parts == [9, 18]
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(whole, parts))


def trained_stage2(drive, out, parts, monkeypatch):
    """Weights of the generator after a training of two steps, and the numbers of examples that a part of a step had."""
    config = Stage2Config(pairs=drive, out=str(out), architecture="pix2pix", size=64, base=4, d_base=4, norm="none",
                          optimizer="adam", learning_rate=1e-3, batch_size=BATCH, epochs=1, steps_per_epoch=2,
                          accumulate=parts, precision="float32", strategy="one")
    seen, step = set(), Pix2Pix.train_step

    def noted(self, batch):
        seen.add(batch["known"].shape[0])
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Pix2Pix, "train_step", noted)
        train_stage2(config)
    generator = pix2pix.networks(config)["generator"]
    load_weights(generator, out / "generator.h5", "train it again")
    return generator.get_weights(), seen


def test_a_training_accumulates_as_its_flag_asks_and_says_so(drive, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO", logger="absl")
    said = f"batches of {BATCH} in 2 parts"
    whole, seen = trained_stage2(drive, tmp_path / "whole", 1, monkeypatch)
    assert seen == {BATCH} and said not in caplog.text
    parts, seen = trained_stage2(drive, tmp_path / "parts", 2, monkeypatch)
    assert seen == {BATCH // 2} and said in caplog.text
    assert max(np.abs(bias).max() for bias in whole if bias.ndim == 1) > 1e-3, "they are 0 at first"
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(whole, parts))


def test_keras_own_training_learns_the_same():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(16, 6)).astype(np.float32), random.normal(size=(16, 1)).astype(np.float32)

    def trained(parts):
        devices.set_seed(1)
        model = keras.Sequential([keras.layers.Dense(8, "tanh", input_shape=(6,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(0.01), "mse")
        if parts > 1:
            accumulate(model, parts)
        history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
        return model.get_weights(), history, int(model.optimizer.iterations)

    weights, losses, updates = trained(1)
    weights_of_parts, losses_of_parts, updates_of_parts = trained(4)
    assert updates == updates_of_parts == 6
    assert losses == pytest.approx(losses_of_parts, rel=1e-5)
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(weights, weights_of_parts))


def test_a_batch_has_to_divide_into_parts():
    with pytest.raises(UserError, match="--batch_size=8 does not divide over 1 device in --accumulate=3 parts"):
        devices.choose_strategy("one", 8, 3)
    with pytest.raises(UserError, match="--accumulate=2.*coarse_to_fine.*--batch_size"):
        Stage2Config(pairs="drive:x", out="x", architecture="coarse_to_fine", accumulate=2)

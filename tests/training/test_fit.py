"""A training that stopped goes on as if it never had; one that went wrong stops."""
from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

import stage1_dcgan.inputs
import stage2_pix2pix.inputs
import unet_eval.inputs
from data.images import DataError
from stage1_dcgan.gan import DCGAN
from stage1_dcgan.networks import discriminator as mask_discriminator
from stage1_dcgan.networks import generator as mask_generator
from stage2_pix2pix.gan import Pix2Pix
from stage2_pix2pix.networks import discriminator, generator
from training import strategy
from training.cli import Stopped
from training.fit import Schedule, fit
from training.run_folder import read_json
from unet_eval.losses import bce_dice
from unet_eval.networks import unet

EPOCHS, STEPS = 3, 3


class Training:
    """One of the three networks with all its options on, its data, and how to begin again from its first weights."""

    def __init__(self, model, parts, make_dataset):
        self.model, self.parts, self.make_dataset = model, parts, make_dataset
        self.first = self.state()

    @property
    def variables(self):
        return [variable for part in self.parts.values() for variable in part.variables]

    def state(self):
        return [variable.numpy().copy() for variable in self.variables]

    def begin(self):
        self.put(self.first)

    def forget(self):
        """What a new process has: other numbers everywhere."""
        self.put([np.ones_like(value) for value in self.first])

    def put(self, values):
        for variable, value in zip(self.variables, values):
            variable.assign(value)

    def fit(self, folder, epochs=EPOCHS, callbacks=(), change=lambda dataset: dataset):
        schedule = Schedule(epochs, STEPS, 4, seed=1)
        folder.mkdir(exist_ok=True)
        fit(self.model, lambda step: change(self.make_dataset(schedule, step)), schedule, folder, self.parts,
            list(callbacks))


def gan_parts(gan):
    gan.g_optimizer.build(gan.generator.trainable_variables)
    gan.d_optimizer.build(gan.discriminator.trainable_variables)
    return {"generator": gan.generator, "discriminator": gan.discriminator, "g_optimizer": gan.g_optimizer,
            "d_optimizer": gan.d_optimizer}


def stage1(views):
    real = stage1_dcgan.inputs.pictures(views, stage1_dcgan.inputs.Artist(64, 4, "signed_distance", 8.0))
    gan = DCGAN(mask_generator(64, 4), mask_discriminator(64, 4, norm="none"), generator_steps=2, reach=0.125,
                penalty=0.05)
    gan.compile(keras.optimizers.Adam(2e-4, beta_1=0.5),
                keras.optimizers.Adam(2e-4, beta_1=0.5, use_ema=True, ema_momentum=0.9))
    return Training(gan, gan_parts(gan), lambda schedule, step: stage1_dcgan.inputs.dataset(real, schedule, step))


def stage2(views):
    renderer = stage2_pix2pix.inputs.Renderer(64, 4, "batch", 0.5, "resize", True, True, 1, False)
    pairs = stage2_pix2pix.inputs.Pairs.of(views, 64)
    gan = Pix2Pix(generator(64, 4, renderer.planes + 1, "batch", 0.5, "resize"), discriminator(64, 4, renderer.planes),
                  l1_weight=10.0)
    gan.compile(keras.optimizers.RMSprop(1e-3), keras.optimizers.RMSprop(1e-3))
    return Training(gan, gan_parts(gan),
                    lambda schedule, step: stage2_pix2pix.inputs.dataset(pairs, renderer, True, schedule, step))


def unet_arm(views):
    pairs = unet_eval.inputs.RealPairs(views, "green_clahe")
    crops = unet_eval.inputs.Crops(32, "strong", 20.0, 3.0)
    model = unet(4, 2)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, EPOCHS * STEPS)), bce_dice)
    model.optimizer.build(model.trainable_variables)
    return Training(model, {"model": model, "optimizer": model.optimizer},
                    lambda schedule, step: unet_eval.inputs.dataset(pairs, crops, schedule, step))


MAKERS = {"stage1": stage1, "stage2": stage2, "unet": unet_arm}
made = {}


@pytest.fixture
def training(request, views):
    """The named network at its first weights; built once, since tracing takes longer than training."""
    name = request.param
    if name not in made:
        strategy.set_seed(1)
        made[name] = MAKERS[name](views)
    made[name].begin()
    return made[name]


def networks(*names):
    return pytest.mark.parametrize("training", names, indirect=True)


class At(keras.callbacks.Callback):
    """Calls `act` once, when the `step`-th batch of this `fit` begins or has ended."""

    def __init__(self, act, begin=None, end=None):
        super().__init__()
        self.act, self.at, self.count = act, {"begin": begin, "end": end}, {"begin": 0, "end": 0}

    def _notice(self, what):
        self.count[what] += 1
        if self.count[what] == self.at[what]:
            self.act()

    def on_train_batch_begin(self, batch, logs=None):
        self._notice("begin")

    def on_train_batch_end(self, batch, logs=None):
        self._notice("end")


def ask(number):
    return lambda: os.kill(os.getpid(), number)


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other))


@networks(*MAKERS)
def test_a_training_that_stopped_equals_one_that_did_not_to_the_bit(training, tmp_path):
    training.fit(tmp_path / "whole")
    whole = training.state()
    assert not same(whole, training.first) and all(np.isfinite(value).all() for value in whole)

    training.begin()
    stopped = tmp_path / "stopped"
    training.fit(stopped, epochs=1)                                                  # after an epoch
    training.forget()
    with pytest.raises(Stopped, match="SIGTERM after step 5"):
        training.fit(stopped, callbacks=[At(ask(signal.SIGTERM), begin=2)])          # in the middle of one
    training.forget()
    with pytest.raises(Stopped, match="SIGINT after step 6"):
        training.fit(stopped, callbacks=[At(ask(signal.SIGINT), begin=1)])           # on the last step of one
    training.forget()
    training.fit(stopped)
    assert same(training.state(), whole)


@networks("stage1")
def test_a_loss_that_is_no_number_stops_at_its_step(training, tmp_path):
    def spoil(dataset):
        def at_the_fifth(number, batch):
            return {**batch, "pictures": tf.where(number == 4, np.nan, batch["pictures"])}
        return dataset.enumerate().map(at_the_fifth)

    with pytest.raises(DataError, match="d_loss is nan at step 5") as error:
        training.fit(tmp_path, change=spoil)
    assert "--learning_rate" in str(error.value)
    assert {path.stem for path in tmp_path.glob("ckpt-*")} == {"ckpt-3"}
    training.forget()
    training.fit(tmp_path)  # the checkpoint before is good
    assert all(np.isfinite(value).all() for value in training.state())


@networks("unet")
def test_weights_that_are_no_numbers_are_not_saved(training, tmp_path):
    def overflow():
        weight = training.model.trainable_variables[0]
        weight.assign(weight * np.inf)

    with pytest.raises(DataError, match="weight .* is not finite at step 6"):
        training.fit(tmp_path, callbacks=[At(overflow, end=6)])
    assert {path.stem for path in tmp_path.glob("ckpt-*")} == {"ckpt-3"}


@networks("unet")
def test_lost_checkpoints_are_no_fresh_start(training, tmp_path):
    training.fit(tmp_path, epochs=1)
    for path in tmp_path.glob("ckpt-*"):
        path.unlink()
    with pytest.raises(DataError, match="gone"):
        training.fit(tmp_path)


@networks("unet")
def test_a_finished_training_is_not_trained_further(training, tmp_path):
    training.fit(tmp_path)
    whole, files = training.state(), sorted(tmp_path.glob("ckpt-*"))
    training.forget()
    training.fit(tmp_path)
    assert same(training.state(), whole) and sorted(tmp_path.glob("ckpt-*")) == files


@networks("unet")
def test_seconds_add_up_and_signals_are_the_callers_again(training, tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    training.fit(tmp_path, epochs=1)
    (tmp_path / "seconds.json").write_text('{"seconds": 1000}')
    training.fit(tmp_path)
    assert 1000 < read_json(tmp_path / "seconds.json", "")["seconds"] < 1100
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def flags(**values):
    return SimpleNamespace(**{"epochs": 2, "steps_per_epoch": 0, "batch_size": 4, "seed": 7, **values})


def test_a_schedule_is_one_pass_an_epoch_or_what_is_asked(caplog):
    assert Schedule.of(flags(), 10) == Schedule(2, 3, 4, 7)
    assert Schedule.of(flags(), 8).steps_per_epoch == 2
    assert Schedule.of(flags(steps_per_epoch=50), 10).steps == 100
    assert not caplog.records


def test_fewer_samples_than_a_batch_are_told(caplog):
    assert Schedule.of(flags(), 3).steps_per_epoch == 1
    assert "3 training samples are fewer than --batch_size=4" in caplog.text
    with pytest.raises(DataError, match="empty"):
        Schedule.of(flags(), 0)

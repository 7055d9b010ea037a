"""A training that stopped goes on as if it never had; one that went wrong stops."""
from __future__ import annotations

import os
import signal
import time
from dataclasses import replace

import h5py
import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

import stage1_dcgan.inputs
import unet_eval.inputs
from data.errors import UserError
from data.files import read_json
from data.pairs import PairReader, PairWriter
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.train import build as build_stage1
from stage2_pix2pix.architectures import pix2pix
from stage2_pix2pix.config import Stage2Config
from training import devices
from training.cli import Stopped
from training.fit import Schedule, fit
from unet_eval.config import UnetConfig
from unet_eval.train import build as build_unet

pytestmark = pytest.mark.training
EPOCHS, STEPS = 3, 3
COMMON = {"pairs": "drive:x", "out": "x", "batch_size": 4, "epochs": EPOCHS, "steps_per_epoch": STEPS, "seed": 1}


class Training:
    """One of the three networks with all its options on, its data, and how to begin again from its first weights."""

    def __init__(self, config, model, parts, make_dataset):
        self.config, self.model, self.parts, self.make_dataset = config, model, parts, make_dataset
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

    def fit(self, folder, epochs=EPOCHS, callbacks=(), change=lambda dataset: dataset, **flags):
        config = replace(self.config, out=str(folder), epochs=epochs, **flags)
        schedule = Schedule.from_config(config, 3)
        folder.mkdir(exist_ok=True)
        fit(self.model, lambda step: change(self.make_dataset(schedule, step)), schedule, config, self.parts,
            list(callbacks))


def gan_parts(gan):
    return {"generator": gan.generator, "discriminator": gan.discriminator, "g_optimizer": gan.g_optimizer,
            "d_optimizer": gan.d_optimizer}


def stage1(views, pairs):
    config = Stage1Config(**COMMON, size=64, base=4, encoding="signed_distance", d_norm="none", generator_steps=2,
                          reach=0.125, penalty=0.05, ema=0.9)
    real, gan = stage1_dcgan.inputs.pictures(views, config), build_stage1(config)
    return Training(config, gan, gan_parts(gan),
                    lambda schedule, step: stage1_dcgan.inputs.dataset(real, schedule, step))


def stage2(views, pairs):
    config = Stage2Config(**COMMON, size=64, base=4, d_base=4, upsampling="resize", tell_fov=True, colour_code=True,
                          noise=1, flips=True, l1_weight=10.0)
    gan = pix2pix.build(config, pix2pix.networks(config))
    return Training(config, gan, gan_parts(gan), lambda schedule, step: pix2pix.dataset(pairs, config, schedule, step))


def unet_arm(views, pairs):
    config = UnetConfig(**COMMON, base=4, poolings=2, input="green_clahe", crop=32, augmentation="strong", rotate=20.0,
                        elastic=3.0, loss="bce_dice", optimizer="adam", learning_rate=1e-2, cosine_decay=True)
    real = unet_eval.inputs.RealPairs(views, config.input)
    model = build_unet(config, Schedule.from_config(config, 4))
    return Training(config, model, {"model": model, "optimizer": model.optimizer},
                    lambda schedule, step: unet_eval.inputs.dataset(real, config, schedule, step))


MAKERS = {"stage1": stage1, "stage2": stage2, "unet": unet_arm}
begun = {}


@pytest.fixture
def training(request, views, pairs):
    """The named network at its first weights; built once, since tracing takes longer than training."""
    name = request.param
    if name not in begun:
        devices.set_seed(1)
        begun[name] = MAKERS[name](views, pairs)
    begun[name].begin()
    return begun[name]


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


def steps(folder):
    """Of the checkpoints."""
    return sorted(int(path.stem.partition("-")[2]) for path in folder.glob("ckpt-*.index"))


class Killed(BaseException):
    """In the place of a kill: nothing is saved after it."""


def kill():
    raise Killed


@networks(*MAKERS)
def test_a_checkpoint_that_was_saved_by_time_is_gone_on_from_to_the_bit(training, tmp_path):
    training.fit(tmp_path / "whole")
    whole = training.state()
    training.begin()
    killed, pause = tmp_path / "killed", At(lambda: time.sleep(0.2), begin=5)
    with pytest.raises(Killed):
        training.fit(killed, callbacks=[pause, At(kill, begin=6)], checkpoint_minutes=0.003)
    assert steps(killed)[-1] == 5  # in the middle of the second epoch
    training.forget()
    training.fit(killed)
    assert same(training.state(), whole)


class EpochEnds(keras.callbacks.Callback):
    """What ends after each epoch; `act` is called at the end of epoch `at`."""

    def __init__(self, act=None, at=None):
        super().__init__()
        self.seen, self.act, self.at = [], act, at

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.at:
            self.act()
        self.seen.append(epoch)


@networks("unet")
def test_a_signal_on_the_last_step_of_an_epoch_lets_the_epoch_end(training, tmp_path):
    ends = EpochEnds()
    with pytest.raises(Stopped, match="after step 6"):
        training.fit(tmp_path, callbacks=[At(ask(signal.SIGTERM), begin=6), ends])
    assert ends.seen == [0, 1] and steps(tmp_path) == [3, 6]


@networks("unet")
@pytest.mark.parametrize("epoch, step", [(1, 6), (2, 9)])
def test_a_signal_at_the_end_of_an_epoch_lets_it_end_and_a_kill_repeats_it(training, tmp_path, epoch, step):
    with pytest.raises(Killed):
        training.fit(tmp_path, callbacks=[EpochEnds(kill, at=epoch)])
    training.forget()
    ends = EpochEnds(ask(signal.SIGTERM), at=epoch)
    with pytest.raises(Stopped, match=f"after step {step}"):
        training.fit(tmp_path, callbacks=[ends])
    assert ends.seen == [epoch]


@networks("stage1")
def test_a_loss_that_is_no_number_stops_at_its_step(training, tmp_path):
    def spoil(dataset):
        def at_the_fifth(number, batch):
            return {**batch, "pictures": tf.where(number == 4, np.nan, batch["pictures"])}
        return dataset.enumerate().map(at_the_fifth)

    with pytest.raises(UserError, match="d_loss is nan at step 5") as error:
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

    with pytest.raises(UserError, match="weight .* is not finite at step 6"):
        training.fit(tmp_path, callbacks=[At(overflow, end=6)])
    assert {path.stem for path in tmp_path.glob("ckpt-*")} == {"ckpt-3"}


@networks("unet")
def test_lost_checkpoints_are_no_fresh_start(training, tmp_path):
    training.fit(tmp_path, epochs=1)
    for path in tmp_path.glob("ckpt-*"):
        path.unlink()
    with pytest.raises(UserError, match="gone"):
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
    assert read_json(tmp_path / "seconds.json", "")["seconds"] > 1000
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


@networks("unet")
def test_a_damaged_row_of_a_store_stops_the_training_as_itself(training, tmp_path, eye):
    """TensorFlow passes on the text of what its pipeline raises only."""
    store = tmp_path / "synthetic.h5"
    with PairWriter(store, {}) as writer:
        for seed in range(4):
            image, mask, fov = (picture[22:534, 20:532] for picture in eye(seed))
            writer.append(images=image, masks=mask[..., None], fovs=fov[..., None])
    pairs = unet_eval.inputs.SyntheticPairs(PairReader(store), "grey", range(4))
    with h5py.File(store) as file:
        chunk = file["images"].id.get_chunk_info(1)
    with open(store, "r+b") as file:  # after it was opened, which finds what is damaged before
        file.seek(chunk.byte_offset + 40)
        file.write(bytes(160))
    training = Training(training.config, training.model, training.parts,
                        lambda schedule, step: unet_eval.inputs.dataset(pairs, training.config, schedule, step))
    with pytest.raises(UserError, match="^[^ ]*synthetic.h5: row 1 is damaged") as error:
        training.fit(tmp_path / "unet-synthetic")
    assert "\n" not in str(error.value)


def config(**values):
    return UnetConfig(**{**COMMON, "epochs": 2, "steps_per_epoch": 0, "seed": 7, **values})


def test_a_schedule_is_one_pass_an_epoch_or_what_is_asked(caplog):
    assert Schedule.from_config(config(), 10) == Schedule(2, 3, 4, 7)
    assert Schedule.from_config(config(), 8).steps_per_epoch == 2
    assert Schedule.from_config(config(steps_per_epoch=50), 10).steps == 100
    assert not caplog.records


def test_fewer_samples_than_a_batch_are_told(caplog):
    assert Schedule.from_config(config(), 3).steps_per_epoch == 1
    assert "3 training samples are fewer than --batch_size=4" in caplog.text
    with pytest.raises(UserError, match="empty"):
        Schedule.from_config(config(), 0)

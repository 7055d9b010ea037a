"""A training that stopped goes on as if it never had."""
from __future__ import annotations

import signal
import time

import numpy as np
import pytest
from tensorflow import keras

from data.errors import UserError
from data.files import read_json
from tests.training.three_networks import COMMON, MAKERS, At, Killed, ask, kill, networks, same, steps
from training.cli import Stopped
from training.fit import Schedule
from unet_eval.config import UnetConfig

pytestmark = pytest.mark.training


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

"""The training loop: Keras's `fit`, which resumes at the step where it stopped."""
from __future__ import annotations

import math
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import tensorflow as tf
from absl import logging
from tensorflow import keras

from data.errors import UserError
from data.files import read_json, write_json
from data.pipeline import user_errors
from training import workers
from training.accumulate import accumulate
from training.agree import agreed, check_same
from training.checkpoints import Checkpoints
from training.cli import Stopped
from training.config import TrainingConfig
from training.forecast import Forecast, stated_minutes
from training.tensorboard import hyperparameters


@dataclass(frozen=True)
class Schedule:
    """How long a training lasts, and its seed. batch_size: examples per step, over all devices."""

    epochs: int
    steps_per_epoch: int
    batch_size: int
    seed: int

    @classmethod
    def from_config(cls, config: TrainingConfig, samples: int) -> Schedule:
        """For a training set of `samples` examples; with --steps_per_epoch=0 an epoch is one pass over it.

        If a batch is larger than the training set, it contains some examples several times, and a warning says so.
        Raises UserError if the training set is empty.
        """
        if samples < 1:
            raise UserError("the training set is empty: give --pairs a data set with training images")
        if samples < config.batch_size:
            logging.warning("%d training samples are fewer than --batch_size=%d: a batch repeats some", samples,
                            config.batch_size)
        steps = config.steps_per_epoch or math.ceil(samples / config.batch_size)
        return cls(config.epochs, steps, config.batch_size, config.seed)

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_per_epoch


class _SaveStopGuard(keras.callbacks.Callback):
    """Saves after every epoch and every `minutes`, saves and stops after a signal, and stops if a loss or weight is NaN
    or infinite.

    It has to be the last callback. After the last step of an epoch it saves when the epoch has ended for the others
    too: a training that goes on from there has its validation and its pictures.
    """

    def __init__(self, checkpoints: Checkpoints, seconds: Path, step: int, config: TrainingConfig):
        super().__init__()
        self._checkpoints, self._seconds, self._step, self._config = checkpoints, seconds, step, config
        self._pause = 60 * config.checkpoint_minutes
        self._saved = time.monotonic()
        self._signal = None
        self._before = read_json(seconds, "remove it").get("seconds", 0.0) if seconds.exists() else 0.0
        self._start = time.monotonic()

    @contextmanager
    def listening(self):
        """Inside this context, SIGTERM and SIGINT stop the training after the current step, not at once."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number, frame):
        self._signal = number

    def on_train_batch_end(self, batch, logs=None):
        self._step += 1
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                raise self._diverged(f"{name} is {value}")
        if batch + 1 == self.params["steps"]:  # then it saves when the epoch ends
            return
        late = time.monotonic() >= self._saved + self._pause
        asked, late = agreed(self._config, self._signal is not None, late)
        if asked or late:
            self._save()
        if asked:
            self._stop()

    def on_epoch_end(self, epoch, logs=None):
        self._save()
        self.stop_if_asked()

    def stop_if_asked(self):
        """Raises Stopped if a signal came."""
        if any(agreed(self._config, self._signal is not None)):
            self._stop()

    def _stop(self):
        name = signal.Signals(self._signal).name if self._signal else "a signal to another worker"
        raise Stopped(f"stopped by {name} after step {self._step}; everything is saved in {self._config.out}, the same "
                      "command goes on")

    def _diverged(self, what):
        return UserError(f"{what} at step {self._step}: nothing of it is saved, the checkpoints in "
                         f"{self._checkpoints.folder} are from before; start again in another --out with a lower "
                         "--learning_rate")

    def _save(self):
        # The loss of a step is computed before its update, so weights that become NaN would show only in the next loss.
        for weight in self.model.variables:
            if weight.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(weight)):
                raise self._diverged(f"the weight {weight.name} is not finite")
        self._checkpoints.save(self._step)
        self._saved = time.monotonic()
        write_json(self._seconds, {"seconds": round(self._before + time.monotonic() - self._start, 1)})


def fit(model: keras.Model, make_dataset: Callable[[int], tf.data.Dataset], schedule: Schedule, config: TrainingConfig,
        parts: dict, callbacks: list[keras.callbacks.Callback], phase: str = "", later: int = 0) -> None:
    """Trains the compiled `model` to the end of the schedule, from the newest checkpoint in config.out if there is one.

    Args:
      make_dataset: step -> the batches from this step on.
      parts: {name: model or optimizer}, which the checkpoints hold.
      phase: folder within config.out, for a training that has several phases.
      later: steps of the phases that follow this one.
    Raises:
      Stopped: after SIGTERM or SIGINT; everything is saved.
      UserError: a loss or weight is NaN or infinite; all checkpoints are gone or damaged, or none can be written; a
        batch cannot be read.
    """
    folder = workers.folder(config) / phase
    folder.mkdir(exist_ok=True)
    checkpoints, seconds = Checkpoints(folder, Path(config.out) / phase, **parts), folder / "seconds.json"
    step = checkpoints.restore()
    if step:
        logging.info("resuming %s after step %d of %d", folder, step, schedule.steps)
    elif seconds.exists():  # it is written after a checkpoint, so there was one
        raise UserError(f"{folder}: the checkpoints of the training that ran there are gone; put them back, or remove "
                        "the folder to start again")
    if config.accumulate > 1:
        accumulate(model, config.accumulate)
    guard = _SaveStopGuard(checkpoints, seconds, step, config)
    stated = stated_minutes(config)
    if stated:
        spent = sum(read_json(path, "remove it").get("seconds", 0.0) for path in Path(config.out).rglob(seconds.name))
        callbacks = [Forecast(stated, schedule.steps - step + later, spent), *callbacks]
    board = keras.callbacks.TensorBoard(folder / "logs", write_graph=False, profile_batch=0)
    per_epoch = schedule.steps_per_epoch
    callbacks = [board, hyperparameters(folder, config.to_json()), *callbacks, guard]
    with model.distribute_strategy.scope(), guard.listening(), user_errors():
        check_same(config, step)
        while step < schedule.steps:  # if a training stopped within an epoch, the first round finishes that epoch
            epoch, done = divmod(step, per_epoch)
            last = epoch + 1 if done else schedule.epochs
            model.fit(make_dataset(step), steps_per_epoch=per_epoch - done, initial_epoch=epoch, epochs=last,
                      callbacks=callbacks)
            step = last * per_epoch
        guard.stop_if_asked()

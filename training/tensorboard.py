"""What TensorBoard shows besides the losses: pictures and hyperparameters."""
from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams
from tensorflow import keras

from data.files import readable
from data.images import write_image


class Pictures(keras.callbacks.Callback):
    """Every `every` epochs, writes what `draw() -> (uint8 (H, W, 3), {name: number})` gives to TensorBoard: a picture,
    which goes to samples/ too, and what was measured on it."""

    def __init__(self, folder: Path, draw: Callable[[], tuple[np.ndarray, dict[str, float]]], every: int = 1):
        super().__init__()
        self._folder, self._draw, self._every = folder / "samples", draw, every
        self._folder.mkdir(exist_ok=True)
        self._writer = tf.summary.create_file_writer(str(folder / "logs" / "pictures"))

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self._every:
            return
        picture, measured = self._draw()
        write_image(self._folder / f"epoch_{epoch + 1:04d}.png", picture)
        with self._writer.as_default(step=epoch + 1):
            tf.summary.image("samples", picture[None])
            for name, value in measured.items():
                tf.summary.scalar(name, value)
        self._writer.flush()


def hyperparameters(folder: Path, options: dict) -> keras.callbacks.Callback:
    """Enters the `options` of the training in `folder` into TensorBoard's HParams table."""
    shown = {name: readable(value) if isinstance(value, str) else value for name, value in options.items()
             if isinstance(value, (bool, int, float, str))}

    def enter(logs):  # as hparams.KerasCallback, which fails when a resumed training calls `fit` a second time
        with tf.summary.create_file_writer(str(folder / "logs")).as_default():
            hparams.hparams(shown)

    return keras.callbacks.LambdaCallback(on_train_begin=enter)

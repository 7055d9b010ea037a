"""Detects mode collapse: a generator that ignores its noise."""
from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import tensorflow as tf
from absl import logging
from tensorflow import keras

LEAST = 0.1  # share of the real pictures' diversity; below it, a warning


def diversity(pictures: np.ndarray) -> float:
    """Mean absolute difference between two of the N >= 2 pictures (N, ...), over all pairs; 0 if all are equal."""
    flat = pictures.reshape(len(pictures), -1)
    ordered = np.sort(flat, axis=0)  # the ranks give the sum of |a - b| over all pairs without N^2 memory
    ranks = 2 * np.arange(len(flat)) - len(flat) + 1
    return float(2 * (ranks[:, None] * ordered).sum(axis=0).mean() / (len(flat) * (len(flat) - 1)))


class Diversity(keras.callbacks.Callback):
    """Every `every` epochs, divides the diversity of `draw() -> (N, ...)` by that of the `real` pictures.

    TensorBoard shows the ratio: 1 is as diverse as the real pictures. A ratio below LEAST causes a warning. Of one real
    picture nothing is measured: drawings that are all like it are as they should be.
    """

    def __init__(self, folder: Path, draw: Callable[[], np.ndarray], real: np.ndarray, every: int):
        super().__init__()
        self._draw, self._every = draw, every
        self._real_diversity = max(diversity(real), 1e-6) if len(real) > 1 else None
        self._writer = tf.summary.create_file_writer(str(folder / "logs" / "diversity"))

    def on_epoch_end(self, epoch, logs=None):
        if self._real_diversity is None or (epoch + 1) % self._every:
            return
        share = diversity(self._draw()) / self._real_diversity
        with self._writer.as_default(step=epoch):
            tf.summary.scalar("diversity", share)
        self._writer.flush()
        if share < LEAST:  # it begins with a new line, for the progress bar ends without one
            logging.warning("\nthe generator draws nearly the same for every z (diversity %.3f of the real pictures'): "
                            "mode collapse; try --reach, --penalty or another --seed", share)

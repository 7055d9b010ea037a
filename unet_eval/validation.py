"""Watches a training on held-out real images."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorboard.plugins.pr_curve import summary as pr_curve
from tensorflow import keras

from data.files import write_json
from data.fundus import View
from unet_eval.config import UnetConfig
from unet_eval.measures.metrics import confusion, scores
from unet_eval.segment import as_graph, probability


class Validation(keras.callbacks.Callback):
    """After every config.validate_every-th epoch and the last: the vessel F1 at 0.5 in the field of view, on the
    working scale, to the progress bar's line, to validation.json as {"f1_vessel", "epoch"} (epochs done) and to
    TensorBoard, with the precision-recall curve. It watches; it chooses nothing."""

    def __init__(self, folder: Path, views: list[View], config: UnetConfig):
        super().__init__()
        self._views, self._config = views, config
        self._file = folder / "validation.json"
        # TensorBoard's HParams table joins a run's flags, in logs, to the scalars of the folders within.
        self._writer = tf.summary.create_file_writer(str(folder / "logs" / "validation"))

    def on_train_begin(self, logs=None):
        self._answer = as_graph(self.model)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self._config.validate_every and epoch + 1 < self.params["epochs"]:
            return
        inside = [view.fov > 0 for view in self._views]
        found = np.concatenate([probability(self._answer, view, self._config)[fov]
                                for view, fov in zip(self._views, inside)])
        truth = np.concatenate([view.mask[fov] > 0 for view, fov in zip(self._views, inside)])
        f1 = float(scores(confusion(truth, found >= 0.5))["f1_vessel"])
        print(f" - val_f1_vessel: {f1:.4f}")
        write_json(self._file, {"f1_vessel": f1, "epoch": epoch + 1})
        with self._writer.as_default(step=epoch):
            tf.summary.scalar("f1_vessel", f1)
            curve = pr_curve.pb("precision_recall", truth, found, num_thresholds=101)
            tf.summary.experimental.write_raw_pb(curve.SerializeToString())
        self._writer.flush()

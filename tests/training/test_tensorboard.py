"""What TensorBoard shows of a run, read back from its event files."""
from __future__ import annotations

import os

import cv2
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorflow import keras

from data.images import read_image
from training.tensorboard import Pictures, hyperparameters


def events(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def test_a_run_fitted_twice_has_its_pictures_and_hyperparameters(tmp_path):
    count = iter(range(9))

    def draw():
        number = next(count)
        return np.full((8, 9, 3), 10 * number, np.uint8), {"contrast/thin": number / 4}

    model = keras.Sequential([keras.layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    options = {"seed": 3, "norm": "batch", "tests": ["drive:x"], "l1_weight": 50.0,
               "pairs": os.fsdecode(b"folder:M\xfcller")}  # no UTF-8, as a folder's name may be
    callbacks = [Pictures(tmp_path, draw, every=2), hyperparameters(tmp_path, options)]
    for first, last in ((0, 1), (1, 5)):  # as a training that was stopped in the middle of an epoch
        model.fit(tf.zeros((4, 1)), tf.zeros((4, 1)), initial_epoch=first, epochs=last, callbacks=callbacks, verbose=0)
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["epoch_0002.png", "epoch_0004.png"]
    assert read_image(tmp_path / "samples" / "epoch_0004.png").max() == 10
    shown = events(tmp_path / "logs" / "pictures").Tensors("samples")
    assert [event.step for event in shown] == [2, 4]
    measured = events(tmp_path / "logs" / "pictures").Tensors("contrast/thin")
    assert [(event.step, tf.make_ndarray(event.tensor_proto)) for event in measured] == [(2, 0), (4, 0.25)]
    png = np.frombuffer(shown[0].tensor_proto.string_val[2], np.uint8)
    assert cv2.imdecode(png, cv2.IMREAD_COLOR).shape == (8, 9, 3)
    data = events(tmp_path / "logs").PluginTagToContent("hparams")
    entered = HParamsPluginData.FromString(data["_hparams_/session_start_info"]).session_start_info.hparams
    assert {name: value.WhichOneof("kind") for name, value in entered.items()} == {
        "seed": "number_value", "norm": "string_value", "l1_weight": "number_value", "pairs": "string_value"}
    assert entered["pairs"].string_value == "folder:Müller"
    assert entered["seed"].number_value == 3

"""What watching a training leaves behind, read back as TensorBoard and a sweep do."""
from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams.api_pb2 import ListSessionGroupsRequest
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.list_session_groups import Handler
from tensorflow import keras

from data.fundus import View
from training.tensorboard import hyperparameters
from unet_eval.validation import Validation


def view(image, mask, fov):
    """A row of pixels."""
    rows = [np.uint8([row]) for row in (image, mask, fov)]
    return View("row", np.stack([rows[0]] * 3, axis=-1), rows[1], rows[2], (0, 0, *rows[0].shape), rows[0].shape)


@pytest.fixture
def watch(tmp_path, unet_config):
    """watch(first, last): trains from epoch `first` to `last` with a validation every 2, in one folder."""
    model = keras.Sequential([keras.layers.Conv2D(1, 1, use_bias=False, input_shape=(None, None, 1))])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.set_weights([np.ones((1, 1, 1, 1), np.float32)])  # the probability is the picture
    # In the field of view 3 pixels are found and 4 are vessels, 2 of them both: F1 = 2 * 2 / (3 + 4). The last pixels
    # of each row are outside.
    views = [view([250, 250, 10, 250], [255, 0, 255, 0], [255, 255, 255, 0]),
             view([200, 20, 20, 20], [255, 255, 0, 255], [255, 255, 255, 0])]

    def run(first, last, folder=tmp_path, **flags):
        validation = Validation(folder, views, unet_config(poolings=1, validate_every=2))
        callbacks = [hyperparameters(folder, flags), validation]
        model.fit(tf.zeros((1, 2, 2, 1)), tf.zeros((1, 2, 2, 1)), initial_epoch=first, epochs=last, verbose=0,
                  callbacks=callbacks)
        return json.loads((folder / "validation.json").read_text())
    run.model = model
    return run


def shown(folder):
    """{epoch, from 0: F1} in TensorBoard."""
    accumulator = EventAccumulator(str(folder / "logs" / "validation"), size_guidance={"tensors": 0})
    accumulator.Reload()
    assert len(accumulator.Tensors("precision_recall/pr_curves")) == len(accumulator.Tensors("f1_vessel"))
    return {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in accumulator.Tensors("f1_vessel")}


def test_the_f1_is_that_of_all_views_within_the_field_of_view(watch, tmp_path):
    assert watch(0, 2) == {"f1_vessel": pytest.approx(4 / 7), "epoch": 2}
    assert shown(tmp_path) == {1: pytest.approx(4 / 7)}


def test_the_last_epoch_is_validated_whatever_the_interval(watch, tmp_path):
    assert watch(0, 5)["epoch"] == 5
    assert list(shown(tmp_path)) == [1, 3, 4]


def test_the_file_has_the_last_epoch_and_not_the_best(watch):
    watch(0, 2)
    watch.model.set_weights([np.zeros((1, 1, 1, 1), np.float32)])  # nothing is found any more
    assert watch(2, 4) == {"f1_vessel": 0.0, "epoch": 4}


def test_hparams_joins_the_flags_of_every_run_to_its_last_f1(watch, tmp_path):
    for weight, loss in ((1.0, "bce"), (0.0, "mse")):
        folder = tmp_path / f"sweep-x-loss_{loss}" / "unet-real"
        folder.mkdir(parents=True)
        watch.model.set_weights([np.full((1, 1, 1, 1), weight, np.float32)])
        watch(0, 3, folder, loss=loss, out=str(folder))
    logs = EventMultiplexer()
    logs.AddRunsFromDirectory(str(tmp_path))
    logs.Reload()
    context = Context(TBContext(data_provider=MultiplexerDataProvider(logs, str(tmp_path))))
    groups = Handler(RequestContext(), context, "", ListSessionGroupsRequest(slice_size=9, allowed_statuses=[0])).run()
    table = [(group.hparams["loss"].string_value, metric.name.group, metric.name.tag, metric.training_step,
              pytest.approx(metric.value)) for group in groups.session_groups for metric in group.metric_values]
    assert sorted(table, key=lambda row: row[0]) == [
        ("bce", "validation", "f1_vessel", 2, 4 / 7),
        ("mse", "validation", "f1_vessel", 2, 0.0)]

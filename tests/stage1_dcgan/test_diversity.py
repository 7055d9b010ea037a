"""A generator that ignores its noise is noticed."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from stage1_dcgan.config import Stage1Config
from stage1_dcgan.diversity import Diversity, diversity
from stage1_dcgan.inputs import draw_z, pictures
from stage1_dcgan.networks import generator
from training import devices


def test_diversity_is_the_mean_difference_of_all_pairs():
    random = np.random.default_rng(0).normal(size=(5, 3, 4))
    pairs = [np.abs(random[a] - random[b]).mean() for a in range(5) for b in range(a)]
    assert diversity(random) == pytest.approx(np.mean(pairs))
    assert diversity(np.ones((4, 3, 3))) == 0


@pytest.fixture
def watch(views, tmp_path, caplog):
    """Calls the callback with a drawing generator; (warnings, the scalar's values)."""
    real = pictures(views, Stage1Config(pairs="drive:x", out="x", size=64, encoding="signed_distance"))

    def run(model, epochs=(0, 1, 2, 3), count=3):
        z = tf.stack([draw_z(1, number) for number in range(8)])
        callback = Diversity(tmp_path, lambda: model(z, training=True).numpy(), real[:count], every=2)
        for epoch in epochs:
            callback.on_epoch_end(epoch)
        shown = EventAccumulator(str(tmp_path / "logs" / "diversity"))
        shown.Reload()
        told = shown.Tensors("diversity") if "diversity" in shown.Tags()["tensors"] else []
        values = [float(tf.make_ndarray(event.tensor_proto)) for event in told]
        return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"], values
    return run


def test_a_generator_that_ignores_its_noise_is_told(watch):
    devices.set_seed(0)
    model = generator(64, 4)
    model.layers[1].kernel.assign(tf.zeros_like(model.layers[1].kernel))  # z is multiplied by nothing
    warnings, values = watch(model)
    assert len(values) == 2 and max(values) < 0.001
    assert len(warnings) == 2 and "mode collapse" in warnings[0]


def test_of_one_real_picture_nothing_is_measured(watch):
    """Drawings that are all like it are as they should be, and no multiple of its diversity, which is 0."""
    devices.set_seed(0)
    model = generator(64, 4)
    model.layers[1].kernel.assign(tf.zeros_like(model.layers[1].kernel))
    assert watch(model, count=1) == ([], [])


def test_a_generator_that_does_not_is_not(watch):
    devices.set_seed(0)
    model = generator(64, 4)
    last = model.layers[-2]
    last.kernel.assign(last.kernel * 100)  # as if it had learned contrast
    warnings, values = watch(model)
    assert min(values) > 0.3 and not warnings

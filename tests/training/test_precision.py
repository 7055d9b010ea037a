"""Number formats: which one `auto` is, and that float16 trains as float32 does."""
from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from data.errors import UserError
from stage1_dcgan.config import Stage1Config
from tests.bench.networks import coarse
from training import devices, precision
from training.fit import Schedule
from training.run_folder import read_config, read_record
from unet_eval.config import UnetConfig
from unet_eval.train import build as build_unet

STEPS = 6


@pytest.mark.parametrize("name, policy", [("float32", "float32"), ("bfloat16", "mixed_bfloat16"),
                                          ("float16", "mixed_float16")])
def test_precision_is_what_was_asked(request, name, policy):
    if name == "bfloat16":
        request.getfixturevalue("bfloat16")
    assert precision.set_precision(name) == name
    assert keras.mixed_precision.global_policy().name == policy


@pytest.mark.parametrize("capabilities, expected", [
    ([(3, 7), (3, 7)], "float32"), ([(6, 1)], "float32"), ([(7, 0)], "float16"), ([(9, 0), (8, 6)], "float16"),
    ([(8, 0), (3, 7)], "float32"), ([None], "float32")])
def test_auto_is_float16_where_all_gpus_have_tensor_cores(capabilities, expected):
    assert precision.for_gpus(capabilities) == expected


@pytest.mark.parametrize("flags, expected", [("fma avx512_bf16 amx_tile", True), ("fma avx512f", False)])
def test_bfloat16_needs_instructions_for_it(tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    assert precision.cpu_multiplies_bfloat16(tmp_path / "cpuinfo") == expected
    assert not precision.cpu_multiplies_bfloat16(tmp_path / "absent")


def test_bfloat16_that_the_processor_lacks_is_refused_with_the_remedy(monkeypatch):
    """Else it ends in a traceback of TensorFlow at the first step, also of a training from another machine."""
    monkeypatch.setattr(precision, "computes_bfloat16", lambda: False)
    with pytest.raises(UserError, match="cannot train in bfloat16.*take --precision=float32"):
        precision.set_precision("bfloat16")


@pytest.mark.training
def test_a_layer_trains_in_bfloat16_where_the_processor_is_said_to(bfloat16):
    layer = keras.layers.Conv2D(2, 3)
    assert tf.function(layer)(tf.ones((1, 8, 8, 1))).dtype == tf.bfloat16


def test_auto_is_one_of_the_formats_and_the_trial_is_run():
    keras.mixed_precision.set_global_policy("float32")
    assert precision.bfloat16_pays() in (True, False)
    assert precision.set_precision("auto", trial=False) in precision.POLICIES


def test_an_older_record_says_what_it_meant(tmp_path):
    flags = {**Stage1Config(pairs="drive:x", out="x").to_json(), "precision": "mixed_bfloat16"}
    (tmp_path / "config.json").write_text(json.dumps({"version": 2, "flags": flags, "data": {},
                                                      "resolved": {"precision": "mixed_bfloat16"}}))
    assert read_config(tmp_path, Stage1Config, "").precision == "bfloat16"
    assert read_record(tmp_path, "")["resolved"] == {"precision": "bfloat16"}


def gan_losses(name):
    precision.set_precision(name)
    devices.set_seed(0)
    gan, batch = coarse(size=24, base=4, batch=2)  # its discriminator has a gradient penalty
    step, shown = tf.function(gan.train_step), []
    for _ in range(STEPS):
        gan.reset_metrics()
        losses = step(batch)
        shown.append([float(losses[loss]) for loss in ("d_loss", "g_loss")])
    return np.array(shown), gan


@pytest.mark.training
@pytest.mark.long
def test_a_gan_in_float16_has_the_losses_of_float32_and_its_small_gradients():
    expected, _ = gan_losses("float32")
    shown, gan = gan_losses("float16")
    assert isinstance(gan.d_optimizer, keras.mixed_precision.LossScaleOptimizer)
    assert int(gan.d_optimizer.iterations) == int(gan.g_optimizer.iterations) == STEPS  # no step was left out
    assert shown == pytest.approx(expected, rel=0.03)
    slopes = gan.penalty_gradients(lambda x: tf.reduce_sum(gan.discriminator(tf.concat([x, x[..., :2]], -1))),
                                   tf.random.stateless_normal((2, 24, 24, 3), (0, 0)), 1e-4)
    assert all(np.isfinite(slope).all() for slope in slopes)


@pytest.mark.training
def test_a_unet_in_float16_scales_its_loss_and_can_be_restored(tmp_path):
    precision.set_precision("float16")
    config = UnetConfig(pairs="drive:x", out="x", base=4, poolings=1, crop=16, batch_size=2, optimizer="adam")
    schedule = Schedule(1, 2, 2, 0)
    model = build_unet(config, schedule)
    assert isinstance(model.optimizer, keras.mixed_precision.LossScaleOptimizer)
    picture = tf.random.stateless_uniform((2, 16, 16, 1), (0, 0))
    model.train_on_batch(picture, tf.round(picture))
    path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(str(tmp_path / "ckpt"))
    other = build_unet(config, schedule)
    tf.train.Checkpoint(model=other, optimizer=other.optimizer).read(path).assert_consumed()
    assert int(other.optimizer.iterations) == 1

"""Trains every stage on one device and on two with the same global batches; prints by how much the weights differ.

Run by test_devices.py: logical devices have to be set before TensorFlow starts.
"""
from __future__ import annotations

import json
import sys
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

import stage1_dcgan.inputs
import unet_eval.inputs
from data.fundus import load_views
from data.layouts import samples
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.train import build
from stage2_pix2pix.architectures import coarse_to_fine, pix2pix
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.preparation import prepared
from training import devices
from training.accumulate import accumulate
from training.fit import Schedule
from training.gan import GAN
from unet_eval.config import UnetConfig
from unet_eval.losses import bce_dice
from unet_eval.networks import unet_of

BATCH, STEPS = 4, 2
COMMON = {"pairs": "drive:x", "out": "x", "batch_size": BATCH, "base": 4}


def compiled(gan, learning_rate):
    # Adam divides by the gradient and makes much of a rounding error; so steepest descent, in large steps
    gan.compile(keras.optimizers.SGD(learning_rate), keras.optimizers.SGD(learning_rate))
    return gan


def stage1(views, schedule, d_norm, penalty, reach, learning_rate):
    config = Stage1Config(**COMMON, size=64, encoding="signed_distance", d_norm=d_norm, penalty=penalty, reach=reach)
    real = stage1_dcgan.inputs.pictures(views, config)

    def make():
        return compiled(build(config), learning_rate), stage1_dcgan.inputs.dataset(real, schedule)
    return make


def stage2(pairs, schedule, norm, parts):
    config = Stage2Config(**COMMON, size=64, d_base=4, norm=norm, d_norm=norm, upsampling="resize", tell_fov=True,
                          colour_code=True, noise=1, flips=True, l1_weight=10.0)

    def make():
        gan = compiled(pix2pix.build(config, pix2pix.networks(config)), 0.05)
        if parts > 1:
            accumulate(gan, parts)
        return gan, pix2pix.dataset(pairs, config, schedule)
    return make


def stage2_phase(pairs, schedule, number, learning_rate):
    """The segmenter, the coarse or the fine network of coarse_to_fine."""
    config = Stage2Config(**COMMON, architecture="coarse_to_fine", size=64, crop=64, d_base=4, coarse_batch=BATCH,
                          coarse_steps=1, vessel_looks=True)

    def make():
        phases = coarse_to_fine.phases(config, coarse_to_fine.networks(config), pairs, schedule)
        *_, phase = islice(phases, number + 1)
        if isinstance(phase.model, GAN):
            compiled(phase.model, learning_rate)
        else:
            phase.model.compile(keras.optimizers.SGD(learning_rate), keras.losses.BinaryCrossentropy())
        return phase.model, phase.dataset(0)
    return make


def unet_arm(views, schedule):
    config = UnetConfig(**COMMON, poolings=2, crop=32, augmentation="strong", rotate=20.0, elastic=3.0)

    def make():
        model = unet_of(config)
        model.compile(keras.optimizers.SGD(0.05), bce_dice)
        pairs = unet_eval.inputs.RealPairs(views, config.input)
        return model, unet_eval.inputs.dataset(pairs, config, schedule)
    return make


def train(strategy, make):
    """(weights before, weights after, losses)."""
    devices.set_seed(1)
    with strategy.scope():
        model, dataset = make()
    before = [weight.numpy() for weight in model.trainable_variables]
    history = model.fit(dataset, verbose=0).history
    return before, [weight.numpy() for weight in model.trainable_variables], history


def largest(differences):
    return [float(np.abs(difference).max()) for difference in differences]


def main(spec):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    views, schedule = load_views(spec, "train"), Schedule(1, STEPS, BATCH, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        pairs = prepared(samples(spec, "train"), 64, Path(folder) / "pairs.h5", {})
    (one, _), (two, _) = (devices.choose_strategy(name, BATCH) for name in ("one", "mirrored"))
    makers = {"stage1": stage1(views, schedule, "none", 0.05, 0.125, 5.0),
              "stage1, batch norm in D": stage1(views, schedule, "batch", 0.0, 0.125, 0.05),
              "stage2, batch norm": stage2(pairs, schedule, "batch", 1),
              "stage2, batches in parts": stage2(pairs, schedule, "none", 2),
              "segmenter of coarse_to_fine, batch norm": stage2_phase(pairs, schedule, 0, 0.05),
              "coarse network": stage2_phase(pairs, schedule, 1, 1e-3),
              "fine network": stage2_phase(pairs, schedule, 2, 0.01),
              "unet, batch norm": unet_arm(views, schedule)}
    report = {"devices": [one.num_replicas_in_sync, two.num_replicas_in_sync]}
    for name, make in makers.items():
        before, alone, losses = train(one, make)
        _, together, losses_together = train(two, make)
        report[name] = {"size": max(largest(before)), "losses": [losses, losses_together],
                        "moved": largest([a - b for a, b in zip(before, alone)]),
                        "difference": largest([a - b for a, b in zip(alone, together)])}
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])

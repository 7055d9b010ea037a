"""Trains every stage on one device and on two with the same global batches; prints by how much the weights differ.

Run by test_strategy.py: logical devices have to be set before TensorFlow starts.
"""
from __future__ import annotations

import json
import sys

import numpy as np
import tensorflow as tf
from tensorflow import keras

import stage1_dcgan.inputs
import stage2_pix2pix.inputs
import unet_eval.inputs
from data.fundus import load_views
from stage1_dcgan.gan import DCGAN
from stage1_dcgan.networks import discriminator as mask_discriminator
from stage1_dcgan.networks import generator as mask_generator
from stage2_pix2pix.gan import Pix2Pix
from stage2_pix2pix.networks import discriminator, generator
from training import strategy
from training.fit import Schedule
from unet_eval.losses import bce_dice
from unet_eval.networks import unet

BATCH, STEPS = 4, 2


def compiled(gan, learning_rate):
    # Adam divides by the gradient and makes much of a rounding error; so steepest descent, in large steps
    gan.compile(keras.optimizers.SGD(learning_rate), keras.optimizers.SGD(learning_rate))
    return gan


def stage1(views, schedule, d_norm, penalty, learning_rate):
    real = stage1_dcgan.inputs.pictures(views, stage1_dcgan.inputs.Artist(64, 4, "signed_distance", 8.0))

    def make():
        gan = DCGAN(mask_generator(64, 4), mask_discriminator(64, 4, norm=d_norm), 2, 0.125, penalty)
        return compiled(gan, learning_rate), stage1_dcgan.inputs.dataset(real, schedule)
    return make


def stage2(views, schedule, norm, d_norm):
    renderer = stage2_pix2pix.inputs.Renderer(64, 4, norm, 0.5, "resize", True, True, 1, False)
    pairs = stage2_pix2pix.inputs.Pairs.of(views, 64)

    def make():
        gan = Pix2Pix(generator(64, 4, 3, norm, 0.5, "resize"), discriminator(64, 4, 2, d_norm), 10.0)
        return compiled(gan, 0.05), stage2_pix2pix.inputs.dataset(pairs, renderer, True, schedule)
    return make


def unet_arm(views, schedule):
    def make():
        model = unet(4, 2)
        model.compile(keras.optimizers.SGD(0.05), bce_dice)
        crops = unet_eval.inputs.Crops(32, "strong", 20.0, 3.0)
        return model, unet_eval.inputs.dataset(unet_eval.inputs.RealPairs(views, "grey"), crops, schedule)
    return make


def trained(devices, make):
    strategy.set_seed(1)
    with devices.scope():
        model, dataset = make()
    before = [weight.numpy() for weight in model.trainable_variables]
    history = model.fit(dataset, verbose=0).history
    return before, [weight.numpy() for weight in model.trainable_variables], history


def largest(differences):
    return [float(np.abs(one).max()) for one in differences]


def main(spec):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    views, schedule = load_views(spec, "train"), Schedule(1, STEPS, BATCH, seed=1)
    one, two = strategy.choose("one", BATCH), strategy.choose("mirrored", BATCH)
    makers = {"stage1": stage1(views, schedule, "none", 0.05, 5.0),
              "stage1, batch norm in D": stage1(views, schedule, "batch", 0.0, 0.05),
              "stage2, batch norm": stage2(views, schedule, "batch", "batch"),
              "unet, batch norm": unet_arm(views, schedule)}
    found = {"devices": [one.num_replicas_in_sync, two.num_replicas_in_sync]}
    for name, make in makers.items():
        before, alone, losses = trained(one, make)
        _, together, losses_together = trained(two, make)
        found[name] = {"size": max(largest(before)), "losses": [losses, losses_together],
                       "moved": largest([a - b for a, b in zip(before, alone)]),
                       "apart": largest([a - b for a, b in zip(alone, together)])}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])

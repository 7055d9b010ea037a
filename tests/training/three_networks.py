"""The three networks in trainings of a few steps, and what stops them."""
from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from tensorflow import keras

import stage1_dcgan.inputs
import unet_eval.inputs
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.train import build as build_stage1
from stage2_pix2pix.architectures import pix2pix
from stage2_pix2pix.config import Stage2Config
from training.fit import Schedule, fit
from unet_eval.config import UnetConfig
from unet_eval.train import build as build_unet

EPOCHS, STEPS = 3, 3
COMMON = {"pairs": "drive:x", "out": "x", "batch_size": 4, "epochs": EPOCHS, "steps_per_epoch": STEPS, "seed": 1}


class Training:
    """One of the three networks with all its options on, its data, and how to begin again from its first weights."""

    def __init__(self, config, model, parts, make_dataset):
        self.config, self.model, self.parts, self.make_dataset = config, model, parts, make_dataset
        self.first = self.state()

    @property
    def variables(self):
        return [variable for part in self.parts.values() for variable in part.variables]

    def state(self):
        return [variable.numpy().copy() for variable in self.variables]

    def begin(self):
        self.put(self.first)

    def forget(self):
        """What a new process has: other numbers everywhere."""
        self.put([np.ones_like(value) for value in self.first])

    def put(self, values):
        for variable, value in zip(self.variables, values):
            variable.assign(value)

    def fit(self, folder, epochs=EPOCHS, callbacks=(), change=lambda dataset: dataset, **flags):
        config = replace(self.config, out=str(folder), epochs=epochs, **flags)
        schedule = Schedule.from_config(config, 3)
        folder.mkdir(exist_ok=True)
        fit(self.model, lambda step: change(self.make_dataset(schedule, step)), schedule, config, self.parts,
            list(callbacks))


def gan_parts(gan):
    return {"generator": gan.generator, "discriminator": gan.discriminator, "g_optimizer": gan.g_optimizer,
            "d_optimizer": gan.d_optimizer}


def stage1(views, pairs):
    config = Stage1Config(**COMMON, size=64, base=4, encoding="signed_distance", d_norm="none", generator_steps=2,
                          reach=0.125, penalty=0.05, ema=0.9)
    real, gan = stage1_dcgan.inputs.pictures(views, config), build_stage1(config)
    return Training(config, gan, gan_parts(gan),
                    lambda schedule, step: stage1_dcgan.inputs.dataset(real, schedule, step))


def stage2(views, pairs):
    config = Stage2Config(**COMMON, size=64, base=4, d_base=4, upsampling="resize", tell_fov=True, colour_code=True,
                          noise=1, flips=True, l1_weight=10.0)
    gan = pix2pix.build(config, pix2pix.networks(config))
    return Training(config, gan, gan_parts(gan), lambda schedule, step: pix2pix.dataset(pairs, config, schedule, step))


def unet_arm(views, pairs):
    config = UnetConfig(**COMMON, base=4, poolings=2, input="green_clahe", crop=32, augmentation="strong", rotate=20.0,
                        elastic=3.0, loss="bce_dice", optimizer="adam", learning_rate=1e-2, cosine_decay=True)
    real = unet_eval.inputs.RealPairs(views, config.input)
    model = build_unet(config, Schedule.from_config(config, 4))
    return Training(config, model, {"model": model, "optimizer": model.optimizer},
                    lambda schedule, step: unet_eval.inputs.dataset(real, config, schedule, step))


MAKERS = {"stage1": stage1, "stage2": stage2, "unet": unet_arm}


def networks(*names):
    return pytest.mark.parametrize("training", names, indirect=True)


class At(keras.callbacks.Callback):
    """Calls `act` once, when the `step`-th batch of this `fit` begins or has ended."""

    def __init__(self, act, begin=None, end=None):
        super().__init__()
        self.act, self.at, self.count = act, {"begin": begin, "end": end}, {"begin": 0, "end": 0}

    def _notice(self, what):
        self.count[what] += 1
        if self.count[what] == self.at[what]:
            self.act()

    def on_train_batch_begin(self, batch, logs=None):
        self._notice("begin")

    def on_train_batch_end(self, batch, logs=None):
        self._notice("end")


class Killed(BaseException):
    """In the place of a kill: nothing is saved after it."""


def kill():
    raise Killed


def ask(number):
    return lambda: os.kill(os.getpid(), number)


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other))


def steps(folder):
    """Of the checkpoints."""
    return sorted(int(path.stem.partition("-")[2]) for path in folder.glob("ckpt-*.index"))

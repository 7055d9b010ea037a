"""Stage-II in two steps. A coarse network draws light and disc of the whole view at 24 pixels; a fine network makes a
photograph of them, the mask and noise. It is trained on crops, and renders any size in one pass.

A third network, a small U-Net that segments the green channel of the training pairs, is trained first and then frozen:
the fine network's loss asks it whether the vessels can be seen. No U-Net of unet_eval enters a loss.
"""
from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import tensorflow as tf
from tensorflow import keras

from data.randomness import normal
from stage2_pix2pix.architectures import Phase
from stage2_pix2pix.architectures.coarse_to_fine.gan import FineGAN, draw
from stage2_pix2pix.architectures.coarse_to_fine.inputs import (
    Views,
    coarse_batches,
    coarse_inputs,
    colours,
    enlarge,
    fine_batches,
    segmenter_batches,
    signed,
)
from stage2_pix2pix.architectures.coarse_to_fine.networks import (
    COARSE_BASE,
    DEPTH,
    SEGMENTER_BASE,
    discriminator,
    unet,
)
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import RENDERING, Pairs
from training.fit import Schedule

KNOWN = 5            # planes that both fine networks see: mask, field of view, coarse picture
PHASE_BATCH = 8      # examples per step of the segmenter and of the coarse network
SEGMENTER_STEPS, COARSE_STEPS, EPOCHS = 1000, 1500, 5
AVERAGE = 0.98       # momentum of the moving average of the generator's weights


def networks(config: Stage2Config) -> dict[str, keras.Model]:
    return {"coarse": unet(2, COARSE_BASE, 3, name="coarse"),
            "generator": unet(KNOWN, config.base, 3, noise=True, name="generator")}


def codes(config: Stage2Config, pairs: Pairs) -> np.ndarray:
    views = Views.from_pairs(pairs)
    own = [colours(coarse, coarse_inputs(mask, fov)[..., 1] > 0)
           for mask, fov, coarse in zip(views.masks, views.fovs, views.coarse)]
    return np.concatenate([pairs.codes[:len(pairs) - len(own)], own])


def phases(config: Stage2Config, networks: dict, pairs: Pairs, schedule: Schedule) -> Iterator[Phase]:
    views = Views.from_pairs(pairs)

    def supervised(name, model, steps, rate, loss, dataset):
        own = Schedule(EPOCHS, steps // EPOCHS, PHASE_BATCH, schedule.seed)
        model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, own.steps)), loss)
        model.optimizer.build(model.trainable_variables)
        return Phase(name, model, lambda step: dataset(own, step), own, {"model": model, "optimizer": model.optimizer})

    segmenter = unet(1, SEGMENTER_BASE, 1, normalised=True, activation="sigmoid", name="segmenter")
    yield supervised("segmenter", segmenter, SEGMENTER_STEPS, 4e-3, keras.losses.BinaryCrossentropy(),
                     lambda own, step: segmenter_batches(views, config, own, step))
    yield supervised("coarse", networks["coarse"], COARSE_STEPS, 1e-3, keras.losses.MeanAbsoluteError(),
                     lambda own, step: coarse_batches(views, own, step))

    gan = FineGAN(networks["generator"], discriminator(KNOWN + 6, config.d_base), segmenter, config.agreement)
    gan.compile(keras.optimizers.Adam(5e-4, beta_1=0.5),
                keras.optimizers.Adam(config.learning_rate, beta_1=0.5, use_ema=True, ema_momentum=AVERAGE))
    yield Phase("", gan, lambda step: fine_batches(views, config, schedule, step), schedule, gan.parts)
    gan.g_optimizer.finalize_variable_values(networks["generator"].trainable_variables)


def render(networks: dict, config: Stage2Config, mask: np.ndarray, fov: np.ndarray, code: np.ndarray, seed: int,
           row: int) -> np.ndarray:
    inputs = coarse_inputs(mask, fov)
    coarse = networks["coarse"](inputs[None], training=False)[0].numpy()
    inside = inputs[..., 1] > 0
    own = colours(coarse, inside)
    # The coarse network learned nothing about pixels beyond the rim: what lies inside is continued there.
    weight = inside.astype(np.float32)
    around = cv2.GaussianBlur(coarse * weight[..., None], (0, 0), 1.5) / np.maximum(
        cv2.GaussianBlur(weight, (0, 0), 1.5), 1e-3)[..., None]
    coarse = (np.where(inside[..., None], coarse, around) - own[:3]) / own[3:] * code[3:] + code[:3]
    known = np.concatenate([signed(np.dstack([mask, fov])), enlarge(coarse.astype(np.float32), config.size)], axis=-1)
    noise = normal(seed, row, RENDERING, (1, config.size, config.size, DEPTH))
    picture = draw(networks["generator"], tf.constant(known[None], tf.float32), noise, training=False)[0].numpy()
    return np.clip(np.round(picture * 127.5 + 127.5), 0, 255).astype(np.uint8)

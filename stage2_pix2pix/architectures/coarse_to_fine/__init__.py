"""Stage-II in two steps. A coarse GAN draws colours and optic disc of the whole view at 48 pixels, from the field of
view, the place of the disc and noise; light is added to them. A fine GAN makes a photograph of that, the mask and
noise. It is trained on crops, and renders any size in one pass.

A third network, a small U-Net that segments the green channel of the training pairs, is trained first and then frozen:
the fine network's loss asks it whether the vessels can be seen. No U-Net of unet_eval enters a loss.
"""
from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras.optimizers.schedules import CosineDecay

from data.randomness import normal
from data.vessels import meeting_point
from stage2_pix2pix.architectures import Phase
from stage2_pix2pix.architectures.coarse_to_fine.coarse import (
    COARSE_KNOWN,
    CODE,  # noqa: F401  (of every architecture)
    NEAR,
    coarse_example,
    coarse_inputs,
    coarse_inside,
    coarse_picture,
    colours,
    described,
    disc_of,
    drawn_codes,  # noqa: F401  (one of the eight functions)
    light,
    signed,
    standardised,
    without_green_patches,
)
from stage2_pix2pix.architectures.coarse_to_fine.gan import SIDES, CoarseGAN, FineGAN, draw, draw_coarse, with_textures
from stage2_pix2pix.architectures.coarse_to_fine.inputs import (
    KNOWN,
    Views,
    coarse_batches,
    enlarge,
    fine_batches,
    fine_known,
    segmenter_batches,
    with_looks,
)
from stage2_pix2pix.architectures.coarse_to_fine.networks import (
    COARSE_BASE,
    NOISES,
    SEGMENTER_BASE,
    discriminator,
    unet,
)
from stage2_pix2pix.architectures.coarse_to_fine.traced import traced  # noqa: F401  (one of the eight functions)
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import RENDERING, Pairs
from training.fit import Schedule
from training.optimizers import Adam

PHASE_EPOCHS = 5     # of the segmenter and of the coarse network, each with a checkpoint
AVERAGE = 0.98       # momentum of the moving average of the generator's weights
IMITATED_ONLY = True


def networks(config: Stage2Config) -> dict[str, keras.Model]:
    return {"coarse": unet(COARSE_KNOWN, COARSE_BASE, 3, noise=True, name="coarse"),
            "generator": unet(fine_known(config), config.base, 3, noise=True, name="generator")}


def codes(config: Stage2Config, pairs: Pairs) -> np.ndarray:
    return np.stack([described(coarse_picture(photograph, mask, fov), fov, meeting_point(mask))[1]
                     for mask, fov, photograph in pairs])


def phases(config: Stage2Config, networks: dict, pairs: Pairs, schedule: Schedule) -> Iterator[Phase]:
    views = Views(pairs)

    def own_schedule(steps):
        return Schedule(PHASE_EPOCHS, max(1, steps // PHASE_EPOCHS), config.coarse_batch, schedule.seed)

    brief, coarse_schedule = own_schedule(config.coarse_steps * 2 // 3), own_schedule(config.coarse_steps)
    segmenter = unet(1, SEGMENTER_BASE, 1, normalised=True, activation="sigmoid", name="segmenter")
    segmenter.compile(Adam(CosineDecay(4e-3, brief.steps)), keras.losses.BinaryCrossentropy())
    segmenter.optimizer.build(segmenter.trainable_variables)
    yield Phase("segmenter", segmenter, lambda step: segmenter_batches(views, config, brief, step), brief,
                {"model": segmenter, "optimizer": segmenter.optimizer}, coarse_schedule.steps + schedule.steps)

    judging = judges(config)
    coarse = CoarseGAN(networks["coarse"], judging["coarse"])
    # Twice these rates did not end well on procedural eyes: after 370 steps drawings grew out of all bounds.
    coarse.compile(Adam(2.5e-4, beta_1=0.5), averaged_adam(2.5e-4))
    yield Phase("coarse", coarse, lambda step: coarse_batches(views, coarse_schedule, step), coarse_schedule,
                coarse.parts, schedule.steps)
    coarse.g_optimizer.finalize_variable_values(networks["coarse"].trainable_variables)

    gan = FineGAN(networks["generator"], judging[""], segmenter, config.agreement)
    # With constant rates the contrast of vessels in renderings went up and down until the training ended.
    gan.compile(Adam(CosineDecay(5e-4, schedule.steps), beta_1=0.5),
                averaged_adam(CosineDecay(config.learning_rate, schedule.steps)))
    yield Phase("", gan, lambda step: fine_batches(views, config, schedule, step), schedule, gan.parts)
    gan.g_optimizer.finalize_variable_values(networks["generator"].trainable_variables)


def judges(config: Stage2Config) -> dict[str, keras.Model]:
    seen = KNOWN + 3 * (1 + len(SIDES))  # also the picture, and its texture in each size
    return {"coarse": discriminator(COARSE_KNOWN + 3, COARSE_BASE), "": discriminator(seen, config.d_base)}


def judged(judges: dict, config: Stage2Config, mask: np.ndarray, fov: np.ndarray, photograph: np.ndarray) \
        -> dict[str, float]:
    coarse = coarse_picture(photograph, mask, fov)
    inputs, standard = coarse_example(coarse, fov, meeting_point(mask))
    shown = {"coarse": np.concatenate([inputs, standard * (inputs[..., :1] + 1) / 2], axis=-1)}
    known = np.concatenate([signed(np.dstack([mask, fov])), enlarge(coarse, config.size)], axis=-1)
    shown[""] = with_textures(tf.constant(known[None]), tf.constant(signed(photograph)[None]))[0]
    return {name: float(tf.reduce_mean(judges[phase](tf.constant(shown[phase][None], tf.float32), training=False)))
            for name, phase in (("coarse discriminator", "coarse"), ("fine discriminator", ""))}


def averaged_adam(rate: float | CosineDecay) -> keras.optimizers.Optimizer:
    return Adam(rate, beta_1=0.5, use_ema=True, ema_momentum=AVERAGE)


def render(networks: dict, config: Stage2Config, mask: np.ndarray, fov: np.ndarray, code: np.ndarray, seed: int,
           row: int) -> np.ndarray:
    meeting = meeting_point(mask)
    disc = disc_of(code, meeting, config.size)
    inputs, lit = coarse_inputs(disc, fov, code), np.float32(light(code))
    coarse = draw_coarse(networks["coarse"], tf.constant(inputs), seed, row).numpy()
    inside = coarse_inside(fov)
    own = colours(coarse, inside, disc, config.size)
    # The coarse network learned nothing about pixels beyond the rim: what lies inside is continued there.
    weight = inside.astype(np.float32)
    around = cv2.GaussianBlur(coarse * weight[..., None], (0, 0), 1.5) / np.maximum(
        cv2.GaussianBlur(weight, (0, 0), 1.5), 1e-3)[..., None]
    coarse = standardised(np.where(inside[..., None], coarse, around), own) * code[3:6] + lit
    coarse = without_green_patches(coarse.astype(np.float32), lit, inputs[..., NEAR]).numpy()
    known = np.concatenate([signed(np.dstack([mask, fov])), enlarge(coarse, config.size)], axis=-1)
    known = with_looks(tf.constant(known[None], tf.float32), config, meeting, seed, row)
    noise = normal(seed, row, RENDERING, (1, config.size, config.size, NOISES))
    picture = draw(networks["generator"], known, noise, training=False)[0].numpy()
    return np.clip(np.round(picture * 127.5 + 127.5), 0, 255).astype(np.uint8)

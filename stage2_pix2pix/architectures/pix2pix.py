"""The architecture of the paper: a pix2pix on whole views (Section 7). The package says what its functions do."""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from tensorflow import keras

from data.randomness import normal
from stage2_pix2pix import networks as builders
from stage2_pix2pix.architectures import Phase
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.gan import Pix2Pix, black_outside, colour
from stage2_pix2pix.inputs import RENDERING, Pairs, dataset, drawn_codes, known  # noqa: F401  (one of the eight)
from training.fit import Schedule
from training.optimizers import Adam

CODE = 6  # numbers of inputs.colour_code
IMITATED_ONLY = False


def networks(config: Stage2Config) -> dict[str, keras.Model]:
    return {"generator": builders.generator(config.size, config.base, config.known_planes + config.noise, config.norm,
                                            config.dropout, config.upsampling)}


def build(config: Stage2Config, networks: dict) -> Pix2Pix:
    """The compiled GAN around the generator."""
    gan = Pix2Pix(networks["generator"], judges(config)[""], config.l1_weight)
    gan.compile(_optimizer(config), _optimizer(config))
    return gan


def phases(config: Stage2Config, networks: dict, pairs: Pairs, schedule: Schedule) -> Iterator[Phase]:
    gan = build(config, networks)
    yield Phase("", gan, lambda step: dataset(pairs, config, schedule, step), schedule, gan.parts)


def _optimizer(config: Stage2Config) -> keras.optimizers.Optimizer:
    if config.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(config.learning_rate)
    return Adam(config.learning_rate, beta_1=0.5)


def codes(config: Stage2Config, pairs: Pairs) -> np.ndarray:
    return pairs.codes


def render(networks: dict, config: Stage2Config, mask: np.ndarray, fov: np.ndarray, code: np.ndarray,
           seed: int, row: int) -> np.ndarray:
    photograph = traced(networks, config, tf.constant(mask), tf.constant(fov), tf.constant(code, tf.float32), seed, row)
    return np.clip(np.round(photograph.numpy() * 127.5 + 127.5), 0, 255).astype(np.uint8)


def traced(networks: dict, config: Stage2Config, mask: tf.Tensor, fov: tf.Tensor, code: tf.Tensor, seed: int,
           row: int | tf.Tensor) -> tf.Tensor:
    planes = known(mask[None], fov[None], config)
    noise = normal(seed, row, RENDERING, (1, config.size, config.size, config.noise))
    photograph = networks["generator"]([tf.concat([planes, noise], -1), tf.zeros((1, 2), tf.int64)], training=False)
    if config.colour_code:
        photograph = colour(photograph, code[None])
    return black_outside(photograph, tf.cast(fov[None, ..., None] > 0, tf.float32))[0]


def judges(config: Stage2Config) -> dict[str, keras.Model]:
    return {"": builders.discriminator(config.size, config.d_base, config.known_planes, config.d_norm)}


def judged(judges: dict, config: Stage2Config, mask: np.ndarray, fov: np.ndarray, photograph: np.ndarray) \
        -> dict[str, float]:
    planes = known(tf.constant(mask[None]), tf.constant(fov[None]), config)
    answer = judges[""]([planes, tf.constant(photograph[None] / np.float32(127.5) - 1)], training=False)
    return {"discriminator": float(tf.reduce_mean(answer))}

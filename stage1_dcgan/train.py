"""Trains Stage-I on the masks of an annotated data set, or the single GAN (paper, Section 13) on its photographs.

python -m stage1_dcgan.train --pairs=drive:data/raw/DRIVE --out=checkpoints/quick/stage1
"""
from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
from absl import logging
from tensorflow import keras

from data import layouts
from data.check import check_pairs
from data.fundus import load_view
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.diversity import Diversity
from stage1_dcgan.gan import DCGAN
from stage1_dcgan.inputs import amount_of_variety, dataset, draw_z, grey, pictures
from stage1_dcgan.networks import discriminator, generator
from training import devices
from training.cli import run
from training.fit import Schedule, fit
from training.optimizers import Adam
from training.pictures import grid
from training.run_folder import RunFolder
from training.tensorboard import Pictures
from training.warm import WarmStart, record_seen
from training.weights import averaged, save_weights

SHEET = 16  # drawings on a sample picture


def build(config: Stage1Config, start: Callable[[dict[str, keras.Model]], None] = lambda networks: None) -> DCGAN:
    """The compiled GAN. All variables of its optimizers exist, so that a checkpoint can be restored.

    `start` gives the generator its first weights. It comes before the optimizer, which averages from these on.
    """
    drawing = generator(config.size, config.base, config.channels)
    start({"generator": drawing})
    gan = DCGAN(drawing,
                discriminator(config.size, config.base, config.channels, config.d_norm),
                config.generator_steps, config.reach, config.penalty)
    averaging = {"use_ema": True, "ema_momentum": config.ema} if config.ema else {}
    gan.compile(Adam(config.learning_rate, beta_1=config.beta_1),
                Adam(config.learning_rate, beta_1=config.beta_1, **averaging))
    return gan


def train(config: Stage1Config) -> None:
    """Starts or resumes the training in config.out. The generator's weights are then in generator.h5 there.

    Raises UserError as `fit`, `RunFolder` and `check` do, and Stopped after a signal.
    """
    samples, held_out = layouts.training(config.pairs, config.validation, config.modality, config.foreground)
    check_pairs(samples)
    warm = WarmStart(config, "single" if config.draw == "photographs" else "stage1", held_out)
    schedule = Schedule.from_config(config, len(samples))
    device = devices.start(config, schedule)
    with device.strategy.scope():
        gan = build(config, warm.load)
    if config.dry_run:
        logging.info("Stage-I: %d %s, %d and %d weights, %d steps; nothing written (--dry_run)", len(samples),
                     config.draw, gan.generator.count_params(), gan.discriminator.count_params(), schedule.steps)
        return

    identity = {"pairs": config.pairs, "checksum": layouts.checksum(samples), **warm.identity}
    with RunFolder(config, identity, device.resolved) as folder:
        record_seen(folder, samples, warm)
        real = pictures([load_view(sample) for sample in samples], config)
        amount = amount_of_variety(config, samples)
        z = tf.stack([draw_z(config.seed + 1, number) for number in range(SHEET)])

        def drawn():
            with averaged(gan.generator, gan.g_optimizer):
                return gan.generator(z, training=False).numpy()

        fit(gan, lambda step: dataset(real, schedule, step, amount), schedule, config, gan.parts,
            [Pictures(folder, lambda: (grid(grey(drawn()), columns=4), {}), config.pictures_every),
             Diversity(folder, drawn, real, config.pictures_every)])
        with averaged(gan.generator, gan.g_optimizer):
            save_weights(gan.generator, folder / "generator.h5")
        logging.info("Stage-I: weights in %s, pictures in %s/samples, TensorBoard logs in %s/logs", *[folder] * 3)


if __name__ == "__main__":
    run(train, Stage1Config)

"""Trains Stage-I on the masks of an annotated data set, or, as the paper's single GAN, on its photographs (Section 13).

python -m stage1_dcgan.train --pairs=drive:data/raw/DRIVE --out=checkpoints/quick/stage1
"""
from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl import flags, logging
from tensorflow import keras

from data import layouts
from data.fundus import load_view
from data.images import DataError
from stage1_dcgan.diversity import Diversity
from stage1_dcgan.encoding import ENCODINGS
from stage1_dcgan.gan import DCGAN
from stage1_dcgan.inputs import DRAWN, Artist, dataset, draw_z, pictures
from stage1_dcgan.networks import discriminator, generator
from training import strategy
from training.board import Pictures, grid, hyperparameters
from training.cli import flag_values, run
from training.fit import Schedule, fit
from training.run_folder import RunFolder
from training.weights import averaged, save_weights

FLAGS = flags.FLAGS
SHOWN = 16  # pictures on a sample sheet


def optimizer(**options) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(FLAGS.learning_rate, beta_1=FLAGS.beta_1, **options)


def main():
    found, _ = layouts.training(FLAGS.pairs, FLAGS.validation)
    layouts.check(found)
    if FLAGS.size % 16:
        raise DataError(f"--size={FLAGS.size} cannot be halved four times: use a multiple of 16")
    if FLAGS.penalty and FLAGS.d_norm == "batch":
        raise DataError("--penalty is about single pictures, which --d_norm=batch mixes: use --d_norm=none or spectral")
    artist = Artist(FLAGS.size, FLAGS.base, FLAGS.encoding, FLAGS.clip, FLAGS.draw)
    schedule = Schedule.of(FLAGS, len(found))
    devices = strategy.choose(FLAGS.strategy, FLAGS.batch_size)
    strategy.set_precision(FLAGS.precision)
    strategy.set_seed(FLAGS.seed)
    with devices.scope():
        gan = DCGAN(generator(FLAGS.size, FLAGS.base, artist.channels),
                    discriminator(FLAGS.size, FLAGS.base, artist.channels, FLAGS.d_norm),
                    FLAGS.generator_steps, FLAGS.reach, FLAGS.penalty)
        averaging = {"use_ema": True, "ema_momentum": FLAGS.ema} if FLAGS.ema else {}
        gan.compile(optimizer(), optimizer(**averaging))
        gan.d_optimizer.build(gan.discriminator.trainable_variables)
        gan.g_optimizer.build(gan.generator.trainable_variables)
    if FLAGS.dry_run:
        logging.info("Stage-I: %d %s, %d and %d weights, %d steps; nothing written (--dry_run)", len(found),
                     FLAGS.draw, gan.generator.count_params(), gan.discriminator.count_params(), schedule.steps)
        return

    data = {"pairs": FLAGS.pairs, "checksum": layouts.checksum(found)}
    run_folder = RunFolder(FLAGS.out, flag_values(), data)  # locked as long as this name holds it
    folder = run_folder.path
    real = pictures([load_view(sample) for sample in found], artist)
    z = tf.stack([draw_z(FLAGS.seed + 1, number) for number in range(SHOWN)])

    def drawn():
        with averaged(gan.generator, gan.g_optimizer):
            return gan.generator(z, training=False).numpy()

    def draw():
        return grid(np.round(127.5 * (drawn() + 1)).astype(np.uint8), columns=4)

    parts = {"generator": gan.generator, "discriminator": gan.discriminator,
             "g_optimizer": gan.g_optimizer, "d_optimizer": gan.d_optimizer}
    fit(gan, lambda step: dataset(real, schedule, step), schedule, folder, parts,
        [hyperparameters(folder, flag_values()), Pictures(folder, draw, FLAGS.pictures_every),
         Diversity(folder, drawn, real, FLAGS.pictures_every)])
    with averaged(gan.generator, gan.g_optimizer):
        save_weights(gan.generator, folder / "generator.h5")
    logging.info("Stage-I: weights in %s, pictures in %s/samples, TensorBoard logs in %s/logs", *[folder] * 3)


if __name__ == "__main__":
    flags.DEFINE_string("pairs", None, "Annotated data set, layout:path.", required=True)
    flags.DEFINE_enum("draw", "masks", DRAWN, "What it learns to draw; photographs: one GAN alone, without masks.")
    flags.DEFINE_string("out", None, "Run folder of this training.", required=True)
    flags.DEFINE_integer("validation", 0, "Training images held out, the ones that the U-Net validates on.", 0)
    flags.DEFINE_integer("size", 512, "Pixels, square; a multiple of 16.", 64, 512)
    flags.DEFINE_integer("base", 64, "Filters of the finest level.", 4, 256)
    flags.DEFINE_enum("encoding", "binary", ENCODINGS, "How masks (not photographs) are shown; signed_distance draws "
                      "thin vessels at a low resolution.")
    flags.DEFINE_float("clip", 8.0, "Pixels at which signed distances of masks are cut.", 1.0, 64.0)
    flags.DEFINE_enum("d_norm", "batch", ["batch", "spectral", "none"], "Normalisation in the discriminator.")
    flags.DEFINE_integer("generator_steps", 2, "Updates of the generator for one of the discriminator.", 1, 10)
    flags.DEFINE_float("reach", 0.0, "Show the discriminator everything shifted by up to this share of the size, and "
                       "flipped: keeps it from learning few pictures by heart.", 0.0, 0.5)
    flags.DEFINE_float("penalty", 0.0, "Weight of the gradient penalty on real pictures (R1).", 0.0, 100.0)
    flags.DEFINE_float("ema", 0.0, "Draw with a moving average of the generator's weights, of this momentum.", 0.0,
                       0.9999)
    flags.DEFINE_float("learning_rate", 2e-4, "Adam's learning rate, both networks.", 1e-8, 1.0)
    flags.DEFINE_float("beta_1", 0.5, "Adam's first momentum, both networks.", 0.0, 0.999)
    flags.DEFINE_integer("epochs", 25, "Epochs.", 1)
    flags.DEFINE_integer("steps_per_epoch", 0, "Steps an epoch; 0 is one pass over the pictures.", 0)
    flags.DEFINE_integer("batch_size", 7, "Pictures a step, over all devices.", 1)
    flags.DEFINE_integer("pictures_every", 5, "Epochs between two sample sheets.", 1)
    flags.DEFINE_integer("seed", 0, "Seed of weights, order, noise and augmentation.", 0)
    flags.DEFINE_enum("precision", "auto", strategy.PRECISIONS, "Number format of the layers.")
    flags.DEFINE_enum("strategy", "auto", strategy.STRATEGIES, "How tf.distribute spreads the batch.")
    flags.DEFINE_bool("dry_run", False, "Check data and build the networks, then stop.")
    run(main)

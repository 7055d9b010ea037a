"""Trains Stage-II on photographs and their masks.

python -m stage2_pix2pix.train --pairs=drive:data/raw/DRIVE --photos=messidor:data/raw/MESSIDOR \
    --photo_masks=checkpoints/quick/photo_masks --out=checkpoints/quick/stage2
"""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from absl import flags, logging
from tensorflow import keras

from data import layouts
from data.fundus import load_view
from data.images import DataError
from stage2_pix2pix.gan import Pix2Pix
from stage2_pix2pix.generate import contact_sheet, render
from stage2_pix2pix.grain import missing_power
from stage2_pix2pix.inputs import Pairs, Renderer, dataset
from stage2_pix2pix.networks import NORMS, UPSAMPLINGS, discriminator, generator
from training import strategy
from training.board import Pictures, hyperparameters
from training.cli import flag_values, run
from training.fit import Schedule, fit
from training.run_folder import RunFolder
from training.weights import save_weights

FLAGS = flags.FLAGS
MEASURED = 200  # photographs at most whose colours and texture renderings imitate


def load_samples() -> list[layouts.Sample]:
    """Photographs with their derived masks and, where asked for or where there are none, the annotated pairs."""
    annotated, _ = layouts.training(FLAGS.pairs, FLAGS.validation)
    if not FLAGS.photos:
        return annotated
    if not FLAGS.photo_masks:
        raise DataError("--photos needs --photo_masks, the folder that unet_eval.segment wrote for them")
    photos = [replace(sample, mask=Path(FLAGS.photo_masks) / f"{sample.stem}.png")
              for sample in layouts.samples(FLAGS.photos, "all", masks=False)]
    tests = {sample.image.resolve() for sample in layouts.samples(FLAGS.pairs, "test")}
    if any(sample.image.resolve() in tests for sample in photos):
        raise DataError(f"--photos={FLAGS.photos} holds test images of --pairs={FLAGS.pairs}, which no training may "
                        "see: give other photographs, or none")
    missing = [sample.stem for sample in photos if not sample.mask.is_file()]
    if missing:
        raise DataError(f"{FLAGS.photo_masks} lacks the masks of {', '.join(missing)}: run unet_eval.segment again")
    return photos + annotated * FLAGS.add_pairs


def optimizer() -> keras.optimizers.Optimizer:
    if FLAGS.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(FLAGS.learning_rate)
    return keras.optimizers.Adam(FLAGS.learning_rate, beta_1=0.5)


def main():
    if FLAGS.size % 8:
        raise DataError(f"--size={FLAGS.size} cannot be halved three times: use a multiple of 8")
    found = load_samples()
    layouts.check(found)
    renderer = Renderer(**{name: FLAGS[name].value for name in Renderer.__dataclass_fields__})
    schedule = Schedule.of(FLAGS, len(found))
    devices = strategy.choose(FLAGS.strategy, FLAGS.batch_size)
    strategy.set_precision(FLAGS.precision)
    strategy.set_seed(FLAGS.seed)
    with devices.scope():
        gan = Pix2Pix(generator(FLAGS.size, FLAGS.base, renderer.planes + FLAGS.noise, FLAGS.norm, FLAGS.dropout,
                                FLAGS.upsampling),
                      discriminator(FLAGS.size, FLAGS.d_base, renderer.planes, FLAGS.d_norm), FLAGS.l1_weight)
        gan.compile(optimizer(), optimizer())
        gan.d_optimizer.build(gan.discriminator.trainable_variables)
        gan.g_optimizer.build(gan.generator.trainable_variables)
    if FLAGS.dry_run:
        logging.info("Stage-II: %d pairs, %d and %d weights, %d steps; nothing written (--dry_run)", len(found),
                     gan.generator.count_params(), gan.discriminator.count_params(), schedule.steps)
        return

    data = {"pairs": FLAGS.pairs, "photos": FLAGS.photos, "checksum": layouts.checksum(found)}
    run_folder = RunFolder(FLAGS.out, flag_values(), data)  # locked as long as this name holds it
    folder = run_folder.path
    pairs = Pairs.of([load_view(sample) for sample in found], FLAGS.size)
    annotated = len(layouts.training(FLAGS.pairs, FLAGS.validation)[0])
    imitated = np.arange(len(pairs))[-annotated if FLAGS.add_pairs else 0:][:MEASURED]
    np.save(folder / "codes.npy", pairs.codes[imitated])
    shown = np.linspace(0, len(pairs) - 1, min(8, len(pairs))).astype(int)

    def draw():
        rendered = [render(gan.generator, renderer, pairs.masks[k], pairs.fovs[k], pairs.codes[k], seed=k)
                    for k in shown]
        return contact_sheet(pairs.masks[shown], rendered, pairs.photographs[shown])

    parts = {"generator": gan.generator, "discriminator": gan.discriminator,
             "g_optimizer": gan.g_optimizer, "d_optimizer": gan.d_optimizer}
    fit(gan, lambda step: dataset(pairs, renderer, FLAGS.flips, schedule, step), schedule, folder, parts,
        [hyperparameters(folder, flag_values()), Pictures(folder, draw, FLAGS.pictures_every)])
    if FLAGS.grain:
        rendered = np.stack([render(gan.generator, renderer, pairs.masks[k], pairs.fovs[k], pairs.codes[k], seed=k)
                             for k in imitated])
        np.save(folder / "grain.npy", missing_power(pairs.photographs[imitated], rendered))
    save_weights(gan.generator, folder / "generator.h5")
    logging.info("Stage-II: weights in %s, pictures in %s/samples, TensorBoard logs in %s/logs", *[folder] * 3)


if __name__ == "__main__":
    flags.DEFINE_string("pairs", None, "Annotated data set, layout:path.", required=True)
    flags.DEFINE_string("photos", None, "Photographs without masks, layout:path; none: trains on --pairs.")
    flags.DEFINE_string("photo_masks", None, "Folder of the photographs' masks, STEM.png.")
    flags.DEFINE_bool("add_pairs", False, "Train on the annotated training pairs beside the photographs: masks of "
                      "their kind, and their colours, are then known to it.")
    flags.DEFINE_string("out", None, "Run folder of this training.", required=True)
    flags.DEFINE_integer("validation", 0, "Training images held out, the ones that the U-Net validates on.", 0)
    flags.DEFINE_integer("size", 512, "Pixels, square; a multiple of 8.", 64, 1024)
    flags.DEFINE_integer("base", 64, "Filters of the generator's first level.", 4, 256)
    flags.DEFINE_integer("d_base", 64, "Filters of the discriminator's first level.", 4, 256)
    flags.DEFINE_enum("norm", "batch", NORMS, "Normalisation in the generator.")
    flags.DEFINE_enum("d_norm", "none", NORMS, "Normalisation in the discriminator.")
    flags.DEFINE_float("dropout", 0.5, "In the first three decoder blocks.", 0.0, 0.9)
    flags.DEFINE_enum("upsampling", "transposed", UPSAMPLINGS, "Of the generator's two finest levels; resize leaves no "
                      "checkerboard.")
    flags.DEFINE_bool("tell_fov", False, "Tell the networks the field of view.")
    flags.DEFINE_bool("colour_code", False, "Draw standardised colours; each photograph's own mean and "
                      "spread of them are given, not learned.")
    flags.DEFINE_integer("noise", 0, "Planes of noise the generator may make texture of.", 0, 16)
    flags.DEFINE_bool("grain", False, "Add to renderings the fine texture that they lack, as noise of its strength.")
    flags.DEFINE_bool("flips", False, "Show the pairs mirrored, too.")
    flags.DEFINE_float("l1_weight", 1.0, "Weight of the mean absolute difference.", 0.0, 1000.0)
    flags.DEFINE_enum("optimizer", "rmsprop", ["rmsprop", "adam"], "Optimizer of both networks.")
    flags.DEFINE_float("learning_rate", 1e-3, "Learning rate of both networks.", 1e-8, 1.0)
    flags.DEFINE_integer("epochs", 100, "Epochs.", 1)
    flags.DEFINE_integer("steps_per_epoch", 0, "Steps an epoch; 0 is one pass over the pairs.", 0)
    flags.DEFINE_integer("batch_size", 32, "Pairs a step, over all devices.", 1)
    flags.DEFINE_integer("pictures_every", 5, "Epochs between two sample sheets.", 1)
    flags.DEFINE_integer("seed", 0, "Seed of weights, order, noise and dropout.", 0)
    flags.DEFINE_enum("precision", "auto", strategy.PRECISIONS, "Number format of the layers.")
    flags.DEFINE_enum("strategy", "auto", strategy.STRATEGIES, "How tf.distribute spreads the batch.")
    flags.DEFINE_bool("dry_run", False, "Check data and build the networks, then stop.")
    run(main)

"""Trains the U-Net of one arm.

python -m unet_eval.train --arm=real --pairs=drive:data/raw/DRIVE --out=checkpoints/quick/unet-real
"""
from __future__ import annotations

from dataclasses import replace

from absl import flags, logging
from tensorflow import keras

from data import layouts
from data.fundus import load_view
from data.images import DataError
from data.pairs import PairReader
from training import strategy
from training.board import hyperparameters
from training.cli import flag_values, run
from training.fit import Schedule, fit
from training.run_folder import RunFolder
from training.weights import save_weights
from unet_eval.agreement import most_agreed
from unet_eval.arms import NAMES, PAPER_PAIRS, Arm
from unet_eval.inputs import AUGMENTATIONS, INPUTS, Crops, Mixture, RealPairs, SyntheticPairs, dataset, in_turn
from unet_eval.losses import LOSSES
from unet_eval.networks import unet
from unet_eval.segment import Network
from unet_eval.validation import Validation

FLAGS = flags.FLAGS


def load_pairs():
    """(pairs of the arm, held-out real views for validation, what identifies the data)."""
    real, watched = layouts.training(FLAGS.pairs, FLAGS.validation)
    layouts.check(real + watched)
    held_out = [load_view(sample) for sample in watched]
    identity = {"pairs": FLAGS.pairs, "checksum": layouts.checksum(real + watched)}
    arm, annotated = Arm.of(FLAGS.arm, FLAGS.count), RealPairs([load_view(sample) for sample in real], FLAGS.input)
    if not arm.made:
        return annotated, held_out, {**identity, "n_train_pairs": len(annotated)}
    if not FLAGS.synthetic:
        raise DataError(f"--arm={arm.name} needs --synthetic=FILE, its pairs: `make evidence` makes {arm.made}.h5")
    reader = PairReader(FLAGS.synthetic)
    count = arm.rows(len(reader))
    rows = most_agreed(reader, FLAGS.agree_with, count) if FLAGS.agree_with else range(count)
    made = SyntheticPairs(reader, FLAGS.input, rows)
    identity |= {"synthetic": reader.attributes, "n_train_pairs": count + arm.real * len(annotated)}
    if FLAGS.agree_with:
        identity["rows"] = rows
    return Mixture(annotated, made, FLAGS.real_share) if arm.real else made, held_out, identity


def is_arm(name: str) -> bool:
    try:
        return bool(Arm.of(name))
    except ValueError:
        return False


def optimizer(schedule: Schedule) -> keras.optimizers.Optimizer:
    rate = FLAGS.learning_rate
    if FLAGS.cosine_decay:
        rate = keras.optimizers.schedules.CosineDecay(rate, schedule.steps)
    return keras.optimizers.Adagrad(rate) if FLAGS.optimizer == "adagrad" else keras.optimizers.Adam(rate)


def main():
    if FLAGS.crop % 2 ** FLAGS.poolings:
        raise DataError(f"--crop={FLAGS.crop} cannot be halved {FLAGS.poolings} times: use a multiple of "
                        f"{2 ** FLAGS.poolings}")
    pairs, held_out, identity = load_pairs()
    schedule = Schedule.of(FLAGS, len(pairs))
    schedule = replace(schedule, seed=schedule.seed + FLAGS.repeat)
    network = Network(FLAGS.base, FLAGS.poolings, FLAGS.input, FLAGS.test_flips)
    devices = strategy.choose(FLAGS.strategy, FLAGS.batch_size)
    strategy.set_precision(FLAGS.precision)
    strategy.set_seed(schedule.seed)
    with devices.scope():
        model = unet(FLAGS.base, FLAGS.poolings)
        model.compile(optimizer(schedule), LOSSES[FLAGS.loss])
        model.optimizer.build(model.trainable_variables)
    if FLAGS.dry_run:
        logging.info("%s arm: %d pairs, %d weights, %d steps; nothing written (--dry_run)", FLAGS.arm, len(pairs),
                     model.count_params(), schedule.steps)
        return

    run_folder = RunFolder(FLAGS.out, flag_values(), identity)  # locked as long as this name holds it
    folder = run_folder.path
    crops = Crops(FLAGS.crop, FLAGS.augmentation, FLAGS.rotate, FLAGS.elastic)
    parts = {"model": model, "optimizer": model.optimizer}

    def batches(step):
        if isinstance(pairs, Mixture) and FLAGS.synthetic_first:
            return in_turn(pairs, crops, schedule, FLAGS.synthetic_first, step)
        return dataset(pairs, crops, schedule, step)

    fit(model, batches, schedule, folder, parts,
        [hyperparameters(folder, flag_values())]
        + [Validation(folder, held_out, network, FLAGS.validate_every)] * bool(held_out))
    save_weights(model, folder / "weights.h5")
    logging.info("U-Net, %s arm: weights in %s, TensorBoard logs in %s/logs", FLAGS.arm, folder, folder)


if __name__ == "__main__":
    flags.DEFINE_string("arm", "real", f"What it is trained on: {NAMES}.")
    flags.DEFINE_string("pairs", None, "Annotated data set, layout:path.", required=True)
    flags.DEFINE_string("synthetic", None, "The arm's made pairs (HDF5).")
    flags.DEFINE_integer("count", PAPER_PAIRS, "Made pairs that it takes, from the first; synthetic-N takes N.", 1)
    flags.DEFINE_string("agree_with", "", "Folder of a trained U-Net: of all made pairs it takes those on whose masks "
                        "that U-Net agrees most, instead of the first.")
    flags.DEFINE_float("real_share", 0.5, "Share of the crops that are real in real+synthetic.", 0.01, 0.99)
    flags.DEFINE_float("synthetic_first", 0.0, "Share of the steps in which real+synthetic shows synthetic pairs only, "
                       "to show real ones only in the rest (pre-training); 0 mixes them all along.", 0.0, 0.99)
    flags.DEFINE_string("out", None, "Run folder of this training.", required=True)
    flags.DEFINE_integer("base", 32, "Filters of the first level.", 1, 256)
    flags.DEFINE_integer("poolings", 4, "Times the picture is halved.", 1, 6)
    flags.DEFINE_enum("input", "grey", INPUTS, "What it sees of a photograph.")
    flags.DEFINE_bool("test_flips", False, "Average the answers to four flips of a picture; four times the work.")
    flags.DEFINE_integer("crop", 128, "Side of the training crops in pixels, a multiple of 2^poolings.", 16, 1024)
    flags.DEFINE_enum("augmentation", "none", AUGMENTATIONS, "Changes to crops; strong: light and noise as well.")
    flags.DEFINE_float("rotate", 0.0, "Turn crops by up to so many degrees.", 0.0, 180.0)
    flags.DEFINE_float("elastic", 0.0, "Deform crops by up to so many pixels.", 0.0, 32.0)
    flags.DEFINE_enum("loss", "mse", list(LOSSES), "What is minimised.")
    flags.DEFINE_enum("optimizer", "adagrad", ["adagrad", "adam"], "Optimizer.")
    flags.DEFINE_float("learning_rate", 1e-4, "Learning rate, at the start.", 1e-8, 1.0)
    flags.DEFINE_bool("cosine_decay", False, "Let the learning rate fall to 0 along a cosine.")
    flags.DEFINE_integer("validation", 2, "Training images held out to watch the F1 on.", 0)
    flags.DEFINE_integer("validate_every", 1, "Epochs between two validations.", 1)
    flags.DEFINE_integer("epochs", 100, "Epochs.", 1)
    flags.DEFINE_integer("steps_per_epoch", 0, "Steps an epoch; 0 is one pass over the pairs.", 0)
    flags.DEFINE_integer("batch_size", 8, "Crops a step, over all devices.", 1)
    flags.DEFINE_integer("seed", 0, "Seed of weights, order and augmentation.", 0)
    flags.DEFINE_integer("repeat", 0, "Which repetition of the arm it is: its seed is --seed plus this.", 0)
    flags.DEFINE_enum("precision", "auto", strategy.PRECISIONS, "Number format of the layers.")
    flags.DEFINE_enum("strategy", "auto", strategy.STRATEGIES, "How tf.distribute spreads the batch.")
    flags.DEFINE_bool("dry_run", False, "Check data and build the network, then stop.")
    flags.register_validator("arm", is_arm, message=f"write {NAMES}")
    run(main)

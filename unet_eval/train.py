"""Trains the U-Net of one arm.

python -m unet_eval.train --arm=real --pairs=drive:data/raw/DRIVE --out=checkpoints/quick/unet-real
"""
from __future__ import annotations

from absl import logging
from tensorflow import keras

from data import layouts
from data.check import check_pairs
from data.fundus import View, load_view
from data.pairs import PairReader
from training import devices
from training.cli import run
from training.fit import Schedule, fit
from training.optimizers import Adam
from training.run_folder import RunFolder
from training.warm import WarmStart, read_seen, record_seen
from training.weights import save_weights
from unet_eval.agreement import most_agreed
from unet_eval.arms import parse_arm
from unet_eval.config import UnetConfig
from unet_eval.inputs import Mixture, RealPairs, SyntheticPairs, dataset, in_turn
from unet_eval.losses import LOSSES
from unet_eval.networks import trust_pictures, unet_of
from unet_eval.validation import Validation


def load_pairs(config: UnetConfig) -> tuple[RealPairs | SyntheticPairs | Mixture, list[View], dict]:
    """(pairs of the arm, held-out real views for validation, what identifies the data). Raises UserError."""
    samples, held_out = layouts.training(config.pairs, config.validation, config.modality, config.foreground)
    check_pairs(samples + held_out)
    validation = [load_view(sample) for sample in held_out]
    identity = {"pairs": config.pairs, "checksum": layouts.checksum(samples + held_out)}
    arm = parse_arm(config.arm, config.count)
    real = RealPairs([load_view(sample) for sample in samples], config.input)
    if not arm.kind.store:
        return real, validation, {**identity, "n_train_pairs": len(real)}
    reader = PairReader(config.synthetic, made_by=f"make unet-{config.arm}")  # which makes the pairs, too
    count = arm.rows(len(reader))
    rows = most_agreed(reader, config.agree_with, count) if config.agree_with else range(count)
    synthetic = SyntheticPairs(reader, config.input, rows)
    identity |= {"synthetic": reader.attributes, "n_train_pairs": count + arm.kind.real * len(real)}
    if config.agree_with:
        identity["rows"] = rows
    return Mixture(real, synthetic, config.real_share) if arm.kind.real else synthetic, validation, identity


def build(config: UnetConfig, schedule: Schedule) -> keras.Model:
    """The compiled U-Net, its optimizer with all its variables."""
    model = unet_of(config)
    rate = config.learning_rate
    if config.cosine_decay:
        rate = keras.optimizers.schedules.CosineDecay(rate, schedule.steps)
    optimizers = {"adagrad": keras.optimizers.Adagrad, "adam": Adam}
    model.compile(optimizers[config.optimizer](rate), LOSSES[config.loss])
    model.optimizer.build(model.trainable_variables)
    return model


def train(config: UnetConfig) -> None:
    """Trains, or goes on with, the run in config.out; its weights are in weights.h5 there. Raises UserError."""
    pairs, held_out, identity = load_pairs(config)
    samples, unseen = layouts.training(config.pairs, config.validation, config.modality, config.foreground)
    warm = WarmStart(config, "unet-real", unseen, ("unet-synthetic", "unet-phantom"))
    schedule = Schedule.from_config(config, len(pairs))
    device = devices.start(config, schedule)
    with device.strategy.scope():
        model = build(config, schedule)
        warm.load({"weights": model})
    if config.dry_run:
        logging.info("%s arm: %d pairs, %d weights, %d steps; nothing written (--dry_run)", config.arm, len(pairs),
                     model.count_params(), schedule.steps)
        return

    with RunFolder(config, {**identity, **warm.identity}, device.resolved) as folder:
        record_seen(folder, samples, warm)
        if config.own_statistics:
            trust_pictures(model, len(read_seen(folder, "take another --out")))

        def batches(step):
            if isinstance(pairs, Mixture) and config.synthetic_first:
                return in_turn(pairs, config, schedule, step)
            return dataset(pairs, config, schedule, step)

        fit(model, batches, schedule, config, {"model": model, "optimizer": model.optimizer},
            [Validation(folder, held_out, config)] * bool(held_out))
        save_weights(model, folder / "weights.h5")
        logging.info("U-Net, %s arm: weights in %s, TensorBoard logs in %s/logs", config.arm, folder, folder)


if __name__ == "__main__":
    run(train, UnetConfig)

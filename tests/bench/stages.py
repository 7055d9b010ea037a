"""What the stages of a run do, with the run's own options, data and networks.

Training: seconds of a step alone (step_s), of the preparation of a batch alone (data_s), and of a step as the user has
it (loop_s): the stage is trained again for a few epochs, each as long as the run's, and what lies between the ends of
the first and the last is divided by their steps, so that data, validation, pictures, dashboards and checkpoints are in
it. Of Stage-II it is the last phase. Making: masks and pairs a second, as the scripts write them and of the networks
alone.
"""
from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

import stage1_dcgan.generate
import stage1_dcgan.inputs
import stage1_dcgan.networks
import stage1_dcgan.train
import stage2_pix2pix.generate
import stage2_pix2pix.train
import unet_eval.inputs
import unet_eval.train
from data import layouts
from data.fundus import load_view
from data.pairs import PairReader
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage2_pix2pix import architectures
from stage2_pix2pix.config import PairsConfig, Stage2Config
from stage2_pix2pix.inputs import Pairs
from tests.bench.quality import logged
from tests.bench.step import WARM_UP, timed
from training import devices
from training.config import TrainingConfig
from training.fit import Schedule
from training.precision import set_precision
from training.run_folder import read_config, read_record
from training.weights import load_array, load_weights
from unet_eval.config import UnetConfig

SHEET = 24  # masks and pairs that the scripts show on a contact sheet
REMEDY = "give --run the folder of a run that has ended (make stage1 stage2 eval)"


def stage1(run: str, steps: int) -> Iterator[dict]:
    folder = Path(run) / "stage1"
    config, schedule = _start(folder, Stage1Config, steps)
    samples, _ = layouts.training(config.pairs, config.validation, config.modality, config.foreground)
    real = stage1_dcgan.inputs.pictures([load_view(sample) for sample in samples], config)
    amount, gan = stage1_dcgan.inputs.amount_of_variety(config, samples), stage1_dcgan.train.build(config)
    own = read_config(folder, Stage1Config, REMEDY)
    yield _training(folder, gan, lambda step: stage1_dcgan.inputs.dataset(real, schedule, step, amount), schedule,
                    stage1_dcgan.train.train, own, len(real), own.pictures_every)

    attributes = PairReader(Path(run) / "masks.h5", made_by="make stage1").attributes
    options = MasksConfig(model=str(folder), out="x", vary=attributes.get("vary", 0.0),
                          decoder="tree" if "tree" in attributes else "cut")
    network = stage1_dcgan.networks.generator(config.size, config.base, config.channels)
    load_weights(network, folder / "generator.h5", REMEDY)
    z = stage1_dcgan.inputs.draw_z(options.seed, 0)[None]
    yield _making("masks", lambda _: network(z, training=False), steps,
                  lambda out, count: stage1_dcgan.generate.generate(replace(options, out=out, count=count)))


def stage2(run: str, steps: int) -> Iterator[dict]:
    folder = Path(run) / "stage2"
    config, schedule = _start(folder, Stage2Config, steps)
    architecture, (_, imitated) = architectures.load(config.architecture), stage2_pix2pix.train.load_samples(config)
    pairs = Pairs(folder / "pairs.h5", len(imitated))
    networks = architecture.networks(config)
    for name, network in networks.items():
        load_weights(network, folder / f"{name}.h5", REMEDY)
    codes = load_array(folder / "codes.npy", REMEDY)
    mask, fov, _ = pairs[0]
    options = PairsConfig(model=str(folder), out="x")
    rendering = _making("pairs", lambda row: tf.constant(architecture.render(networks, config, mask, fov, codes[0], 1,
                                                                             row)), steps,
                        lambda out, count: stage2_pix2pix.generate.generate(replace(options, out=out, count=count)))
    *_, phase = architecture.phases(config, networks, pairs, schedule)
    own = replace(read_config(folder, Stage2Config, REMEDY), coarse_steps=1)
    yield _training(folder, phase.model, phase.dataset, schedule, stage2_pix2pix.train.train, own, len(pairs),
                    own.pictures_every)
    yield rendering


def unet(run: str, steps: int) -> Iterator[dict]:
    folder = Path(run) / "unet-real"
    config, schedule = _start(folder, UnetConfig, steps)
    pairs, _, _ = unet_eval.train.load_pairs(config)
    model = unet_eval.train.build(config, schedule)
    own = read_config(folder, UnetConfig, REMEDY)
    yield _training(folder, model, lambda step: unet_eval.inputs.dataset(pairs, config, schedule, step), schedule,
                    unet_eval.train.train, own, len(pairs), own.validate_every)


STAGES = (stage1, stage2, unet)


def _start(folder: Path, kind: type, steps: int):
    """(options, schedule of one epoch) of a training of the run, TensorFlow set up as it was."""
    config = replace(read_config(folder, kind, REMEDY), epochs=1, steps_per_epoch=WARM_UP + steps)
    keras.backend.clear_session()
    set_precision(_precision(folder, config))
    devices.set_seed(config.seed)
    return config, Schedule(config.epochs, config.steps_per_epoch, config.batch_size, config.seed)


def _precision(folder: Path, config: TrainingConfig) -> str:
    return read_record(folder, REMEDY)["resolved"].get("precision", config.precision)


def _training(folder: Path, model: keras.Model, dataset, schedule: Schedule, train: Callable, own: TrainingConfig,
              samples: int, every: int) -> dict:
    """train(own) is the training of this folder, of so many samples; it draws pictures, or validates, in every
    `every`-th epoch."""
    steps = schedule.steps_per_epoch - WARM_UP
    batches, data_s = iter(dataset(0)), []
    for _ in range(schedule.steps_per_epoch):
        start = time.perf_counter()
        example = next(batches)
        data_s.append(time.perf_counter() - start)
    # The mean, for every eighth step of a GAN has its gradient penalty to compute as well.
    step_s = statistics.mean(timed(tf.function(model.train_step), example, steps))
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(sys.stderr):
        keras.backend.clear_session()
        train(replace(own, out=out, epochs=1 + every, precision=_precision(folder, own)))
        _, series = logged(Path(out) / "logs")
    ends = next([end for end, _ in values] for tag, values in series.items() if tag.startswith("epoch_"))
    loop_s = (ends[-1] - ends[0]) / (every * Schedule.from_config(own, samples).steps_per_epoch)
    return {"training": folder.name, "batch": schedule.batch_size, "step_s": round(step_s, 4),
            "data_s": round(statistics.mean(data_s[WARM_UP:]), 4), "loop_s": round(loop_s, 4),
            "loop_over_step": round(loop_s / step_s, 3)}


def _making(name: str, draw, steps: int, write) -> dict:
    """draw(0) makes one with the networks alone, write(out, count) so many as the script does."""
    alone = statistics.median(timed(draw, 0, steps))
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for count in (SHEET, SHEET + steps):  # the difference leaves out what is done once, and the contact sheet
            start = time.perf_counter()
            write(f"{folder}/{count}.h5", count)
            seconds.append(time.perf_counter() - start)
    return {"making": name, f"{name}_per_s": round(steps / (seconds[1] - seconds[0]), 2),
            f"{name}_per_s_of_networks": round(1 / alone, 2)}

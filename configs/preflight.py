"""What this machine has, and what a preset's trainings need: make preflight CONFIG=paper

Counts memory and operations in the graphs of the networks (training/costs.py), and trains nothing. It ends with an
error, which names the remedy, where a training does not fit.
"""
from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

import stage1_dcgan.inputs
import stage1_dcgan.train
import unet_eval.train
from configs.options import config_of
from configs.settings import Settings
from data import layouts
from data.errors import UserError
from data.pairs import PairWriter
from stage1_dcgan.config import Stage1Config
from stage2_pix2pix import architectures
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import Pairs
from training import devices, hardware, inventory
from training.checkpoints import KEEP
from training.config import TrainingConfig
from training.costs import Costs, count
from training.fit import Schedule
from training.forecast import stated_minutes
from unet_eval.arms import parse_arm
from unet_eval.config import UnetConfig

STEPS = ("stage1", "stage2", "unet-real", "unet-synthetic")
IMAGES = 20  # training images that are assumed where the data set is not there: DRIVE's
PROCESS = 600e6      # bytes of a process that has imported TensorFlow and read its data
CPU_SHARE = 1.0      # measured memory of activations and gradients over what is counted, on processors
GPU_PROCESS = 700e6  # bytes on a GPU: CUDA's context and cuDNN's workspace
GPU_SHARE = 1.1
K80 = (4.1e12, 240e9)  # operations and bytes a second of one die
PREPARED = 5           # bytes of a pixel of a pair in Stage-II's pairs.h5: mask, colours, field of view
RENDERED = 0.5e6 / 512 ** 2  # and of a rendered one, compressed, as measured (docs/scale.md)
GB = 1e9
COLUMNS = {"training": 24, "steps x batch": 14, "memory": 9, "at best": 10, "on 2 cores": 11, "on a K80": 10, "disk": 8}


@dataclass(frozen=True)
class Need:
    """What a training needs. one, two: the costs of steps with one example and with two; costs are a part that every
    step has, and one for each example."""

    name: str
    config: TrainingConfig
    schedule: Schedule
    one: Costs
    two: Costs

    def memory(self, devices: int, parts: int, on_gpu: bool) -> float:
        """Bytes of each device, or on processors of the process."""
        examples = -(-self.schedule.batch_size // (devices * parts))
        live = self.one.live + (examples - 1) * (self.two.live - self.one.live)
        summed = self.one.weights if parts > 1 else 0
        process, share = (GPU_PROCESS, GPU_SHARE) if on_gpu else (PROCESS, CPU_SHARE)
        return process + self.one.weights + summed + share * live

    def seconds(self, rate: float, bandwidth: float) -> float:
        """Of the whole training at best: operations at the rate of large matrix products."""
        one, two = (costs.seconds(rate, bandwidth) for costs in (self.one, self.two))
        return self.schedule.steps * (one + (self.schedule.batch_size - 1) * (two - one))

    @property
    def disk(self) -> int:
        """Bytes of its checkpoints and exported weights."""
        return (KEEP + 2) * self.one.weights

    @property
    def stated(self) -> float:
        """Seconds on two cores of such a processor, as the preset says; 0 where it does not. Those of all phases of a
        training are with its last."""
        return 0 if ", " in self.name else 60 * stated_minutes(self.config)


def needs(run: Settings, samples: dict[str, int]) -> Iterator[Need]:
    """Of each training of the run, for stage -> number of training samples."""
    for step in STEPS:
        config = config_of(step, run)
        schedule = Schedule.from_config(config, samples[step])
        keras.backend.clear_session()
        devices.set_precision("float32" if config.precision == "auto" else config.precision)
        with tempfile.TemporaryDirectory() as folder:
            for phase, model, spec, own in _phases(config, schedule, Path(folder)):
                one, two = (count(model, of_batch(spec, size)) for size in (1, 2))
                yield Need(step + (f", {phase}" if phase else ""), config, own, one, two)


def _phases(config: TrainingConfig, schedule: Schedule, folder: Path) \
        -> Iterator[tuple[str, keras.Model, object, Schedule]]:
    """(name, compiled model, spec of a batch, schedule) of each phase of a training."""
    if isinstance(config, Stage1Config):
        blank = np.zeros((1, config.size, config.size, config.channels), np.float32)
        yield "", stage1_dcgan.train.build(config), stage1_dcgan.inputs.dataset(blank, schedule).element_spec, schedule
    elif isinstance(config, UnetConfig):
        plane = tf.TensorSpec((1, config.crop, config.crop, 1))
        yield "", unet_eval.train.build(config, schedule), (plane, plane), schedule
    else:
        architecture = architectures.load(config.architecture)
        networks = architecture.networks(config)
        for phase in architecture.phases(config, networks, _one_pair(config, folder), schedule):
            yield phase.name, phase.model, phase.dataset(0).element_spec, phase.schedule


def _one_pair(config: Stage2Config, folder: Path) -> Pairs:
    """A pair of noise, all of it field of view."""
    size = (config.size, config.size)
    random = np.random.default_rng(0)
    mask = np.where(random.random((*size, 1)) < 0.1, 255, 0).astype(np.uint8)
    with PairWriter(folder / "pairs.h5", {}, compressed=False) as writer:
        writer.append(masks=mask, images=random.integers(256, size=(*size, 3), dtype=np.uint8),
                      fovs=np.full_like(mask, 255))
    return Pairs(folder / "pairs.h5")


def of_batch(spec, size: int):
    """The spec of a batch, any structure of shapes (B, ...), for one of `size` examples."""
    return tf.nest.map_structure(lambda one: tf.TensorSpec([size, *one.shape[1:]], one.dtype), spec)


def training_samples(run: Settings) -> tuple[dict[str, int], int, str]:
    """(stage -> number of its training samples, pairs that Stage-II prepares, what is said of where they are from).
    UserError where a data set is there and cannot be used."""
    configs, remarks = {step: config_of(step, run) for step in STEPS}, []
    if _is_there(run.pairs):
        found = {step: len(layouts.training(run.pairs, config.validation, run.modality)[0])
                 for step, config in configs.items()}
    else:
        found = dict.fromkeys(STEPS, IMAGES)
        remarks.append(f"PAIRS={run.pairs} is not there yet: {IMAGES} training images assumed")
    prepared, stage2 = found["stage2"], configs["stage2"]
    if run.stage2_photos:
        if _is_there(run.stage2_photos):
            photos = len(layouts.photographs(run.stage2_photos, run.pairs, run.modality))
        else:
            photos = IMAGES
            remarks.append(f"PHOTOS={run.stage2_photos} is not there yet: {IMAGES} photographs assumed")
        prepared = photos + stage2.add_pairs * found["stage2"]
        if not (stage2.add_pairs and architectures.load(stage2.architecture).IMITATED_ONLY):
            found["stage2"] = prepared
    synthetic = parse_arm("synthetic", configs["unet-synthetic"].count).rows(config_of("masks", run).count)
    return {**found, "unet-synthetic": synthetic}, prepared, "; ".join(remarks)


def _is_there(spec: str) -> bool:
    """Whether the folder or file of a data set exists. What is wrong in it is told where it is read."""
    return layouts.folder_of(spec).exists()


def stores(run: Settings, prepared: int) -> dict[str, float]:
    """What is stored -> bytes, of so many pairs that Stage-II prepares and of the masks that it renders."""
    pixels = config_of("stage2", run).size ** 2
    return {"Stage-II's pairs": prepared * pixels * PREPARED,
            "rendered pairs": config_of("masks", run).count * pixels * RENDERED}


def check(run: Settings) -> None:
    """Prints machine and needs. Raises UserError where a training does not fit."""
    cards, free, space = inventory.cards(), inventory.memory(), inventory.disk(run.folder)
    print("\n".join(machine(cards, free, space)))
    samples, prepared, remark = training_samples(run)
    found, stored = list(needs(run, samples)), stores(run, prepared)
    rate, bandwidth = inventory.rates()
    print(f"it multiplies at {rate / 1e9:.0f} GFLOP/s (float32) and reads and writes {bandwidth / GB:.0f} GB/s\n")
    print(f"CONFIG={run.config} PAIRS={run.pairs}" + (f" ({remark})" if remark else ""))
    print(row(*COLUMNS))
    wrong, best, k80, disk = [], 0.0, 0.0, sum(stored.values())
    for need in found:
        count_of = sharing(need.config, len(cards))
        memory = need.memory(count_of, need.config.accumulate, bool(cards))
        seconds = need.seconds(rate, bandwidth) / count_of
        best, k80, disk = best + seconds, k80 + need.seconds(*K80), disk + need.disk
        print(row(need.name, f"{need.schedule.steps} x {need.schedule.batch_size}", gigabytes(memory),
                  *map(duration, (seconds, need.stated, need.seconds(*K80))), gigabytes(need.disk)))
        there = min((card.memory for card in cards if card.memory), default=None) if cards else free
        if there is not None and memory > there:
            wrong.append(f"{need.name} needs {gigabytes(memory)} and {gigabytes(there)} are there: "
                         f"{remedy(need, count_of, there, bool(cards))}")
    for name, size in stored.items():
        print(row(name, *[""] * 5, gigabytes(size)))
    stated = [need.stated for need in found if need.name in STEPS]
    print(row("in all", "", "", *map(duration, (best, sum(stated) if all(stated) else 0, k80)), gigabytes(disk)))
    if disk > space:
        wrong.append(f"all of it needs {gigabytes(disk)} of disk and {run.folder} has {gigabytes(space)}: make room")
    wrong += [f"this TensorFlow has no kernels for {card.name}, of compute capability "
              f"{'.'.join(map(str, card.capability))}: hide it, CUDA_VISIBLE_DEVICES=-1"
              for card in cards if not card.runs(inventory.cuda()[1])]
    if wrong:
        raise UserError("; ".join(wrong))
    print("everything fits")


def sharing(config: TrainingConfig, cards: int) -> int:
    """How many of so many GPUs share the batches of a training, as training/devices.py chooses it; 1 where none do."""
    sizes = (config.batch_size, *config.other_batches.values())
    divides = cards and not any(size % (cards * config.accumulate) for size in sizes)
    return cards if divides and config.strategy != "one" else 1


def machine(cards: list[inventory.Card], free: int, space: int) -> list[str]:
    """What is there, in words."""
    version, built_for = inventory.cuda()
    lines = [f"TensorFlow {tf.__version__}" + (f", built with CUDA {version} for {' '.join(built_for)}" if version
                                               else ", built without CUDA"),
             f"{os.cpu_count()} cores, {' '.join(inventory.instructions()) or 'unknown instructions'}; "
             f"{gigabytes(free)} of memory free; {gigabytes(space)} of disk free"]
    for card in cards:
        memory = gigabytes(card.memory) if card.memory else "unknown memory"
        lines.append(f"GPU {card.name}, {memory}, compute capability {'.'.join(map(str, card.capability))}: "
                     f"{card.runs(built_for) or 'this TensorFlow has no kernels for it'}")
    return lines if cards else [*lines, f"no GPU: {hardware.why_no_gpu()}"]


def remedy(need: Need, device_count: int, there: float, on_gpu: bool) -> str:
    """The fewest parts of a batch that fit, or another preset."""
    each = need.schedule.batch_size // device_count
    fitting = [parts for parts in range(2, each + 1) if each % parts == 0 and
               need.memory(device_count, parts, on_gpu) <= there]
    if fitting and getattr(need.config, "architecture", "") != "coarse_to_fine":
        return f"a line --accumulate={fitting[0]} in its file of flags makes it fit"
    return "take CONFIG=quick, or a lower --size, --crop or --base"


def row(first: str, *others: str) -> str:
    """A line of the table."""
    width, *widths = COLUMNS.values()
    return " ".join([first.ljust(width), *(cell.rjust(width) for cell, width in zip(others, widths))])


def gigabytes(size: float) -> str:
    return f"{size / GB:.1f} GB"


def duration(seconds: float) -> str:
    """In the unit that fits: "40 s", "12 min", "3.5 h", "2.1 days"; "-" where there is none."""
    if not seconds:
        return "-"
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (2 * 86400, 3600, "h"), (math.inf, 86400, "days")):
        if seconds < limit:
            return f"{seconds / unit:.{0 if unit < 3600 else 1}f} {name}"


def main() -> None:
    try:
        check(Settings.from_variables(os.environ))
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

"""What an evaluation reads: a run's U-Nets (nets.py), stores and records, and the real images."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import logging

from data.check import check_pairs, check_unseen
from data.errors import listed
from data.files import read_number
from data.fundus import View, field_of_view, load_view, load_views
from data.images import read_image
from data.layouts import Sample, foreground_of, modality_of, origin, photographs, samples, training
from data.masks import read_mask
from data.pairs import PairReader
from data.synthmed.source import trainings
from training.provenance import check_run
from training.run_folder import read_record
from unet_eval.arms import PAPER_PAIRS, STORES
from unet_eval.config import EvaluateConfig
from unet_eval.inputs import pair_views
from unet_eval.nets import Net, find_arms, numbers_of_steps, of_all_seeds, tuned_threshold, unlike_options


@dataclass(frozen=True)
class TestImage:
    """A test image on the working grid, whose patient it is of, and on the native grid its reference and field of view,
    boolean (H, W)."""

    view: View
    patient: str
    truth: np.ndarray
    fov: np.ndarray

    @classmethod
    def load(cls, sample: Sample) -> TestImage:
        fov = field_of_view(sample, read_image(sample.image))
        return cls(load_view(sample), sample.patient, read_mask(sample.mask, sample.foreground) > 0, fov > 0)


@dataclass(frozen=True)
class SecondRun:
    """The run on a second data set: its name, whose images these are (data.layouts.origin), and the photographs that
    its Stage-II learned from, "" where it had none; the real training views, those of them that Stage-I learned from,
    and the synthetic pairs."""

    name: str
    pairs: str
    photos: str
    training: list[View]
    learned: list[View]
    store: PairReader


class Run:
    """A context manager; entering opens and checks all inputs. Raises UserError where one is missing or unusable.

    nets: the U-Nets of every arm, by seed. stores: files of pairs, by their names without .h5: those of the first seed
    that are there (arms.STORES), which all pictures and statistics of pairs are of, and those that U-Nets were trained
    on, which tuned thresholds need.
    gans: how many pairs of GANs the synthetic arm's U-Nets have between them.
    count: synthetic pairs, from the first, that the synthetic arm is trained on. size: their side S in pixels.
    rendered_held_out: Stage-II's renderings of masks that all trainings held out, or None.
    single: photographs of a single GAN, uint8 (N, s, s, 3), or None. second: the run on a second data set, or None.
    tests: the test images of --pairs. training: its training views; learned: those that Stage-I learned from.
    modality: of --pairs. other_data_sets: test images of each --test. photographs: those that Stage-II learned from.
    steps, unlike: `numbers_of_steps` and `unlike_options` of all U-Nets.
    records: config.json of every training, by folder. warm_started: the folders of those that began with the weights of
    another run. seconds: of every training, as in results.json.
    """

    def __init__(self, config: EvaluateConfig):
        self.config, self.folder = config, Path(config.run)
        self.name = self.folder.name
        self._thresholds: dict[Net, float] = {}

    def __enter__(self) -> Run:
        config, folder = self.config, self.folder
        self.nets = {name: [Net(path) for path in of_all_seeds(folder, name, config.seeds)]
                     for name in find_arms(folder, config.arms)}
        trained = [net.config for nets in self.nets.values() for net in nets]
        self.steps, self.unlike = numbers_of_steps(trained), unlike_options(trained)
        if self.unlike:
            logging.warning("the U-Nets of %s were trained with different values of %s, so that their scores are not "
                            "to be compared: remove some and train them again", folder, listed(self.unlike))
        with ExitStack() as stack:
            there = [name for name in STORES if name == "synthetic" or (folder / f"{name}.h5").exists()]
            on_pairs = [net for nets in self.nets.values() for net in nets if net.store]
            tuned = config.threshold == "tuned"
            there += [net.store for net in on_pairs if tuned or (folder / f"{net.store}.h5").exists()]
            self.stores = {name: stack.enter_context(open_store(folder, name)) for name in dict.fromkeys(there)}
            for net in on_pairs:
                if net.store in self.stores:
                    net.check_pairs(self.stores[net.store])
            unseen = "rendered_held_out"
            self.rendered_held_out = (stack.enter_context(open_store(folder, unseen))
                                      if (folder / f"{unseen}.h5").exists() else None)
            self.single = read_single(folder / "single.h5")
            self.second = None
            if config.second:
                self.second = open_second(Path(config.second), stack)
            self.modality = modality_of(config.pairs, config.modality)
            self.records = {path.parent.name: read_record(path.parent, "train this stage again")
                            for path in sorted(folder.glob("*/config.json"))}
            self.warm_started = [name for name, record in self.records.items() if record["flags"].get("warm_start")]
            if self.warm_started:
                logging.warning("%s began with the weights of another run (--warm_start): their scores are not to be "
                                "compared with those of trainings that did not", listed(self.warm_started))
            self.seconds = stage_seconds(folder)
            check_run(folder, config.pairs, config.photos, config.modality)
            self.photographs = photographs(config.photos, config.pairs, config.modality)
            for spec in config.test:
                check_unseen(spec, config.pairs, config.modality)
            self.tests = load_test_images(config.pairs, config.modality, config.foreground)
            self.other_data_sets = {}
            for spec in config.test:
                foreground = foreground_of(spec, config.foreground)
                self.other_data_sets[spec] = load_test_images(spec, config.modality, foreground)
            self.training = load_views(config.pairs, "train", True, config.modality, config.foreground)
            self.learned = learned(folder, config.pairs, config.modality, self.training)
            self._files = stack.pop_all()
        pairs = self.stores["synthetic"]
        self.count = (self.nets["synthetic"][0].arm.rows(len(pairs)) if "synthetic" in self.nets
                      else min(PAPER_PAIRS, len(pairs)))
        self.size = pairs[0]["masks"].shape[0]
        self.gans = len({net.store for net in self.nets.get("synthetic", ())}) or 1
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self._files.close()

    def rows(self, count: int) -> Iterator[dict[str, np.ndarray]]:
        """The first synthetic pairs, `count` where there are so many, as `PairReader` gives them."""
        return first_rows(self.stores["synthetic"], count)

    def threshold(self, net: Net) -> float:
        """From which probability a pixel is vessel for this U-Net: --threshold, or (`tuned`) the one of the best vessel
        F1, on the working grid, on the pairs that it was trained on."""
        if self.config.threshold != "tuned":
            return float(self.config.threshold)
        if net not in self._thresholds:
            views = (without_held_out(self.config.pairs, net.validation, self.config.modality, self.training)
                     if net.arm.kind.real else [])
            if net.store:
                store = self.stores[net.store]
                views += pair_views(store, net.rows or range(net.arm.rows(len(store))))
            self._thresholds[net] = tuned_threshold(net.segmenter.probability, views)
        return self._thresholds[net]


def open_store(folder: Path, name: str) -> PairReader:
    """A file of pairs with photographs and fields of view."""
    made_by = "make stage2" if name == "synthetic" else "make evidence"
    return PairReader(folder / f"{name}.h5", made_by, ("masks", "images", "fovs"))


def read_single(path: Path) -> np.ndarray | None:
    """The single GAN's photographs, as many as the paper has pairs at most; None where there is no such file."""
    if not path.exists():
        return None
    with PairReader(path, "make evidence", ("images",)) as store:
        return np.stack([row["images"] for row in first_rows(store, PAPER_PAIRS)])


def open_second(folder: Path, stack: ExitStack) -> SecondRun:
    """The run in `folder` on a second data set; `stack` closes its store."""
    remedy = f"train its Stage-I again, or call make evidence without {folder}"
    record = read_record(folder / "stage1", remedy)
    spec, flags = record["data"]["pairs"], record["flags"]
    modality = flags.get("modality", "")
    views = load_views(spec, "train", True, modality, tuple(flags.get("foreground", ())))
    store = stack.enter_context(open_store(folder, "synthetic"))
    photos = trainings(store)["stage2"].get("flags", {}).get("photos", "")
    return SecondRun(folder.name, origin(spec), origin(photos), views, learned(folder, spec, modality, views), store)


def learned(folder: Path, spec: str, modality: str, views: list[View]) -> list[View]:
    """Those of the training `views` of a data set that the run's Stage-I did not hold out."""
    validation = read_record(folder / "stage1", "train Stage-I again, make stage1")["flags"].get("validation", 0)
    return without_held_out(spec, validation, modality, views)


def without_held_out(spec: str, validation: int, modality: str, views: list[View]) -> list[View]:
    """Those of the training `views` of a data set that a training with --validation=`validation` learned from."""
    seen = {sample.stem for sample in training(spec, validation, modality)[0]}
    return [view for view in views if view.stem in seen]


def load_test_images(spec: str, modality: str = "", foreground: tuple[str, ...] = ()) -> list[TestImage]:
    """The test split of a data set "layout:path", every file checked first; UserError as `samples` and `check`."""
    tests = samples(spec, "test", True, modality, foreground)
    check_pairs(tests)
    return [TestImage.load(sample) for sample in tests]


def first_rows(store: PairReader, count: int) -> Iterator[dict[str, np.ndarray]]:
    """The first rows of a store, `count` where it has so many."""
    return (store[i] for i in range(min(count, len(store))))


def stage_seconds(folder: Path) -> dict:
    """Seconds of training by folder, with those of its phases, None where Stage-I or Stage-II left no record; and the
    "total" of those known."""
    seconds = {"stage1": None, "stage2": None}
    for path in sorted(folder.glob("*/seconds.json")):
        records = path.parent.glob("**/seconds.json")
        seconds[path.parent.name] = round(sum(read_number(record, "seconds") for record in records), 1)
    return {**seconds, "total": sum(value for value in seconds.values() if value is not None)}

"""The trained U-Nets of a run: which there are, what they were trained with, and their thresholds."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from absl import logging

from data.errors import UserError
from data.files import read_number
from data.pairs import PairReader
from training.config import fields
from training.run_folder import read_config, read_record
from unet_eval.arms import net_name, parse_arm, parse_net_name, trained_nets
from unet_eval.config import UnetConfig
from unet_eval.measures.metrics import best_threshold
from unet_eval.segment import Segmenter

# Options in which arms and seeds differ, and those that are told of elsewhere.
ITS_OWN = ("arm", "count", "synthetic", "seed", "agree_with", "pairs", "warm_start")


class Net:
    """One trained U-Net of an arm."""

    def __init__(self, folder: Path):
        remedy = "train this arm again"
        config, data = read_config(folder, UnetConfig, remedy), read_record(folder, remedy)["data"]
        self.config = config
        self.arm, self.seed, self.validation = parse_arm(config.arm, config.count), config.seed, config.validation
        # Before each seed had GANs of its own, all of an arm's U-Nets were trained on the same pairs.
        self.store = Path(config.synthetic).stem if self.arm.kind.store else None
        if "n_train_pairs" not in data:
            raise UserError(f"{folder}/config.json does not say how many pairs it was trained on, as of packed "
                            "networks: evaluate the run that they were made in, --run, or train this arm again")
        self.n_train_pairs: int = data["n_train_pairs"]
        self.rows: list[int] | None = data.get("rows")  # of its store, where they are not simply the first
        self._folder, self._pairs = folder, data.get("synthetic")  # what its store said of itself; of old ones nothing
        self.segmenter = Segmenter(folder)
        validation = folder / "validation.json"
        self.validation_f1 = read_number(validation, "f1_vessel") if validation.exists() else None

    def check_pairs(self, there: PairReader) -> None:
        """UserError where its store, as it is `there` now, holds other pairs than it was trained on."""
        if self._pairs is not None and _made_by(self._pairs) != _made_by(there.attributes):
            raise UserError(f"{self._folder} was trained on other pairs than {self.store}.h5 holds now: train it "
                            f"again, `make {self._folder.name}`, or leave it out (--arms)")


def _made_by(said: dict) -> list:
    """The seed and the checksums of the networks that made pairs, from the attributes of their file."""
    return [said.get("seed"), said.get("weights"), (said.get("stage1") or {}).get("weights")]


def find_arms(folder: Path, wanted: tuple[str, ...]) -> list[str]:
    """Names of the trained arms, `real` first; UserError where a `wanted` one is missing, or all are."""
    trained = set()
    for name in {parse_net_name(path.parent.name)[0] for path in folder.glob("unet-?*/weights.h5")}:
        try:
            trained.add(parse_arm(name).name)
        except UserError:
            logging.warning("%s/unet-%s is left out: its name is that of no arm", folder, name)
    missing = [name for name in wanted if name not in trained] or ([] if trained else ["real"])
    if missing:
        raise UserError(f"{folder}/unet-{missing[0]}/weights.h5 is missing: train this arm first, `make "
                        f"{'eval' if missing[0] in ('real', 'synthetic') else 'unet-' + missing[0]}`")
    return sorted({*(wanted or trained)}, key=lambda name: (name != "real", name))


def of_all_seeds(folder: Path, arm: str, most: int = 0) -> list[Path]:
    """Folders of an arm's trainings, `most` of them unless it is 0. UserError where one is missing between them: seeds
    of two arms are compared by their place, and would be others."""
    paths = trained_nets(folder, arm)[:most or None]
    for repeat, path in enumerate(paths):
        missing = net_name(arm, repeat)
        if path.name != missing:
            raise UserError(f"{folder}/{missing}/weights.h5 is missing, and there is {path.name}: train that seed, "
                            f"`make {missing}`, or move {path.name} out of the run")
    return paths


def unlike_options(configs: list[UnetConfig]) -> list[str]:
    """The flags in which U-Nets differ that only their pairs and seeds should tell apart."""
    compared = [field.name for field, _ in fields(UnetConfig) if field.name not in ITS_OWN
                and (field.name == "epochs" or not field.metadata["may_change"])]
    return [f"--{name}" for name in compared if len({str(getattr(config, name)) for config in configs}) > 1]


def numbers_of_steps(configs: list[UnetConfig]) -> list[int] | None:
    """[fewest, most] steps of the trainings of U-Nets; None where an epoch is one pass over an arm's own pairs."""
    steps = [config.epochs * config.steps_per_epoch for config in configs]
    return [min(steps), max(steps)] if all(steps) else None


def tuned_threshold(probability, views) -> float:
    """The threshold of the best vessel F1, pooled over the fields of view of `views`, on the working grid;
    `probability` is `Segmenter.probability`."""
    positives, negatives = [], []
    for view in views:
        answer, truth, inside = probability(view), view.mask > 0, view.fov > 0
        positives.append(answer[inside & truth])
        negatives.append(answer[inside & ~truth])
    return best_threshold(np.concatenate(positives), np.concatenate(negatives))

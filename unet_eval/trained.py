"""The trained U-Nets of a run, and what they reach on test images."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from absl import logging

from data.fundus import View
from data.images import DataError
from data.layouts import origin, samples
from data.pairs import PairReader
from training.run_folder import read_json
from unet_eval import arms, measure, metrics
from unet_eval.measure import TestImage
from unet_eval.segment import Segmenter


def find_arms(run: Path, wanted: tuple[str, ...]) -> list[str]:
    """Names of the trained arms, `real` first; DataError where a `wanted` one is missing, or all are."""
    trained = {path.parent.name[len("unet-"):] for path in run.glob("unet-*/weights.h5")
               if not path.parent.suffix[1:].isdigit()}
    missing = [name for name in wanted if name not in trained] or ([] if trained else ["real"])
    if missing:
        raise DataError(f"{run}/unet-{missing[0]}/weights.h5 is missing: train this arm first, `make "
                        f"{'eval' if missing[0] in ('real', 'synthetic') else 'unet-' + missing[0]}`")
    return sorted(wanted or trained, key=lambda name: (name != "real", name))


class Net:
    """One trained U-Net of an arm."""

    def __init__(self, folder: Path):
        self.folder, self.config = folder, read_json(folder / "config.json", "train this arm again")
        self.segmenter = Segmenter(folder)
        flags = self.config["flags"]
        self.arm = arms.Arm.of(flags["arm"], flags["count"])
        self.seed = flags["seed"] + flags["repeat"]

    @property
    def n_train_pairs(self) -> int:
        return self.config["data"]["n_train_pairs"]

    def threshold(self, text: str, run: Path, training: list[View]) -> float:
        """The number that `text` is, or for "tuned" the best on what the net was trained on."""
        if text != "tuned":
            return float(text)
        views = list(training) if self.arm.real else []
        if self.arm.made:
            with PairReader(run / f"{self.arm.made}.h5") as pairs:
                views += measure.pair_views(pairs, self.config["data"].get("rows") or range(self.arm.rows(len(pairs))))
        return measure.tuned_threshold(self.segmenter.probability, views)

    def validation_f1(self) -> float | None:
        record = self.folder / "validation.json"
        return read_json(record, "remove it")["f1_vessel"] if record.exists() else None


def load_nets(run: Path, wanted: tuple[str, ...], seeds: int) -> dict[str, list[Net]]:
    """The U-Nets of every arm by seed, at most `seeds` of each (0: all); DataError as `find_arms`."""
    return {name: [Net(folder) for folder in arms.folders(run, name)[:seeds or None]]
            for name in find_arms(run, wanted)}


def evaluate_arm(nets: list[Net], threshold: str, run: Path, tests: list[TestImage], training: list[View]):
    """(the arm's entry in results.json, its counts (seeds, images, 4), the first seed's boolean masks on the working
    grid). `threshold` is a number, or "tuned"."""
    outcomes, found = [], []
    for net in nets:
        probabilities = [net.segmenter.probability(test.view) for test in tests]
        outcomes.append(measure.measure(tests, probabilities, net.threshold(threshold, run, training)))
        found = found or [probability >= outcomes[0].threshold for probability in probabilities]
    seeds = [{"seed": net.seed, "threshold": outcome.threshold, "auc": outcome.scores["fov"]["auc"],
              **{key: outcome.scores["fov"][key] for key in metrics.F1}, "validation_f1": net.validation_f1()}
             for net, outcome in zip(nets, outcomes)]
    entry = {"n_train_pairs": nets[0].n_train_pairs, **measure.summarise(outcomes, tests), "seeds": seeds}
    return entry, np.stack([outcome.counts for outcome in outcomes]), found


def contrasts(outcomes: dict[str, np.ndarray]) -> list[dict]:
    """Differences between arms neither of which is `real`, as measure.differences, from their counts: `rendered` less
    `synthetic`, which is what Stage-I's masks lose; the most synthetic pairs less the fewest, and less the paper's 50:
    whether the curve rises, and whether it still does there."""
    numbered = sorted((name for name in outcomes if name.startswith("synthetic-")), key=lambda name: int(name[10:]))
    wanted = [("rendered", "synthetic"), *((numbered[-1], other) for other in (*numbered[:1], "synthetic")
                                           if len(numbered) > 1)]
    return [{"arm": arm, "less": other, **measure.differences(outcomes[arm], outcomes[other])}
            for arm, other in wanted if {arm, other} <= outcomes.keys()]


def data_set_name(spec: str) -> str:
    """How a data set "layout:path" is called in results: by its origin, a plain folder by its name."""
    return Path(spec).name if spec.startswith("folder:") else origin(spec)


def check_unseen(spec: str, pairs: str) -> None:
    """DataError where test images of `spec` are training images of `pairs`."""
    trained_on = {sample.image.resolve() for sample in samples(pairs, "train")}
    stems = [sample.stem for sample in samples(spec, "test") if sample.image.resolve() in trained_on]
    if stems:
        raise DataError(f"--test={spec} holds training images of --pairs={pairs} ({', '.join(stems)}): give a data set "
                        "that no arm was trained on")


def cross(spec: str, tests: list[TestImage], nets: dict[str, list[Net]], entries: dict, photos: str) -> dict:
    """An entry of "cross": arms on the test images of another data set, at the thresholds that `entries` have."""
    shown = {sample.image.resolve() for sample in samples(photos, "all", masks=False)} if photos else set()
    seen = sum(sample.image.resolve() in shown for sample in samples(spec, "test"))
    crossed = {}
    for name, several in nets.items():
        if "-" in name:  # F1 over the number of pairs is for one data set
            continue
        logging.info("%s arm: segmenting %d test images of %s", name, len(tests), spec)
        counts = np.stack([measure.cross_counts(tests, net.segmenter.probability, seed["threshold"])
                           for net, seed in zip(several, entries[name]["seeds"])])
        pooled = metrics.scores(counts.sum(axis=1))
        crossed[name] = {**{key: float(pooled[key].mean()) for key in metrics.F1}, **measure.spreads(counts)}
    return {"spec": data_set_name(spec), "n_test": len(tests), "seen": seen, "arms": crossed}

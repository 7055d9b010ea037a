"""What results.json holds, computed from test images, training images and synthetic pairs."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.fundus import ACROSS, View, find_field_of_view, load_view, resize, resize_mask, to_native
from data.images import read_image, read_mask
from data.layouts import Sample, check, samples
from data.pairs import PairReader
from training.run_folder import read_json
from unet_eval import metrics


@dataclass(frozen=True)
class TestImage:
    """A test image on the working grid, and on the native grid its reference and field of view, boolean (H, W)."""

    view: View
    truth: np.ndarray
    fov: np.ndarray

    @classmethod
    def load(cls, sample: Sample) -> TestImage:
        # Where no file gives the field of view it is found on the native grid, as load_view does before it scales.
        fov = read_mask(sample.fov) if sample.fov else find_field_of_view(read_image(sample.image))
        return cls(load_view(sample), read_mask(sample.mask) > 0, fov > 0)


def load_test_images(spec: str) -> list[TestImage]:
    """The test split of a data set "layout:path", every file checked first; DataError as `samples` and `check`."""
    found = samples(spec, "test")
    check(found)
    return [TestImage.load(sample) for sample in found]


def pair_views(pairs: PairReader, rows: Iterable[int]) -> Iterable[View]:
    """Rows of a synthetic.h5, at the scale at which arms are trained on them."""
    whole = (ACROSS, ACROSS)
    for i in rows:
        row = pairs[i]
        yield View(f"pair {i}", resize(row["images"], whole), resize_mask(row["masks"][..., 0], whole),
                   resize_mask(row["fovs"][..., 0], whole), (0, 0, *whole), whole)


def tuned_threshold(probability: Callable[[View], np.ndarray], views: Iterable[View]) -> float:
    """The threshold of the best vessel F1, pooled over the fields of view of `views`, on the working grid."""
    positives, negatives = [], []
    for view in views:
        answer, truth, inside = probability(view), view.mask > 0, view.fov > 0
        positives.append(answer[inside & truth])
        negatives.append(answer[inside & ~truth])
    return metrics.best_threshold(np.concatenate(positives), np.concatenate(negatives))


@dataclass(frozen=True)
class Outcome:
    """What one trained U-Net reached on test images: `counts` int64 (images, 4) in the fields of view, at `threshold`;
    `scores` by region, "fov" and "all", pooled."""

    threshold: float
    counts: np.ndarray
    scores: dict[str, dict[str, float]]


def measure(tests: list[TestImage], probabilities: Iterable[np.ndarray], threshold: float) -> Outcome:
    """On the native grids. `probabilities` are float32 (h, w) on the working grid, one a test image."""
    counts = {"fov": [], "all": []}
    collected = {"fov": ([], []), "all": ([], [])}
    for test, probability in zip(tests, probabilities):
        native = to_native(test.view, probability)
        for region, within in (("fov", test.fov), ("all", np.ones_like(test.fov))):
            counts[region].append(metrics.confusion(test.truth, native >= threshold, within))
            for kept, pixels in zip(collected[region], (within & test.truth, within & ~test.truth)):
                kept.append(native[pixels])
    scores = {}
    for region, (positives, negatives) in collected.items():
        scores[region] = {key: float(value) for key, value in metrics.scores(sum(counts[region])).items()}
        scores[region]["auc"] = metrics.auc(np.concatenate(positives), np.concatenate(negatives))
    return Outcome(threshold, np.array(counts["fov"]), scores)


def summarise(outcomes: list[Outcome], tests: list[TestImage]) -> dict:
    """An arm's entry in results.json over its seeds: means, intervals over test images, spread over seeds."""
    regions = {region: {key: float(np.mean([outcome.scores[region][key] for outcome in outcomes])) for key in first}
               for region, first in outcomes[0].scores.items()}
    counts = np.stack([outcome.counts for outcome in outcomes])
    each = metrics.scores(counts)
    return {"threshold": float(np.mean([outcome.threshold for outcome in outcomes])), **regions, **spreads(counts),
            "per_image": [{"stem": test.view.stem, **{key: float(each[key][:, i].mean()) for key in metrics.F1}}
                          for i, test in enumerate(tests)]}


def spreads(counts: np.ndarray) -> dict:
    """From counts (seeds, images, 4): "ci95", over test images, of the mean over seeds, and "spread", the standard
    deviation over seeds, None for a single one."""
    pooled, resampled = metrics.scores(counts.sum(axis=1)), metrics.bootstrap(counts)
    return {"ci95": {key: metrics.interval(resampled[key]) for key in metrics.F1},
            "spread": {key: float(pooled[key].std(ddof=1)) if len(counts) > 1 else None for key in metrics.F1}}


def differences(counts: np.ndarray, reference: np.ndarray) -> dict:
    """Both F1 scores of an arm less those of another, from counts (seeds, images, 4): "mean", "ci95" and "p" by paired
    bootstrap over the test images."""
    pooled, others = metrics.scores(counts.sum(axis=1)), metrics.scores(reference.sum(axis=1))
    arm, other = metrics.bootstrap(counts), metrics.bootstrap(reference)
    return {key: {"mean": float(pooled[key].mean() - others[key].mean()),
                  "ci95": metrics.interval(arm[key] - other[key]), "p": metrics.p_value(arm[key] - other[key])}
            for key in metrics.F1}


def cross_counts(tests: list[TestImage], probability: Callable[[View], np.ndarray], threshold: float) -> np.ndarray:
    """Confusion counts int64 (images, 4) in the fields of view, on the native grids."""
    return np.array([metrics.confusion(test.truth, to_native(test.view, probability(test.view)) >= threshold, test.fov)
                     for test in tests])


def stage_seconds(run: Path) -> dict:
    """Seconds of training by folder, None where Stage-I or Stage-II left no record, and the "total" of those known."""
    seconds = {"stage1": None, "stage2": None}
    for path in sorted(run.glob("*/seconds.json")):
        seconds[path.parent.name] = read_json(path, "remove it")["seconds"]
    return {**seconds, "total": sum(value for value in seconds.values() if value is not None)}

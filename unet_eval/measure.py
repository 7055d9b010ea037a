"""What results.json holds, computed from test images, training images and synthetic pairs."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.fundus import ACROSS, View, find_field_of_view, load_view, resize, resize_mask, square, to_native
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


def pair_views(pairs: PairReader) -> Iterable[View]:
    """Rows of synthetic.h5 at the scale at which the synthetic arm was trained on them."""
    whole = (ACROSS, ACROSS)
    for i in range(len(pairs)):
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


def measure(tests: list[TestImage], probabilities: list[np.ndarray], threshold: float) -> dict:
    """An arm's entry in results.json, on the native grids.

    `probabilities` are float32 (h, w) on the working grid, one a test image.
    """
    counts = {"fov": [], "all": []}
    collected = {"fov": ([], []), "all": ([], [])}
    for test, probability in zip(tests, probabilities):
        native = to_native(test.view, probability)
        for region, within in (("fov", test.fov), ("all", np.ones_like(test.fov))):
            counts[region].append(metrics.confusion(test.truth, native >= threshold, within))
            for kept, pixels in zip(collected[region], (within & test.truth, within & ~test.truth)):
                kept.append(native[pixels])
    entry = {"threshold": threshold}
    for region, (positives, negatives) in collected.items():
        entry[region] = {key: float(value) for key, value in metrics.scores(sum(counts[region])).items()}
        entry[region]["auc"] = metrics.auc(np.concatenate(positives), np.concatenate(negatives))
    entry["ci95"] = metrics.bootstrap(counts["fov"])
    each = metrics.scores(np.array(counts["fov"]))
    entry["per_image"] = [{"stem": test.view.stem, "f1_vessel": float(each["f1_vessel"][i]),
                           "f1_macro": float(each["f1_macro"][i])} for i, test in enumerate(tests)]
    return entry


def intensities(images: Iterable[tuple[np.ndarray, np.ndarray]], bins: int, pixels: str) -> np.ndarray:
    """Grey-level counts (N, bins) of pairs (photograph, field of view); `pixels` is "fov" or "all"."""
    return np.array([metrics.intensity_histogram(image, (fov > 0) | (pixels == "all"), bins) for image, fov in images])


def compare_intensities(real: np.ndarray, synthetic: np.ndarray, smoothing: float) -> dict:
    """KL both ways and its floor between random halves of `real`, from counts (N, bins)."""
    return {"synthetic_real": metrics.kl_divergence(synthetic.sum(0), real.sum(0), smoothing),
            "real_synthetic": metrics.kl_divergence(real.sum(0), synthetic.sum(0), smoothing),
            "real_real": metrics.kl_of_halves(real, smoothing)}


def describe_masks(masks: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict:
    """Means over pairs (mask, field of view), uint8 (H, W), of metrics.mask_statistics, and their number "n"."""
    each = [metrics.mask_statistics(mask > 0, fov > 0) for mask, fov in masks]
    return {"n": len(each), **{key: float(np.mean([one[key] for one in each])) for key in each[0]}}


def compare_masks(pairs: PairReader, training: list[View]) -> dict:
    """Stage-I's masks, and the real training masks drawn at the same size."""
    rows = (pairs[i] for i in range(len(pairs)))
    size = pairs[0]["masks"].shape[0]
    return {"size": size, "synthetic": describe_masks((row["masks"][..., 0], row["fovs"][..., 0]) for row in rows),
            "real": describe_masks((square(view.mask, size), square(view.fov, size)) for view in training)}


def stage_seconds(run: Path, arms: Iterable[str]) -> dict:
    """Seconds of training by stage, None where a stage left no record; "total" is the sum of those known."""
    seconds = {}
    for stage in ("stage1", "stage2", *(f"unet-{arm}" for arm in arms)):
        record = run / stage / "seconds.json"
        seconds[stage] = read_json(record, "remove it")["seconds"] if record.exists() else None
    return {**seconds, "total": sum(value for value in seconds.values() if value is not None)}

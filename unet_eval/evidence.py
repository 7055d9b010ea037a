"""What the synthetic pictures are like, beside the real ones: the part of results.json that trains no U-Net."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from data.fundus import ACROSS, View, find_field_of_view, load_views, resize, resize_mask, square
from data.layouts import origin
from data.pairs import PairReader
from training.run_folder import read_json
from unet_eval import distances, kl, metrics, morphology, nearest
from unet_eval.measure import TestImage, pair_views
from unet_eval.segment import TILES

COMPARED = 100  # synthetic masks at most that are compared with the real ones


@dataclass(frozen=True)
class Sets:
    """The sets of pictures of a run. `pairs` is synthetic.h5, of which the first `count` rows are what the synthetic
    arm is trained on; `training` are real views, of which Stage-I saw the first `learned`; the others may be None."""

    tests: list[TestImage]
    training: list[View]
    learned: int
    pairs: PairReader
    count: int
    rendered: PairReader | None
    phantom: PairReader | None
    single: np.ndarray | None

    @property
    def size(self) -> int:
        return self.pairs[0]["masks"].shape[0]

    def masks(self, count: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """(mask, field of view), uint8 (S, S), of synthetic pairs."""
        rows = (self.pairs[k] for k in range(min(count, len(self.pairs))))
        return ((row["masks"][..., 0], row["fovs"][..., 0]) for row in rows)


def learned(run: Path, training: list[View]) -> int:
    """How many of the training images Stage-I saw; the others were held out."""
    flags = read_json(run / "stage1" / "config.json", "train Stage-I again, make stage1")["flags"]
    return len(training) - flags.get("validation", 0)


def photograph_views(photographs: Iterable[np.ndarray]) -> list[View]:
    """Photographs uint8 (S, S, 3) without masks, at the working scale, each with the field of view that is found."""
    whole = (ACROSS, ACROSS)
    return [View(f"photograph {k}", resize(image, whole), None, resize_mask(find_field_of_view(image), whole),
                 (0, 0, *whole), whole) for k, image in enumerate(photographs)]


def compare_intensities(sets: Sets, definition: kl.Definition, paper: dict) -> tuple[dict, np.ndarray, np.ndarray]:
    """(the entry "kl", grey-level counts of the real photographs and of the synthetic ones, (images, bins))."""
    real = kl.histograms((view.image, view.fov) for view in sets.training)
    rows = (sets.pairs[k] for k in range(sets.count))
    made = kl.histograms((row["images"], row["fovs"][..., 0]) for row in rows)
    tried = [kl.compare(real, made, one) for one in kl.definitions()]
    grey = kl.Definition(definition.bins, "grey", definition.pixels, definition.smoothing)
    return ({**kl.compare(real, made, definition), "definitions": tried, "nearest": kl.nearest_to_paper(tried, paper)},
            *(kl.select(counts, grey)[:, 0] for counts in (real, made)))


def compare_pictures(sets: Sets, features: Callable[[View], np.ndarray]) -> dict:
    """The entry "distances": every set of made photographs against the real training photographs."""
    made = {"synthetic": list(pair_views(sets.pairs, range(sets.count)))}
    for name in ("rendered", "phantom"):
        reader = getattr(sets, name)
        if reader:
            made[name] = list(pair_views(reader, range(min(sets.count, len(reader)))))
    if sets.single is not None:
        made["single"] = photograph_views(sets.single[:sets.count])
    return {**distances.describe(features, sets.training, made), "tiles": TILES ** 2}


def compare_masks(sets: Sets) -> dict:
    """The entry "masks": Stage-I's masks, and the real training masks drawn at the same size."""
    made = [(mask > 0, fov > 0) for mask, fov in sets.masks(COMPARED)]
    real = [(square(view.mask, sets.size) > 0, square(view.fov, sets.size) > 0) for view in sets.training]

    def means(masks):
        each = [metrics.mask_statistics(*mask) for mask in masks]
        return {"n": len(each), **{key: float(np.mean([one[key] for one in each])) for key in each[0]}}

    return {"size": sets.size, "synthetic": means(made), "real": means(real),
            "statistics": morphology.compare(made, real), "test": "Kolmogorov-Smirnov",
            "widths": {"pixels": list(morphology.WIDTHS), "synthetic": morphology.width_shares(made),
                       "real": morphology.width_shares(real)}}


def nearest_masks(sets: Sets, drawn: int) -> tuple[dict, list[np.ndarray]]:
    """(the entry "nearest", for the first `drawn` synthetic masks the nearest training mask as it was found)."""
    bank = sets.training[:sets.learned]
    training = [square(np.minimum(view.mask, view.fov), sets.size) for view in bank]
    entry = nearest.compare((mask for mask, _ in sets.masks(COMPARED)),
                            (square(np.minimum(test.view.mask, test.view.fov), sets.size) for test in sets.tests),
                            training, [view.stem for view in bank])
    found = [nearest.Match(match["training"], match["flip"], match["degrees"], tuple(match["shift"]), match["distance"])
             for match in islice(entry["matches"], drawn)]
    return entry, [nearest.apply(match, training[match.training]) for match in found]


def second_views(run: Path) -> tuple[str, list[View]]:
    """(name, real training views) of the run on a second data set."""
    spec = read_json(run / "stage1" / "config.json", "train its Stage-I again")["data"]["pairs"]
    return origin(spec), load_views(spec, "train")

"""How far each set of synthetic photographs lies from the real ones, in the features of two networks."""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from absl import logging
from matplotlib.figure import Figure as Chart
from matplotlib.ticker import MaxNLocator

from data.fundus import ACROSS, View, field_of_view, resize, resize_mask
from data.layouts import Sample
from unet_eval.arms import parse_arm
from unet_eval.inputs import pair_views
from unet_eval.measures import distances
from unet_eval.measures.distances import KEYS, Photographs
from unet_eval.observers import fixed_features
from unet_eval.report.blocks import Figure, Section, Text
from unet_eval.report.charts import BLUE, ORANGE, PAGE, chart, draw
from unet_eval.report.tables import Table
from unet_eval.report.text import number, short
from unet_eval.run import Run
from unet_eval.segment import TILES

NAME = "distances between sets of photographs"
SETS = {"real_real": "real (the floor)", "synthetic": "synthetic", "rendered": "rendered", "single": "single GAN",
        "phantom": "phantom", "phantom-rendered": "phantom, rendered"}
PANELS = {"frechet": "Fréchet distance", "precision": "precision", "recall": "recall", "ms_ssim": "MS-SSIM within"}
COLUMNS = {"frechet": "Fréchet", "kid": "kernel", "precision": "precision", "recall": "recall", "density": "density",
           "coverage": "coverage", "ms_ssim": "MS-SSIM\nwithin"}
OBSERVERS = {"sets": "Distances to the real photographs", "fixed": "The same by a fixed network"}


def measure(run: Run) -> dict:
    logging.info("comparing sets of photographs")
    observer = next(iter(run.nets.values()))[0].segmenter  # of the real arm, where there is one
    fixed = fixed_features()

    def photographs(views: Iterable[View]) -> Photographs:
        views = list(views)
        return Photographs([observer.features(view) for view in views], [fixed(view) for view in views],
                           [view.image for view in views])

    stores = {name: run.stores[name] for name in SETS if name in run.stores}
    synthetic = {name: photographs(pair_views(store, range(min(run.count, len(store)))))
                 for name, store in stores.items()}
    if run.single is not None:
        synthetic["single"] = photographs(photograph_views(run.single[:run.count], run.modality))
    return {"distances": {**distances.describe(photographs(run.training), synthetic), "tiles": TILES ** 2}}


def photograph_views(photographs: Iterable[np.ndarray], modality: str) -> list[View]:
    """Photographs uint8 (S, S, 3) without masks, at the working scale, each with its field of view."""
    whole, sample = (ACROSS, ACROSS), Sample("photograph", Path(), modality=modality)
    return [View(sample.stem, resize(image, whole), None, resize_mask(field_of_view(sample, image), whole),
                 (0, 0, *whole), whole) for image in photographs]


def tables(results: dict) -> dict[str, Table]:
    """A table an observer; the fixed one leaves out MS-SSIM, which needs none."""
    shown = {}
    for observer, title in OBSERVERS.items():
        keys = [*KEYS, "ms_ssim"] if observer == "sets" else KEYS
        rows = [[SETS.get(name, name), *(_cell(entry, key) for key in keys)]
                for name, entry in _in_order(results["distances"][observer]).items()]
        shown[title] = Table(["set", *(COLUMNS[key] for key in keys)], rows)
    return shown


def _cell(entry: dict, key: str) -> str:
    def write(value):
        return short(value) if key in ("frechet", "kid") else number(value, 3)

    return f"{write(entry[key])}\nSD {write(entry['spread'][key])}"


def _in_order(sets: dict) -> dict:
    return {name: sets[name] for name in (*SETS, *sets) if name in sets}


def figures(folder: Path, results: dict, run: Run) -> None:
    draw(folder / "distances.png", distances_chart, _in_order(results["distances"]["sets"]))


def distances_chart(sets: dict) -> Chart:
    """Every set of photographs against the real ones; dotted, what real ones reach against real ones."""
    figure, panels = chart(len(PANELS), size=(PAGE, 0.7 + 0.2 * len(sets)), sharey=True)
    for axes, (key, label) in zip(panels, PANELS.items()):
        for i, (name, entry) in enumerate(sets.items()):
            if entry[key] is not None:
                axes.plot(entry[key], i, "s" if name == "real_real" else "o", markersize=4.5,
                          color=BLUE if name == "real_real" else ORANGE)
        if sets["real_real"][key] is not None:
            axes.axvline(sets["real_real"][key], color=BLUE, linestyle=":")
        axes.set(xlabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        if key in ("precision", "recall"):
            axes.set(xlim=(-0.04, 1.04))
    panels[0].set(yticks=range(len(sets)), yticklabels=[SETS.get(name, name) for name in sets],
                  ylim=(len(sets) - 0.5, -0.5))
    return figure


def section(results: dict, folder: Path) -> Section:
    measured, shown = results["distances"], tables(results)
    trained, fixed = (shown[title] for title in OBSERVERS.values())
    arm = next(iter(results["arms"]))
    kind = parse_arm(arm).kind
    seen = "these real photographs" if kind.real else kind.sentence.removeprefix("a control: ")
    return Section("distances", "Distances between sets of photographs", [
        Text(f"In the features of the {arm} arm’s U-Net, which sees what matters for segmentation, but was trained on "
             f"{seen}:"),
        trained,
        Text("In those of a fixed network with random weights, which no photograph has trained:"), fixed,
        Figure(folder / "distances.png", "Distances of each set to the real photographs by the U-Net; square and "
               "dotted: real against real.", "broad"),
        Text(f"Features are those of the bottleneck, {measured['n']} images a side, {measured['tiles']} tiles an "
             f"image, mean and SD over {measured['repeats']} choices of them; real against real are two disjoint "
             "halves. The kernel distance has no bias, so its floor is 0 in the mean; few images make the Fréchet "
             f"distance larger. Precision and density ({measured['k']} nearest neighbours): how much of the set looks "
             "like real photographs; recall and coverage: how much of the real ones the set covers. MS-SSIM is the "
             "mean over pairs within a set: lower is more varied; SD: jackknife over photographs. With so few images "
             "these numbers serve to compare the lines with each other, not with other papers.")])

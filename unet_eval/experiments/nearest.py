"""Whether generated masks are copies of training masks (paper, Figure 4)."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from statistics import mean, median

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure as Chart

from data.fundus import View, square
from training import nearest
from unet_eval.measures.morphology import MOST
from unet_eval.measures.nearest import nearer
from unet_eval.report.blocks import Details, Figure, Section, Text
from unet_eval.report.charts import BLUE, COLUMN, ORANGE, chart, draw
from unet_eval.report.claims import NEARER, copies
from unet_eval.report.grids import grid
from unet_eval.report.tables import Table
from unet_eval.report.text import interval, number, percent, probability
from unet_eval.run import Run

NAME = "nearest training masks"
DRAWN, COLUMNS = 12, 6  # masks beside their nearest training masks
LISTED = 5
BINS = 16


def measure(run: Run) -> dict:
    return {"nearest": compare((row["masks"][..., 0] for row in run.rows(MOST)),
                               _squares([test.view for test in run.tests], run.size),
                               [test.patient for test in run.tests], _squares(run.learned, run.size),
                               [view.stem for view in run.learned])}


def compare(synthetic: Iterable[np.ndarray], test: Iterable[np.ndarray], patients: list[str],
            training: list[np.ndarray], stems: list[str]) -> dict:
    """results.json's "nearest", from masks uint8 (S, S) 0/255; `patients` are the test masks', `stems` the training's.

    {"synthetic": [distances], "test": [distances], "share", "p", "matches": [{"mask", "training", "stem", "flip",
    "degrees", "shift", "distance"}, a synthetic mask each], "variety": {"synthetic", "training"}}; "share" and "p" as
    measures.nearest.nearer, "variety" the mean distance between two masks of a set, of equally many of each.
    """
    synthetic, bank = list(synthetic), nearest.Bank(training)
    matches = [nearest.find(mask, bank) for mask in synthetic]
    made = synthetic[:len(training)]
    variety = {"synthetic": _mean(nearest.pairwise(made)), "training": _mean(nearest.pairwise(training))}
    near, reference = [match.distance for match in matches], [nearest.find(mask, bank).distance for mask in test]
    return {"synthetic": near, "test": reference, **nearer(np.array(near), np.array(reference), np.array(patients)),
            "matches": [{"mask": row, "stem": stems[match.training], **asdict(match), "shift": list(match.shift)}
                        for row, match in enumerate(matches)], "variety": variety}


def _mean(distances: list[float]) -> float:
    return mean(distances) if distances else float("nan")


def _squares(views: list[View], size: int) -> list[np.ndarray]:
    """Masks within their fields of view, uint8 (size, size) 0/255."""
    return [square(np.minimum(view.mask, view.fov), size) for view in views]


def tables(results: dict) -> dict[str, Table]:
    """The generated masks that lie nearest to a training mask."""
    closest = sorted(results["nearest"]["matches"], key=lambda match: match["distance"])[:LISTED]
    return {"Nearest training masks": Table(
        ["generated mask", "training mask", "mirrored", "turned by", "shifted by, pixels", "distance"],
        [[str(match["mask"]), match["stem"], "yes" if match["flip"] else "no", f"{match['degrees']}°",
          ", ".join(number(step, 0) for step in match["shift"]), number(match["distance"])] for match in closest])}


def figures(folder: Path, results: dict, run: Run) -> None:
    draw(folder / "nearest.png", distances_chart, results["nearest"])
    training, rows, feet = _squares(run.learned, run.size), [], {}
    generated, matches = [row["masks"] for row in run.rows(DRAWN)], results["nearest"]["matches"][:DRAWN]
    for start in range(0, len(matches), COLUMNS):
        part = matches[start:start + COLUMNS]
        moved = [nearest.apply(nearest.Match(match["training"], match["flip"], match["degrees"], tuple(match["shift"]),
                                             match["distance"]), training[match["training"]]) for match in part]
        rows += [generated[start:start + COLUMNS], moved]
        feet[len(rows) - 1] = [f"{match['distance']:.3f}" for match in part]
    grid(folder / "figure_4.png", rows, labels=["generated", "nearest"] * (len(rows) // 2), feet=feet, pdf=True)


def distances_chart(distances: dict) -> Chart:
    """Distances to the nearest training mask: of synthetic masks, and of the real test masks."""
    edges = np.histogram_bin_edges(distances["synthetic"] + distances["test"], BINS)
    figure, axes = chart(size=(COLUMN, 2.2))
    for key, label, colour, hatch in (("synthetic", "generated masks", ORANGE, "////"),
                                      ("test", "real test masks", BLUE, "")):
        values = distances[key]
        axes.hist(values, edges, weights=np.full(len(values), 1 / len(values)), color=colour, alpha=0.35,
                  histtype="stepfilled", hatch=hatch, edgecolor=colour, label=f"{label} ({len(values)})")
    axes.set(xlabel="distance to the nearest training mask", ylabel="share of masks", ylim=(0, None))
    axes.legend()
    return figure


def section(results: dict, folder: Path) -> Section:
    measured = results["nearest"]
    synthetic, test, share = measured["synthetic"], measured["test"], measured["share"]
    verdict = {"reproduced": "they lie no nearer to the training masks than unseen real masks do",
               "not reproduced": "they lie nearer to the training masks than unseen real masks do, as copies would",
               "undecided": "undecided whether they lie nearer to the training masks than unseen real masks do"}
    return Section("nearest", "Nearest training masks (Figure 4)", [
        Text(Markup("For each of {} generated masks the nearest of the training masks under mirroring, rotations and "
                    "shifts; the distance is 0 for equal masks and 1 for masks without overlap. Median "
                    "<strong>{}</strong>, smallest {}. Real test masks, which no training has seen, have median {} and "
                    "smallest distance {}. Of all pairs of a generated and a real test mask, the generated one is the "
                    "nearer in {} ({}); half is no difference, and up to {} still counts as none: "
                    "<strong>{}</strong>. One-sided Mann-Whitney test, p {}.").format(
                        len(synthetic), number(median(synthetic), 3), number(min(synthetic), 3),
                        number(median(test), 3), number(min(test), 3), percent(share["mean"]),
                        interval(share["ci95"], percent), percent(0.5 + NEARER), verdict[copies(measured)],
                        probability(measured["p"]))),
        Text("Variety: two generated masks lie {} apart on average, two training masks {}, in the position in which "
             "they are nearest; masks that vary one layout would lie nearer to each other.".format(
                 *(number(measured["variety"][key], 3) for key in ("synthetic", "training")))),
        Figure(folder / "figure_4.png", "Figure 4. Generated masks, below each the nearest training mask, turned and "
               "shifted as it was found, and their distance."),
        Figure(folder / "nearest.png", "Distances to the nearest training mask.", "chart"),
        Details("The generated masks that lie nearest to a training mask",
                [tables(results)["Nearest training masks"]])])

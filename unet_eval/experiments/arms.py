"""The paper's experiment: the same U-Net, trained on other images, on the same real test images."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import logging
from markupsafe import Markup
from matplotlib.figure import Figure as Chart
from matplotlib.ticker import NullLocator

from data.fundus import to_native
from unet_eval.arms import KINDS, ordered, parse_arm
from unet_eval.measures import metrics, resampling
from unet_eval.measures.metrics import F1
from unet_eval.report.blocks import Bullets, Details, Figure, Legend, Pair, Section, Text
from unet_eval.report.charts import BLUE, COLUMN, GREEN, ORANGE, PAGE, chart, draw
from unet_eval.report.contrasts import COMPARED, EXPLAINED, relabelling
from unet_eval.report.grids import grid
from unet_eval.report.headline import how_sure
from unet_eval.report.segmentations import MEANINGS, ranked_images, segmentation, unnumbered
from unet_eval.report.tables import Table
from unet_eval.report.text import METRICS, against_zero, interval, number, probability, signed, with_interval
from unet_eval.run import Run, TestImage

NAME = "the arms"
RING = {"marker": "o", "linestyle": "none", "color": "black", "fillstyle": "none", "markersize": 3,
        "markeredgewidth": 0.6}
SHOWN = {"f1_vessel": (BLUE, "o", "-"), "f1_macro": (ORANGE, "s", "--")}


@dataclass(frozen=True)
class Outcome:
    """What one U-Net reached on the test images: `counts` int64 (images, 4) in the fields of view, at `threshold`;
    `scores` by region, "fov" and "all", pooled."""

    threshold: float
    counts: np.ndarray
    scores: dict[str, dict[str, float]]


def measure(run: Run) -> dict:
    entries, counts = {}, {}
    for name, nets in run.nets.items():
        logging.info("%s arm: %d U-Nets segment %d test images", name, len(nets), len(run.tests))
        outcomes = [score(run.tests, (net.segmenter.probability(test.view) for test in run.tests), run.threshold(net))
                    for net in nets]
        seeds = [{"seed": net.seed, "threshold": outcome.threshold, "auc": outcome.scores["fov"]["auc"],
                  **{key: outcome.scores["fov"][key] for key in F1}, "validation_f1": net.validation_f1}
                 for net, outcome in zip(nets, outcomes)]
        entries[name] = {"n_train_pairs": nets[0].n_train_pairs, **summarise(outcomes, run.tests), "seeds": seeds}
        counts[name] = np.stack([outcome.counts for outcome in outcomes])
    patients = [test.patient for test in run.tests]
    for name in entries.keys() - {"real"} if "real" in entries else ():
        entries[name]["difference"] = resampling.differences(counts[name], counts["real"], patients)
        entries[name]["ratio"] = resampling.ratios(counts[name], counts["real"], patients)
    return {"arms": entries, "contrasts": contrasts(counts, patients)}


def score(tests: list[TestImage], probabilities: Iterable[np.ndarray], threshold: float) -> Outcome:
    """On the native grids. `probabilities` are float32 (h, w) on the working grid, one a test image."""
    counts = {"fov": [], "all": []}
    pixels = {"fov": ([], []), "all": ([], [])}  # probabilities of vessel and of background
    for test, answer in zip(tests, probabilities):
        native = to_native(test.view, answer)
        for region, within in (("fov", test.fov), ("all", np.ones_like(test.fov))):
            counts[region].append(metrics.confusion(test.truth, native >= threshold, within))
            for values, chosen in zip(pixels[region], (within & test.truth, within & ~test.truth)):
                values.append(native[chosen])
    scores = {}
    for region, (positives, negatives) in pixels.items():
        scores[region] = {key: float(value) for key, value in metrics.scores(sum(counts[region])).items()}
        scores[region]["auc"] = metrics.auc(np.concatenate(positives), np.concatenate(negatives))
    return Outcome(threshold, np.array(counts["fov"]), scores)


def summarise(outcomes: list[Outcome], tests: list[TestImage]) -> dict:
    """An arm's entry in results.json over its seeds: means, intervals, spread over seeds, and each image."""
    regions = {region: {key: float(np.mean([outcome.scores[region][key] for outcome in outcomes])) for key in first}
               for region, first in outcomes[0].scores.items()}
    counts = np.stack([outcome.counts for outcome in outcomes])
    each = metrics.scores(counts)
    return {"threshold": float(np.mean([outcome.threshold for outcome in outcomes])), **regions,
            **resampling.spreads(counts, [test.patient for test in tests]),
            "per_image": [{"stem": test.view.stem, "patient": test.patient,
                           **{key: float(each[key][:, i].mean()) for key in F1}, "counts": counts[:, i].tolist()}
                          for i, test in enumerate(tests)]}


def contrasts(counts: dict[str, np.ndarray], patients: list[str]) -> list[dict]:
    """Differences between arms neither of which is `real`, from their counts (seeds, images, 4): those of COMPARED; the
    most synthetic pairs less the fewest, and less the paper's 50: whether the curve rises, and whether it still does
    there."""
    numbered = [name for name in _synthetic(counts) if parse_arm(name).numbered]
    wanted = list(COMPARED)
    if len(numbered) > 1:
        wanted += [(numbered[-1], numbered[0]), (numbered[-1], "synthetic")]
    return [{"arm": name, "less": other, **resampling.differences(counts[name], counts[other], patients)}
            for name, other in wanted if {name, other} <= counts.keys()]


def _synthetic(names: Iterable[str]) -> list[str]:
    """The arms with synthetic pairs only, by their number."""
    return [name for name in ordered(names) if parse_arm(name).kind.name == "synthetic"]


def tables(results: dict) -> dict[str, Table]:
    arms = {name: results["arms"][name] for name in ordered(results["arms"])}
    rows = []
    for name, arm in arms.items():
        difference = arm.get("difference", {}).get("f1_vessel")
        cells = [cell for key in F1 for cell in (with_interval(arm["fov"][key], arm["ci95"][key]),
                                                 number(arm["spread"][key]))]
        rows.append([name, str(arm["n_train_pairs"]), str(len(arm["seeds"])), *cells,
                     with_interval(difference["mean"], difference["ci95"], signed) if difference else "–",
                     probability(difference and difference["p"])])
    shown = {"Arms": Table(["arm", "pairs", "seeds", "vessel F1\n95% interval", "SD", "macro F1\n95% interval", "SD",
                            "vessel F1 − real\n95% interval", "p"], rows)}
    ratios = {name: arm["ratio"] for name, arm in arms.items() if "ratio" in arm}
    if ratios:
        shown["Of the real arm"] = Table(
            ["arm / real", "vessel F1\n95% interval", "macro F1\n95% interval"],
            [[name, *(with_interval(ratio[key]["mean"], ratio[key]["ci95"]) for key in F1)]
             for name, ratio in ratios.items()])
    if results["contrasts"]:
        rows = [[f"{entry['arm']} − {entry['less']}", *(cell for key in F1 for cell in (
            with_interval(entry[key]["mean"], entry[key]["ci95"], signed), probability(entry[key]["p"])))]
            for entry in results["contrasts"]]
        shown["Between other arms"] = Table(["difference", "vessel F1\n95% interval", "p", "macro F1\n95% interval",
                                             "p"], rows)
    return shown


def metrics_table(results: dict) -> Table:
    rows = [[f"{name}, {text}", number(results["arms"][name]["threshold"], 2),
             *(number(results["arms"][name][region][key]) for key in METRICS)]
            for name in ordered(results["arms"]) for region, text in (("fov", "field of view"), ("all", "all pixels"))]
    return Table(["arm, pixels", "threshold", *METRICS.values()], rows)


def seeds_table(results: dict) -> Table:
    rows = [[name, str(seed["seed"]), number(seed["threshold"], 2),
             *(number(seed[key]) for key in (*F1, "auc", "validation_f1"))]
            for name in ordered(results["arms"]) for seed in results["arms"][name]["seeds"]]
    return Table(["arm", "seed", "threshold", "vessel F1", "macro F1", "AUC", "validation F1"], rows)


def images_table(results: dict) -> Table:
    """Every test image, vessel F1 of the arms without a number."""
    names = unnumbered(results)
    images = zip(*(results["arms"][name]["per_image"] for name in names))
    return Table(["image", *names], [[entries[0]["stem"], *(number(entry["f1_vessel"]) for entry in entries)]
                                     for entries in images])


def figures(folder: Path, results: dict, run: Run) -> None:
    arms = results["arms"]
    differing = {name: arms[name]["difference"] for name in ordered(arms) if "difference" in arms[name]}
    draw(folder / "arms.png", arms_chart, results)
    if differing:
        draw(folder / "differences.png", differences_chart, differing)
    if len(_synthetic(arms)) > 1:
        draw(folder / "curve.png", curve_chart, arms)
    order, names = ranked_images(results), unnumbered(results)
    ranks = {order[0]: "best", order[len(order) // 2]: "median", order[-1]: "worst"}
    views = [run.tests[index].view for index in ranks]
    rows = [[view.image, view.mask, *(segmentation(run, name, index) for name in names)]
            for index, view in zip(ranks, views)]
    grid(folder / "segmentations.png", rows, [(name, 1) for name in ("photograph", "reference", *names)],
         [f"{rank}\n{view.stem[:20]}" for rank, view in zip(ranks.values(), views)])


def _of_seeds(arm: dict, key: str) -> list[float]:
    """A score of each seed; of a single one, which is its own mean, nothing."""
    return [seed[key] for seed in arm["seeds"]] if len(arm["seeds"]) > 1 else []


def arms_chart(results: dict) -> Chart:
    """Vessel and macro F1 of every arm: mean, 95 % interval, a ring a seed; dotted, the paper's F1."""
    names = ordered(results["arms"])
    figure, panels = chart(2, size=(PAGE, 0.7 + 0.24 * len(names)), sharey=True)
    for axes, (key, (colour, marker, _)) in zip(panels, SHOWN.items()):
        for i, name in enumerate(names):
            arm = results["arms"][name]
            axes.plot(arm["ci95"][key], [i, i], color=colour, linewidth=3, alpha=0.35, solid_capstyle="butt")
            seeds = _of_seeds(arm, key)
            axes.plot(seeds, [i + 0.22] * len(seeds), **RING)
            axes.plot(arm["fov"][key], i, marker, color=colour, markersize=4.5)
            if key == "f1_macro" and f"f1_{name}" in results["paper"]:
                axes.plot([results["paper"][f"f1_{name}"]] * 2, [i - 0.4, i + 0.4], ":", color="black")
        axes.set(xlabel=METRICS[key])
    panels[0].set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    return figure


def differences_chart(arms: dict) -> Chart:
    """Difference of each arm's F1 to the real arm's, with 95 % intervals; `arms` is name -> difference."""
    figure, axes = chart(size=(COLUMN, 0.9 + 0.26 * len(arms)))
    axes.axvline(0, color="black", linewidth=0.8)
    for (key, (colour, marker, line)), offset in zip(SHOWN.items(), (-0.15, 0.15)):
        for i, difference in enumerate(arms.values()):
            axes.plot(difference[key]["ci95"], [i + offset] * 2, line, color=colour)
            axes.plot(difference[key]["mean"], i + offset, marker, color=colour, markersize=3.5,
                      label=None if i else METRICS[key])
    axes.set(yticks=range(len(arms)), yticklabels=list(arms), ylim=(len(arms) - 0.5, -0.5), xlabel="F1 − F1 of real")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def curve_chart(arms: dict) -> Chart:
    """Vessel F1 against the number of synthetic pairs: mean, a ring a seed, band of the 95 % interval."""
    points = sorted((arms[name]["n_train_pairs"], name) for name in _synthetic(arms))
    counts = [count for count, _ in points]
    low, high = np.transpose([arms[name]["ci95"]["f1_vessel"] for _, name in points])
    figure, axes = chart(size=(COLUMN, 2.5))
    axes.fill_between(counts, low, high, color=BLUE, alpha=0.2, linewidth=0)
    axes.plot(counts, [arms[name]["fov"]["f1_vessel"] for _, name in points], "o-", color=BLUE, markersize=4,
              label="synthetic")
    for count, name in points:
        seeds = _of_seeds(arms[name], "f1_vessel")
        axes.plot([count] * len(seeds), seeds, **RING)
    for name, colour, line in (("real", ORANGE, "--"), ("rendered", GREEN, "-.")):
        if name in arms:
            axes.axhline(arms[name]["fov"]["f1_vessel"], color=colour, linestyle=line,
                         label=f"{name}, {arms[name]['n_train_pairs']} pairs")
    axes.set(xscale="log", xlabel="synthetic pairs", ylabel="vessel F1")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.xaxis.set_minor_locator(NullLocator())
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def section(results: dict, folder: Path) -> Section:
    shown, names = tables(results), unnumbered(results)
    sentences = []
    for name in names:
        difference = results["arms"][name].get("difference", {}).get("f1_vessel")
        if difference and not parse_arm(name).numbered:
            sentences.append(Markup("<strong>{}</strong>: vessel F1 {} from the real arm’s; {} ({}, p {}).").format(
                name, signed(difference["mean"]), against_zero(difference["ci95"]),
                interval(difference["ci95"], signed), probability(difference["p"])))
    kinds = Markup("; ").join(Markup("<em>{}</em>: {}").format(kind.name, kind.sentence) for kind in KINDS)
    contrasts = shown.get("Between other arms")
    return Section("arms", "Arms: the same U-Net, other training images", [
        Text(Markup("Every arm has the same network, flags and number of steps, and other training images. {}. A "
                    "number in a name, <em>synthetic-N</em>, is that of the synthetic pairs, from the first.").format(
                        kinds)),
        shown["Arms"],
        Text(f"In the field of view, on the images’ own pixel grid, pooled over all test pixels; means over seeds. SD: "
             f"standard deviation over seeds. {how_sure(results)} Differences, ratios and p are paired; p is not "
             "corrected for the number of arms."),
        Bullets(sentences) if sentences else None,
        shown.get("Of the real arm"),
        contrasts and Text(EXPLAINED), contrasts, relabelling(results["contrasts"]),
        Pair((Figure(folder / "curve.png", "Vessel F1 against the number of synthetic pairs. Filled: mean over seeds; "
                     "rings: seeds; band: 95% interval.", "chart"),
              Figure(folder / "differences.png", "Differences to the real arm with 95% intervals.", "chart"))),
        Figure(folder / "arms.png", "F1 of the arms. Filled: mean over seeds; rings: seeds; bars: 95% intervals; "
               "dotted: the paper’s F1, of DRIVE.", "broad"),
        Legend(MEANINGS),
        Figure(folder / "segmentations.png", "The test images with the best, the median and the worst vessel F1 of the "
               f"{names[0]} arm, first seeds, at the working scale of 540 pixels across."),
        Details("All metrics", [metrics_table(results)]),
        Details("Every seed", [seeds_table(results)]),
        Details("Every test image, vessel F1", [images_table(results)])])

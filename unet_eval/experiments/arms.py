"""The paper's experiment: the same U-Net, trained on other images, on the same real test images."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import logging
from markupsafe import Markup

from data.fundus import to_native
from unet_eval.arms import KINDS, ordered, parse_arm
from unet_eval.measures import metrics, resampling
from unet_eval.measures.metrics import F1
from unet_eval.report.arm_charts import arms_chart, curve_chart, differences_chart, synthetic_arms
from unet_eval.report.blocks import Bullets, Details, Figure, Legend, Pair, Section, Text
from unet_eval.report.charts import draw
from unet_eval.report.contrasts import COMPARED, EXPLAINED, relabelling
from unet_eval.report.grids import grid
from unet_eval.report.headline import how_sure, trained_alike
from unet_eval.report.segmentations import MEANINGS, ranked_images, segmentation, unnumbered
from unet_eval.report.tables import Table
from unet_eval.report.text import METRICS, against_zero, interval, number, probability, signed, with_interval
from unet_eval.run import Run, TestImage

NAME = "the arms"


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
    pairs = {name: entry["n_train_pairs"] for name, entry in entries.items()}
    for name in entries.keys() - {"real"} if "real" in entries else ():
        entries[name]["difference"] = resampling.differences(counts[name], counts["real"], patients)
        entries[name]["ratio"] = resampling.ratios(counts[name], counts["real"], patients)
    for key in F1:
        resampling.correct([entry["difference"][key] for entry in entries.values() if "difference" in entry])
    return {"arms": entries, "contrasts": contrasts(counts, pairs, patients)}


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


def contrasts(counts: dict[str, np.ndarray], pairs: dict[str, int], patients: list[str]) -> list[dict]:
    """Differences between arms neither of which is `real`, of the seeds that both have, from their counts (seeds,
    images, 4) and numbers of pairs: those of COMPARED; the most synthetic pairs less the fewest, and less `synthetic`
    where it has fewer: whether the curve rises, and whether it still does there."""
    numbered = [name for name in synthetic_arms(counts) if parse_arm(name).numbered]
    wanted = list(COMPARED)
    if len(numbered) > 1:
        wanted.append((numbered[-1], numbered[0]))
        if pairs.get("synthetic", 0) < pairs[numbered[-1]]:
            wanted.append((numbered[-1], "synthetic"))
    compared = []
    for name, other in wanted:
        if {name, other} <= counts.keys():
            both = min(len(counts[name]), len(counts[other]))
            difference = resampling.differences(counts[name][:both], counts[other][:both], patients)
            compared.append({"arm": name, "less": other, **difference})
    resampling.correct([entry[key] for entry in compared for key in F1])
    return compared


def tables(results: dict) -> dict[str, Table]:
    arms = {name: results["arms"][name] for name in ordered(results["arms"])}
    rows = []
    for name, arm in arms.items():
        difference = arm.get("difference", {}).get("f1_vessel")
        cells = [cell for key in F1 for cell in (with_interval(arm["fov"][key], arm["ci95"][key]),
                                                 number(arm["spread"][key]))]
        rows.append([name, str(arm["n_train_pairs"]), str(len(arm["seeds"])), *cells,
                     with_interval(difference["mean"], difference["ci95"], signed) if difference else "–",
                     probability(difference and difference["p_holm"])])
    shown = {"Arms": Table(["arm", "pairs", "seeds", "vessel F1\n95% interval", "SD", "macro F1\n95% interval", "SD",
                            "vessel F1 − real\n95% interval", "p, Holm"], rows)}
    ratios = {name: arm["ratio"] for name, arm in arms.items() if "ratio" in arm}
    if ratios:
        shown["Of the real arm"] = Table(
            ["arm / real", "vessel F1\n95% interval", "macro F1\n95% interval"],
            [[name, *(with_interval(ratio[key]["mean"], ratio[key]["ci95"]) for key in F1)]
             for name, ratio in ratios.items()])
    if results["contrasts"]:
        rows = [[f"{entry['arm']} − {entry['less']}", *(cell for key in F1 for cell in (
            with_interval(entry[key]["mean"], entry[key]["ci95"], signed), probability(entry[key]["p_holm"])))]
            for entry in results["contrasts"]]
        shown["Between other arms"] = Table(["difference", "vessel F1\n95% interval", "p, Holm",
                                             "macro F1\n95% interval", "p, Holm"], rows)
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
    if len(synthetic_arms(arms)) > 1:
        draw(folder / "curve.png", curve_chart, arms)
    order, names = ranked_images(results), unnumbered(results)
    ranks = {order[0]: "best", order[len(order) // 2]: "median", order[-1]: "worst"}
    views = [run.tests[index].view for index in ranks]
    rows = [[view.image, view.mask, *(segmentation(run, name, index) for name in names)]
            for index, view in zip(ranks, views)]
    grid(folder / "segmentations.png", rows, [(name, 1) for name in ("photograph", "reference", *names)],
         [f"{rank}\n{view.stem[:20]}" for rank, view in zip(ranks.values(), views)])


def section(results: dict, folder: Path) -> Section:
    shown, names = tables(results), unnumbered(results)
    sentences = []
    for name in names:
        difference = results["arms"][name].get("difference", {}).get("f1_vessel")
        if difference and not parse_arm(name).numbered:
            sentences.append(Markup("<strong>{}</strong>: vessel F1 {} from the real arm’s; {} ({}, p {}).").format(
                name, signed(difference["mean"]), against_zero(difference["ci95"]),
                interval(difference["ci95"], signed), probability(difference["p_holm"])))
    measured = {parse_arm(name).kind for name in results["arms"]}
    kinds = Markup("; ").join(Markup("<em>{}</em>: {}").format(kind.name, kind.sentence) for kind in KINDS
                              if kind in measured)
    contrasts = shown.get("Between other arms")
    return Section("arms", "Arms: the same U-Net, other training images", [
        Text(Markup("{} {}. A number in a name, <em>synthetic-N</em>, is that of the synthetic pairs, from the "
                    "first.").format(trained_alike(results), kinds)),
        shown["Arms"],
        Text(f"In the field of view, on the images’ own pixel grid, pooled over all test pixels; means over seeds. SD: "
             f"standard deviation over seeds. {how_sure(results)} Differences, ratios and p are paired; the p of each "
             "table are corrected together by Holm’s method."),
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

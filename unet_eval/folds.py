"""Pools the reports of all folds of a data set, in which each patient is tested once.

python -m unet_eval.folds --folds=3 --reports=reports/mine

reads reports/mine-fold1/results.json to reports/mine-fold3/results.json and writes reports/mine-folds.{json,md}.
"""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from data.errors import UserError, listed
from data.files import OutputFolder, read_json
from data.folds import parse_fold
from data.layouts import title
from training.cli import run
from unet_eval.arms import ordered
from unet_eval.config import FoldsConfig
from unet_eval.measures import resampling
from unet_eval.measures.metrics import F1, scores
from unet_eval.report.headline import how_sure
from unet_eval.report.publish import strict
from unet_eval.report.tables import Table
from unet_eval.report.text import number, signed, with_interval


def pool(folds: list[dict]) -> dict:
    """What the file RUN-folds.json holds, from the results.json of every fold.

    Scores are of the pixels of all folds together. Seed k of an arm is its k-th U-Net in every fold; where folds have
    not as many, of the first that all have. Arms that a fold lacks are left out.
    """
    names = ordered(set.intersection(*({*fold["arms"]} for fold in folds)))
    counts, seeds, entries = {}, {}, {}
    for name in names:
        nets = [fold["arms"][name]["seeds"] for fold in folds]
        seeds[name] = [net["seed"] for net in nets[0][:min(map(len, nets))]]
        counts[name] = np.array([image["counts"][:len(seeds[name])] for fold in folds for image in
                                 fold["arms"][name]["per_image"]]).swapaxes(0, 1)
    patients = [image["patient"] for fold in folds for image in fold["arms"][names[0]]["per_image"]]
    for name in names:
        pooled = scores(counts[name].sum(axis=1))
        entries[name] = {
            "fov": {key: float(pooled[key].mean()) for key in F1}, **resampling.spreads(counts[name], patients),
            "of_folds": [{key: fold["arms"][name]["fov"][key] for key in F1} for fold in folds],
            "seeds": [{"seed": seed, **{key: float(pooled[key][i]) for key in F1}} for i, seed in
                      enumerate(seeds[name])]}
        if name != "real" and "real" in names:
            for comparison, function in (("difference", resampling.differences), ("ratio", resampling.ratios)):
                entries[name][comparison] = function(counts[name], counts["real"], patients)
    for key in F1:
        resampling.correct([entry["difference"][key] for entry in entries.values() if "difference" in entry])
    data, origins = folds[0]["dataset"], folds[0]["origin"]
    return strict({
        "folds": len(folds),
        "dataset": {"pairs": data["pairs"], "photos": data["photos"], "n_test": len(patients),
                    "n_test_patients": len({*patients})},
        "origin": {"pairs": parse_fold(origins["pairs"])[1], "photos": origins["photos"]}, "arms": entries})


def table(pooled: dict) -> Table:
    """The arms over all folds, a line each."""
    rows = []
    for name, arm in pooled["arms"].items():
        difference, ratio = arm.get("difference"), arm.get("ratio")
        rows.append([name, str(len(arm["seeds"])), *(with_interval(arm["fov"][key], arm["ci95"][key]) for key in F1),
                     with_interval(difference["f1_vessel"]["mean"], difference["f1_vessel"]["ci95"], signed)
                     if difference else "–",
                     *(with_interval(ratio[key]["mean"], ratio[key]["ci95"]) if ratio else "–" for key in F1),
                     ", ".join(number(fold["f1_vessel"]) for fold in arm["of_folds"])])
    return Table(["arm", "seeds", "vessel F1\n95%", "macro F1\n95%", "vessel F1 − real\n95%", "vessel F1 / real\n95%",
                   "macro F1 / real\n95%", "vessel F1 of each fold"], rows)


def markdown(pooled: dict) -> str:
    """The table, to paste, and what it is of."""
    return (f"{pooled['folds']} folds of {title(pooled['origin']['pairs'])}: each patient is a test patient in one of "
            "them, and everything that saw labels was trained anew on the others. Scores are of all pixels of all "
            f"folds together, in the field of view. {how_sure(pooled)}\n\n{table(pooled).markdown()}\n")


def read(reports: Path, count: int) -> list[dict]:
    """results.json of every fold. UserError where one is missing, or is of something else than this fold."""
    folds, tested = [], set()
    for fold in range(1, count + 1):
        path = reports.with_name(f"{reports.name}-fold{fold}") / "results.json"
        remedy = f"call make folds FOLDS={count}, or another RUN"
        results = read_json(path, remedy)
        if results.get("dataset", {}).get("fold") != [fold, count]:
            raise UserError(f"{path} is not of fold {fold} of {count}: {remedy}")
        patients = {image["patient"] for arm in results["arms"].values() for image in arm["per_image"]}
        if patients & tested:
            again = listed(sorted(patients & tested))
            raise UserError(f"{path} tests patients of another fold again ({again}): make all folds from the same data "
                            "set, with another RUN")
        tested |= patients
        folds.append(results)
    return folds


def main(config: FoldsConfig) -> None:
    """Writes the files beside the folders of the reports. UserError as `read`, and where a user's file is there."""
    reports = Path(config.reports)
    names = [f"{reports.name}-folds.json", f"{reports.name}-folds.md"]
    folder = OutputFolder(reports.parent, "RUN")
    folder.check(names)
    pooled = pool(read(reports, config.folds))
    for name, text in zip(names, (json.dumps(pooled, indent=2, allow_nan=False) + "\n", markdown(pooled))):
        folder.write(name, text.encode())
    print(f"{table(pooled).plain()}\nfolds: the table is {reports.parent / names[1]}")


if __name__ == "__main__":
    run(main, FoldsConfig)

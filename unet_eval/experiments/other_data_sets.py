"""The arms on the test images of other data sets, at the thresholds that they have on their own."""
from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from absl import logging

from data.copies import copies
from data.errors import UserError
from data.fundus import to_native
from data.layouts import Sample, origin, photographs, samples, title
from unet_eval.arms import ordered
from unet_eval.measures.metrics import F1, confusion, scores
from unet_eval.measures.resampling import spreads
from unet_eval.report.blocks import Heading, Section, Text
from unet_eval.report.headline import too_few
from unet_eval.report.tables import Table
from unet_eval.report.text import images, number, with_interval
from unet_eval.run import Run, TestImage

NAME = "the arms on other data sets (--test=layout:path)"


def measure(run: Run) -> dict:
    named = Counter(map(data_set_name, run.other_data_sets))  # two of one layout go by their whole names
    return {"cross": {data_set_name(spec) if named[data_set_name(spec)] == 1 else spec: cross(run, spec, tests)
                      for spec, tests in run.other_data_sets.items()}}


def data_set_name(spec: str) -> str:
    """How a data set "layout:path" is called in results: by its origin, a plain folder or table by its name."""
    return Path(spec).name if spec.startswith(("folder:", "csv:")) else origin(spec)


def cross(run: Run, spec: str, tests: list[TestImage]) -> dict:
    """An entry of "cross"."""
    listed = samples(spec, "test", modality=run.config.modality)
    labelled = {arm: _labelled(run, arm, listed) for arm in run.nets}
    entries, patients = {}, [test.patient for test in tests]
    for name, nets in run.nets.items():
        if nets[0].arm.numbered:  # F1 over the number of pairs is for one data set
            continue
        logging.info("%s arm: segmenting %d test images of %s", name, len(tests), spec)
        counts = np.stack([[confusion(test.truth, to_native(test.view, net.segmenter.probability(test.view))
                                      >= run.threshold(net), test.fov) for test in tests] for net in nets])
        pooled = scores(counts.sum(axis=1))
        entries[name] = {**{key: float(pooled[key].mean()) for key in F1}, **spreads(counts, patients)}
    return {"spec": data_set_name(spec), "n_test": len(tests), "n_test_patients": len({*patients}),
            "seen": len({test for test, _ in copies(listed, run.photographs)}),
            "labelled": {name: labelled[name] for name in entries if labelled[name] != 0}, "arms": entries}


def _labelled(run: Run, arm: str, tests: list[Sample]) -> int | None:
    """How many of the test images the U-Nets of the arm were trained on, as PHOTOS that another U-Net labelled; None
    where these photographs are gone, and a warning says so."""
    made_of = run.records.get(f"unet-{arm}", {}).get("data", {}).get("synthetic", {}).get("source")
    if not arm.endswith("photos-relabelled") or not made_of:
        return 0
    try:
        trained_on = photographs(made_of, run.config.pairs, run.config.modality)
    except UserError as error:
        logging.warning("whether the arm %s was trained on test images is not known: %s", arm, error)
        return None
    return len({test for test, _ in copies(tests, trained_on)})


def tables(results: dict) -> dict[str, Table]:
    shown = {}
    for data_set, tested in results["cross"].items():
        rows = []
        for name in ordered(tested["arms"]):
            arm = tested["arms"][name]
            rows.append([name, *(cell for key in F1 for cell in (with_interval(arm[key], arm["ci95"][key]),
                                                                 number(arm["spread"][key])))])
        shown[f"Arms on {data_set}"] = Table(["arm", "vessel F1\n95% interval", "SD", "macro F1\n95% interval", "SD"],
                                             rows)
    return shown


def figures(folder: Path, results: dict, run: Run) -> None:
    """None."""


def section(results: dict, folder: Path) -> Section | None:
    shown, blocks = tables(results), []
    for name, tested in results["cross"].items():
        seen = (f" Stage-II has seen {tested['seen']} of these photographs, without their masks, which is why the arms "
                "that Stage-II had a hand in are not strangers to this camera." if tested["seen"] else "")
        seen += "".join(f" Whether the arm {arm} was trained on any of these photographs is not known: its PHOTOS are "
                        "gone." if count is None else
                        f" The arm {arm} was trained on {count} of these photographs, as another U-Net labelled them."
                        for arm, count in tested["labelled"].items())
        blocks += [Heading(f"{title(name)}, {images(tested)}"),
                   Text(f"Thresholds are those of the arms on their own data.{seen}{too_few(tested)}"),
                   shown[f"Arms on {name}"]]
    return Section("cross", "The same arms on other data sets", blocks) if blocks else None

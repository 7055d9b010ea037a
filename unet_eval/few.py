"""How few real pairs it takes: the runs of `make few` together, as a curve over the number of annotated images."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Chart
from matplotlib.ticker import NullLocator

from data.few import parse_few
from data.files import OutputFolder, read_json
from data.layouts import title
from data.unfinished import unfinished_folder
from unet_eval.arms import ordered
from unet_eval.measures import resampling
from unet_eval.measures.metrics import scores
from unet_eval.report.charts import BLUE, COLUMN, GREEN, ORANGE, PINK, chart, draw
from unet_eval.report.headline import too_few
from unet_eval.report.publish import strict
from unet_eval.report.tables import Table
from unet_eval.report.text import signed, with_interval

STYLES = {"real": (BLUE, "o", "-"), "real+synthetic": (ORANGE, "s", "-"), "synthetic": (GREEN, "^", "--"),
          "real+photos-relabelled": (PINK, "d", ":")}
KEY = "f1_vessel"


def summarise(runs: list[dict]) -> dict:
    """What the file RUN-few.json holds, from the results.json of the runs.

    Draws of images take the place of seeds: intervals are over them and over test patients.
    """
    numbers = sorted({run["dataset"]["n_train"] for run in runs})
    groups = [[run for run in runs if run["dataset"]["n_train"] == n] for n in numbers]
    points = [_point(n, group) for n, group in zip(numbers, groups)]
    real = [(n, point["arms"]["real"]["mean"]) for n, point in zip(numbers, points)]
    for point in points:
        point["worth"] = {name: worth(arm["mean"], real) for name, arm in point["arms"].items() if name != "real"}
    data, origins = runs[0]["dataset"], runs[0]["origin"]
    return strict({"dataset": {key: data[key] for key in ("pairs", "photos", "n_test", "n_test_patients")},
                   "origin": {"pairs": parse_few(origins["pairs"])[1], "photos": origins["photos"]},
                   "draws": max(map(len, groups)), "numbers": points})


def _point(n: int, runs: list[dict]) -> dict:
    """Vessel F1 of the arms that all runs on `n` annotated images have, a run a draw."""
    names = ordered(set.intersection(*({*run["arms"]} for run in runs)))
    counts = {name: np.array([[image["counts"][0] for image in run["arms"][name]["per_image"]] for run in runs])
              for name in names}
    patients = [image["patient"] for image in runs[0]["arms"]["real"]["per_image"]]
    arms = {}
    for name in names:
        draws = scores(counts[name].sum(axis=1))[KEY]
        arms[name] = {"mean": float(draws.mean()), "draws": draws.tolist(),
                      "ci95": resampling.spreads(counts[name], patients)["ci95"][KEY]}
    compared = {f"{name} − {other}": resampling.differences(counts[name], counts[other], patients)[KEY]
                for name, other in (("real+synthetic", "real"), ("real+synthetic", "real+photos-relabelled"))
                if {name, other} <= counts.keys()}
    return {"n": n, "arms": arms, "differences": compared,
            "made": runs[0]["arms"]["synthetic"]["n_train_pairs"] if "synthetic" in names else None}


def worth(f1: float, real: list[tuple[int, float]]) -> dict:
    """How many real pairs reach a vessel F1, from (number, F1) of the real arm, numbers rising.

    {"pairs": M, "beyond": ""}, between two numbers by their logarithms; where the curve falls, it counts as level. Off
    its ends M is the end, and "beyond" says "fewer than" or "more than".
    """
    numbers, curve = np.array([n for n, _ in real], float), np.maximum.accumulate([value for _, value in real])
    if f1 < curve[0] or f1 > curve[-1]:
        end, beyond = (0, "fewer than") if f1 < curve[0] else (-1, "more than")
        return {"pairs": float(numbers[end]), "beyond": beyond}
    above = int(np.argmax(curve >= f1))
    if not above:
        return {"pairs": float(numbers[0]), "beyond": ""}
    share = (f1 - curve[above - 1]) / (curve[above] - curve[above - 1])
    return {"pairs": float(np.exp(np.interp(share, [0, 1], np.log(numbers[above - 1:above + 1])))), "beyond": ""}


def sentence(results: dict) -> str:
    """The answer, for readers in a hurry."""
    points = [point for point in results["numbers"] if {"synthetic", "real+synthetic"} <= point["worth"].keys()]
    last = results["numbers"][-1]["n"]

    def text(found):
        of = f"all {last}" if found["beyond"] == "more than" else f"{float(format(found['pairs'], '.2g')):g}"
        return f"{found['beyond']} {of}".strip()

    def listed(values):
        *others, final = map(str, values)
        return f"{', '.join(others)} and {final}" if others else final

    alone, together = ([text(point["worth"][name]) for point in points] for name in ("synthetic", "real+synthetic"))
    return (f"{points[0]['made']} synthetic pairs made from {listed(point['n'] for point in points)} real ones are "
            f"worth {listed(alone)} real ones; together with those that they were made from, {listed(together)}.")


def table(results: dict) -> Table:
    names = ordered({name for point in results["numbers"] for name in point["arms"]})
    pairs = list(dict.fromkeys(pair for point in results["numbers"] for pair in point["differences"]))
    rows = []
    for point in results["numbers"]:
        arms, differences = point["arms"], point["differences"]
        rows.append([str(point["n"]), str(len(arms["real"]["draws"])),
                     *(with_interval(arms[name]["mean"], arms[name]["ci95"]) if name in arms else "–"
                       for name in names),
                     *(with_interval(differences[pair]["mean"], differences[pair]["ci95"], signed)
                       if pair in differences else "–" for pair in pairs)])
    return Table(["annotated images", "draws", *(f"{column}\n95%" for column in (*names, *pairs))], rows)


def markdown(results: dict, picture: str) -> str:
    data = results["dataset"]
    return (f"**{sentence(results)}**\n\n"
            f"Vessel F1 in the field of view, on {data['n_test']} test images of {data['n_test_patients']} patients of "
            f"{title(results['origin']['pairs'])}. In each run both GANs and all U-Nets were trained on the labels of "
            "these annotated images only, with fixed settings and no image to choose by; real+photos-relabelled is the "
            "control without GANs, photographs labelled by the real arm’s U-Net. Fewer images are among the more of "
            f"the same draw. Draws: {results['draws']} at most. 95% intervals are over test patients and draws."
            f"{too_few(data)}\n\n{table(results).markdown()}\n\n![Vessel F1 over annotated images]({picture})\n")


def curve(results: dict) -> Chart:
    """Vessel F1 over the number of annotated images: mean over draws, and a point a draw."""
    points = results["numbers"]
    figure, axes = chart(size=(COLUMN, 2.6))
    for name, (colour, marker, line) in STYLES.items():
        shown = [(point["n"], point["arms"][name]) for point in points if name in point["arms"]]
        if not shown:
            continue
        axes.plot([n for n, _ in shown], [arm["mean"] for _, arm in shown], line, color=colour, label=name)
        for n, arm in shown:
            axes.plot([n] * len(arm["draws"]), arm["draws"], marker, color=colour, markersize=3.5, fillstyle="none")
    numbers = [point["n"] for point in points]
    axes.set(xscale="log", xlabel="annotated images", ylabel="vessel F1")
    axes.set_xticks(numbers, [str(n) for n in numbers])
    axes.xaxis.set_minor_locator(NullLocator())
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def write(reports: Path, name: str, files: list[Path]) -> str:
    """Writes NAME.json, NAME.md and NAME.png into `reports`, from the results.json `files`; returns the sentence.

    UserError where a file is missing or damaged, or where a user's file is in the way.
    """
    names = {ending: f"{name}.{ending}" for ending in ("json", "md", "png")}
    folder = OutputFolder(reports, "RUN")
    folder.check(names.values())
    results = summarise([read_json(path, "remove it and call make few again") for path in files])
    with unfinished_folder(reports / name) as partial:
        draw(partial / names["png"], curve, results)
        folder.move_in(partial / names["png"], names["png"])
    folder.write(names["json"], (json.dumps(results, indent=2, allow_nan=False) + "\n").encode())
    folder.write(names["md"], markdown(results, names["png"]).encode())
    return f"few: {sentence(results)} The table is {reports / names['md']}"

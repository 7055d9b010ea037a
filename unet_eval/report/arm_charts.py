"""Charts of what the arms reach, from results.json."""
from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure as Chart
from matplotlib.ticker import NullLocator

from unet_eval.arms import ordered, parse_arm
from unet_eval.report.charts import BLUE, COLUMN, GREEN, ORANGE, PAGE, chart
from unet_eval.report.text import METRICS

RING = {"marker": "o", "linestyle": "none", "color": "black", "fillstyle": "none", "markersize": 3,
        "markeredgewidth": 0.6}
SHOWN = {"f1_vessel": (BLUE, "o", "-"), "f1_macro": (ORANGE, "s", "--")}


def synthetic_arms(names: Iterable[str]) -> list[str]:
    """The arms with synthetic pairs only, by their number."""
    return [name for name in ordered(names) if parse_arm(name).kind.name == "synthetic"]


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
    points = sorted((arms[name]["n_train_pairs"], name) for name in synthetic_arms(arms))
    counts = [count for count, _ in points]
    low, high = np.transpose(np.float64([arms[name]["ci95"]["f1_vessel"] for _, name in points]))  # None becomes NaN
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

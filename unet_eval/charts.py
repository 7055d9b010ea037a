"""Charts of results.json. A chart whose numbers the results do not have is not drawn."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from unet_eval.canvas import BLUE, COLUMN, GREEN, ORANGE, PAGE, STYLE, chart, plt, save
from unet_eval.tables import METRICS, SETS, family, ordered, probability, statistic_name

RING = {"marker": "o", "linestyle": "none", "color": "black", "fillstyle": "none", "markersize": 3,
        "markeredgewidth": 0.6}
BINS = 16
SHOWN = {"f1_vessel": (BLUE, "o", "-"), "f1_macro": (ORANGE, "s", "--")}
DISTANCES = {"frechet": "Fréchet distance", "precision": "precision", "recall": "recall", "ms_ssim": "MS-SSIM within"}


def draw(folder: Path, results: dict) -> None:
    """arms, curve, differences, mask_statistics, widths, nearest and distances .png into `folder`."""
    of, names = results["arms"], ordered(results["arms"])
    apart = {name: of[name]["difference"] for name in names if of[name].get("difference")}
    numbered = [name for name in names if family(name)[0] == "synthetic"]
    statistics, sets = results["masks"].get("statistics"), results.get("distances")
    with plt.rc_context(STYLE):
        figures = {"arms": arms(results),
                   "differences": apart and differences(apart),
                   "curve": len(numbered) > 1 and curve(of, numbered),
                   "mask_statistics": statistics and mask_statistics(statistics),
                   "widths": results["masks"].get("widths") and widths(results["masks"]["widths"]),
                   "nearest": results.get("nearest") and nearest(results["nearest"]),
                   "distances": sets and distances(sets["sets"])}
        for name, figure in figures.items():
            if figure:
                save(figure, folder / f"{name}.png")


def _of_seeds(arm: dict, key: str) -> list[float]:
    """A score of each seed; of a single one, which is its own mean, nothing."""
    seeds = [seed[key] for seed in arm.get("seeds") or []]
    return seeds if len(seeds) > 1 else []


def arms(results: dict) -> Figure:
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


def differences(arms: dict) -> Figure:
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


def curve(arms: dict, names: list[str]) -> Figure:
    """Vessel F1 against the number of synthetic pairs: mean, a ring a seed, band of the 95 % interval."""
    points = sorted((arms[name]["n_train_pairs"], name) for name in names)
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


def mask_statistics(statistics: dict) -> Figure:
    """Violins, a statistic a panel, of synthetic and real masks with the corrected p value of their test."""
    columns = 4
    rows = -(-len(statistics) // columns)
    figure, panels = chart(columns, rows, (PAGE, 0.2 + 1.5 * rows), squeeze=False)
    for axes, (name, of) in zip(panels.flat, statistics.items()):
        for place, (key, colour, hatch) in enumerate((("synthetic", ORANGE, "////"), ("real", BLUE, ""))):
            values = [value for value in of[key] if value is not None]
            if not values:
                continue
            parts = axes.violinplot(values, [place], widths=0.8, showmedians=True, showextrema=False)
            parts["bodies"][0].set(facecolor=colour, edgecolor=colour, alpha=0.35, hatch=hatch)
            parts["cmedians"].set(color="black", linewidth=1)
        title = f"{statistic_name(name).splitlines()[0]}\np {_equals(of['p_holm'])}"
        axes.set(title=title, xticks=(0, 1), xlim=(-0.6, 1.6))
        axes.set_xticklabels(("synthetic", "real"))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="x", visible=False)
    for axes in panels.flat[len(statistics):]:
        axes.axis("off")
    return figure


def widths(of: dict) -> Figure:
    """How much of the vessels is how wide: shares of the centre lines by width in pixels, the last or wider."""
    figure, axes = chart(size=(COLUMN, 2.2))
    for key, colour, marker, line in (("synthetic", ORANGE, "s", "--"), ("real", BLUE, "o", "-")):
        axes.plot(of["pixels"], of[key], line, marker=marker, markersize=3, color=colour, label=key)
    axes.set(xlabel="width of a vessel, pixels", ylabel="share of the centre lines", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return figure


def _equals(p: float | None) -> str:
    text = probability(p)
    return text if text.startswith("≤") else f"= {text}"


def nearest(of: dict) -> Figure:
    """Distances to the nearest training mask: of synthetic masks, and of the real test masks."""
    edges = np.histogram_bin_edges(of["synthetic"] + of["test"], BINS)
    figure, axes = chart(size=(COLUMN, 2.2))
    for key, label, colour, hatch in (("synthetic", "generated masks", ORANGE, "////"),
                                      ("test", "real test masks", BLUE, "")):
        share = np.full(len(of[key]), 1 / max(len(of[key]), 1))
        axes.hist(of[key], edges, weights=share, color=colour, alpha=0.35, histtype="stepfilled", hatch=hatch,
                  edgecolor=colour, label=f"{label} ({len(of[key])})")
    axes.set(xlabel="distance to the nearest training mask", ylabel="share of masks", ylim=(0, None))
    axes.legend()
    return figure


def distances(sets: dict) -> Figure:
    """Every set of photographs against the real ones; dotted, what real ones reach against real ones."""
    names = [name for name in [*SETS, *sorted(sets.keys() - SETS.keys())] if name in sets]
    figure, panels = chart(len(DISTANCES), size=(PAGE, 0.7 + 0.2 * len(names)), sharey=True)
    for axes, (key, label) in zip(panels, DISTANCES.items()):
        for i, name in enumerate(names):
            if sets[name][key] is not None:
                axes.plot(sets[name][key], i, "s" if name == "real_real" else "o", markersize=4.5,
                          color=BLUE if name == "real_real" else ORANGE)
        if sets["real_real"][key] is not None:
            axes.axvline(sets["real_real"][key], color=BLUE, linestyle=":")
        axes.set(xlabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        if key in ("precision", "recall"):
            axes.set(xlim=(-0.04, 1.04))
    panels[0].set(yticks=range(len(names)), yticklabels=[SETS.get(name, name) for name in names],
                  ylim=(len(names) - 0.5, -0.5))
    return figure

"""The shape of Stage-I's masks beside the real training masks, drawn at the same size."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Chart
from matplotlib.ticker import MaxNLocator

from data.fundus import square
from unet_eval.measures import morphology
from unet_eval.measures.morphology import LARGEST, MOST, STATISTICS
from unet_eval.report.blocks import Details, Figure, Section, Text
from unet_eval.report.charts import BLUE, COLUMN, ORANGE, PAGE, chart, draw
from unet_eval.report.claims import SHIFT, SPREAD, statistics
from unet_eval.report.tables import Table
from unet_eval.report.text import number, probability, short, with_interval
from unet_eval.run import Run

NAME = "the shape of masks"
KEPT = {"reproduced": "kept", "not reproduced": "not kept", "undecided": "undecided"}


def measure(run: Run) -> dict:
    synthetic = [(row["masks"][..., 0] > 0, row["fovs"][..., 0] > 0) for row in run.rows(MOST)]
    real = [(square(view.mask, run.size) > 0, square(view.fov, run.size) > 0) for view in run.training]
    patients = [view.patient for view in run.training]

    def means(masks):
        each = [morphology.mask_statistics(*mask) for mask in masks]
        return {"n": len(each), **{key: float(np.mean([values[key] for values in each])) for key in each[0]}}

    return {"masks": {"size": run.size, "synthetic": means(synthetic), "real": means(real),
                      "statistics": morphology.compare(synthetic, real, patients), "test": "Kolmogorov-Smirnov",
                      "widths": {"pixels": list(morphology.WIDTHS), "synthetic": morphology.width_shares(synthetic),
                                 "real": morphology.width_shares(real)}}}


def tables(results: dict) -> dict[str, Table]:
    measured = results["masks"]
    means = Table(["masks", "number", "vessel pixels, of all", f"in the {LARGEST} largest pieces, of vessel pixels"],
                  [[name, str(measured[key]["n"]), number(measured[key]["density"]),
                    number(measured[key]["largest_components"])]
                   for key, name in (("synthetic", "Stage-I"), ("real", "real training masks"))])
    verdicts = statistics(results)
    tests = Table(["statistic", "synthetic: median\nquartiles", "real: median\nquartiles", "means apart\n95% interval",
                   "SD / SD\n95% interval", "verdict", "D", "p, Holm"],
                  [["\n".join(filter(None, STATISTICS[name])), _quartiles(entry["synthetic"]),
                    _quartiles(entry["real"]), _estimate(entry["shift"]), _estimate(entry["spread"]),
                    KEPT[verdicts[name]], number(entry["statistic"], 3), probability(entry["p_holm"])]
                   for name, entry in measured["statistics"].items()])
    return {"Masks": means, "Statistics of masks": tests}


def _estimate(found: dict) -> str:
    return with_interval(found["mean"], found["ci95"], lambda value: number(value, 2))


def _quartiles(values: list[float | None]) -> str:
    values = sorted(value for value in values if value is not None)
    if not values:
        return "–"
    low, middle, high = (values[round(share * (len(values) - 1))] for share in (0.25, 0.5, 0.75))
    return f"{short(middle)}\n{short(low)} to {short(high)}"


def figures(folder: Path, results: dict, run: Run) -> None:
    draw(folder / "mask_statistics.png", statistics_chart, results["masks"]["statistics"])
    draw(folder / "widths.png", widths_chart, results["masks"]["widths"])


def statistics_chart(statistics: dict) -> Chart:
    """Violins, a statistic a panel, of synthetic and real masks with the corrected p value of their test."""
    columns = 4
    rows = -(-len(statistics) // columns)
    figure, panels = chart(columns, rows, (PAGE, 0.2 + 1.5 * rows), squeeze=False)
    for axes, (name, entry) in zip(panels.flat, statistics.items()):
        for place, (key, colour, hatch) in enumerate((("synthetic", ORANGE, "////"), ("real", BLUE, ""))):
            values = [value for value in entry[key] if value is not None]
            if not values:
                continue
            parts = axes.violinplot(values, [place], widths=0.8, showmedians=True, showextrema=False)
            parts["bodies"][0].set(facecolor=colour, edgecolor=colour, alpha=0.35, hatch=hatch)
            parts["cmedians"].set(color="black", linewidth=1)
        p = probability(entry["p_holm"])
        axes.set(title=f"{STATISTICS[name][0]}\np {p if p.startswith('≤') else f'= {p}'}", xticks=(0, 1),
                 xlim=(-0.6, 1.6))
        axes.set_xticklabels(("synthetic", "real"))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="x", visible=False)
    for axes in panels.flat[len(statistics):]:
        axes.axis("off")
    return figure


def widths_chart(widths: dict) -> Chart:
    """How much of the vessels is how wide: shares of the centre lines by width in pixels, the last or wider."""
    figure, axes = chart(size=(COLUMN, 2.2))
    for key, colour, marker, line in (("synthetic", ORANGE, "s", "--"), ("real", BLUE, "o", "-")):
        axes.plot(widths["pixels"], widths[key], line, marker=marker, markersize=3, color=colour, label=key)
    axes.set(xlabel="width of a vessel, pixels", ylabel="share of the centre lines", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return figure


def section(results: dict, folder: Path) -> Section:
    shown, size, verdicts = tables(results), results["masks"]["size"], statistics(results)
    named = {found: ", ".join(STATISTICS[name][0] for name in verdicts if verdicts[name] == found) for found in KEPT}
    said = "; ".join(f"{KEPT[found]}: {names or 'none'}" for found, names in named.items())
    return Section("masks", "The shape of masks", [
        shown["Masks"],
        Text(f"Masks are drawn at {size} × {size} pixels; means, in the field of view. A piece is an 8-connected "
             "component: a real vessel tree hangs together, and dust and broken strokes lower the last column."),
        Text(f"A statistic is kept where generated and real masks have means within {SHIFT:g} interquartile ranges of "
             f"the real ones, and standard deviations within a factor of {SPREAD}, both with the whole 95% interval. "
             f"It is not kept where an interval lies outside. So {said}."),
        Figure(folder / "mask_statistics.png", "Violins of each statistic, a value a mask; the line is the median, p "
               "corrected by Holm.", "broad"),
        Figure(folder / "widths.png", "How wide the vessels are: all masks of a set together, along their centre "
               "lines.", "chart"),
        Details("Medians, quartiles, intervals and tests", [shown["Statistics of masks"]]),
        Text("Means apart: synthetic less real, in interquartile ranges of the real masks. Intervals: jackknife over "
             "synthetic masks and over patients. That of means apart takes the interquartile range as known: with few "
             "real masks it is too narrow. D and p: two-sample Kolmogorov-Smirnov test, a value a mask.")])

"""KL divergence between the grey levels of synthetic and real photographs (paper, Section 9 and Figure 3)."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure as Chart

from data.fundus import square
from unet_eval.measures import kl
from unet_eval.paper import PAPER
from unet_eval.report.blocks import Details, Figure, Section, Text
from unet_eval.report.charts import BLUE, COLUMN, ORANGE, chart, draw
from unet_eval.report.claims import WITHIN, factor, reproduces
from unet_eval.report.tables import Table
from unet_eval.report.text import short
from unet_eval.run import Run

NAME = "the KL divergence of pixel intensities"
PIXELS = {"fov": "field of view", "all": "all"}


def measure(run: Run) -> dict:
    config, (real, synthetic) = run.config, histograms(run)
    definition = kl.Definition(int(config.kl_bins), config.kl_channels, config.kl_pixels, config.kl_smoothing)
    tried = [kl.compare(real, synthetic, each) for each in kl.definitions()]
    return {"kl": {**kl.compare(real, synthetic, definition), "definitions": tried,
                   "nearest": kl.nearest_to_paper(tried, PAPER)}}


def histograms(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Counts as `kl.histograms`, of the real training photographs and of the synthetic ones. Real ones are padded to a
    square, as synthetic ones are, for the black around them counts among all pixels."""
    return (kl.histograms([square(part, max(view.fov.shape)) for part in (view.image, view.fov)]
                          for view in run.training),
            kl.histograms((row["images"], row["fovs"][..., 0]) for row in run.rows(run.count)))


def tables(results: dict) -> dict[str, Table]:
    """Every definition of KL that was tried; the paper's values last."""
    measured, paper = results["kl"], results["paper"]
    rows = [[str(entry["bins"]), "R, G, B" if entry["channels"] == "rgb" else "grey", PIXELS[entry["pixels"]],
             f"{entry['smoothing']:g}", *(short(entry[key]) for key in ("synthetic_real", "real_synthetic",
                                                                       "real_real"))]
            for entry in measured["definitions"]]
    rows.append(["paper", "–", "–", "–", short(paper["kl_synthetic_real"]), "–", short(paper["kl_real_real"])])
    return {"KL divergence": Table(["bins", "channels", "pixels", "smoothing", "KL(synthetic, real)",
                                    "KL(real, synthetic)", "KL(real, real)"], rows, measured["nearest"])}


def figures(folder: Path, results: dict, run: Run) -> None:
    measured = results["kl"]
    grey = kl.Definition(measured["bins"], "grey", measured["pixels"])
    draw(folder / "figure_3.png", grey_levels, *(kl.select(counts, grey)[:, 0] for counts in histograms(run)), pdf=True)


def grey_levels(real: np.ndarray, synthetic: np.ndarray) -> Chart:
    """How often each grey level occurs in real and in synthetic photographs; counts are (images, bins)."""
    figure, axes = chart(size=(COLUMN, 2.2))
    for counts, label, colour, line in ((real, "real", BLUE, "-"), (synthetic, "synthetic", ORANGE, "--")):
        share = counts.sum(0) / max(counts.sum(), 1)
        levels = (np.arange(len(share)) + 0.5) * kl.LEVELS / len(share)
        axes.fill_between(levels, share, alpha=0.2, color=colour, linewidth=0)
        axes.plot(levels, share, line, color=colour, label=label)
    axes.set(xlabel="grey level", ylabel="share of pixels", xlim=(0, kl.LEVELS), ylim=(0, None))
    axes.legend()
    return figure


def section(results: dict, folder: Path) -> Section:
    measured, paper = results["kl"], results["paper"]
    tried = measured["definitions"]
    best, agreeing = tried[measured["nearest"]], sum(reproduces(entry, paper) for entry in tried)
    alone = " With a single real photograph there is no floor." if results["dataset"]["n_train"] < 2 else ""

    def described(entry):
        pixels = "pixels in the field of view" if entry["pixels"] == "fov" else "all pixels"
        channels = "mean of red, green and blue" if entry["channels"] == "rgb" else "grey levels"
        return f"{entry['bins']} bins, {channels}, {pixels}, {entry['smoothing']:g} added to the count of every bin"

    def beside_paper(key):
        value, published = best[key], paper[f"kl_{key}"]
        times = factor(value, published)
        if times is None:
            return f"{short(value)}, which is no multiple of the paper’s {short(published)}"
        way = "below" if value < published else "above"
        return f"{short(value)}, a factor of {times:,.3g} {way} the paper’s {short(published)}"

    return Section("kl", "KL divergence of pixel intensities (Section 9, Figure 3)", [
        Text(Markup("KL(synthetic, real) is <strong>{}</strong> nats, KL(real, synthetic) {}, and between real images, "
                    "the floor, {}: {}. The paper has {} and {} and states no definition.").format(
                        *(short(measured[key]) for key in ("synthetic_real", "real_synthetic", "real_real")),
                        described(measured), short(paper["kl_synthetic_real"]), short(paper["kl_real_real"]))),
        Text(f"Of {len(tried)} definitions, {described(best)}, comes nearest to the paper: KL(synthetic, real) "
             f"{beside_paper('synthetic_real')}; KL(real, real) {beside_paper('real_real')}. {agreeing or 'None'} of "
             f"them {'is' if agreeing <= 1 else 'are'} within a factor of {WITHIN} of both."),
        Figure(folder / "figure_3.png", "Figure 3. How often each grey level occurs in real and synthetic photographs.",
               "chart"),
        Details("Every definition that was tried", [tables(results)["KL divergence"]]),
        Text("KL(P, Q) = Σ P ln(P / Q) between histograms of all pixels of a set. Real are the training photographs of "
             f"the annotated data set. Fewer images make KL larger, so each number compares {measured['n']} with "
             f"{measured['n']} others, mean over {kl.CHOICES} choices of them. A dash is infinite: a bin that is empty "
             f"in one set only.{alone} Where Stage-II learned from another data set, its cameras are part of the "
             "difference.")])

"""The report's experiments, a function each; None where the run has not made the experiment."""
from __future__ import annotations

from html import escape
from pathlib import Path
from statistics import median

from unet_eval import tables
from unet_eval.claims import LEVEL, WITHIN, factor, reproduces
from unet_eval.figures import FALSE_NEGATIVE, FALSE_POSITIVE, HIT, OUTSIDE
from unet_eval.kl import SPLITS
from unet_eval.metrics import RESAMPLES
from unet_eval.page import Section, details, figure, section, table
from unet_eval.tables import FAMILIES, interval, number, ordered, probability, short, signed

SOURCES = {
    "drive": ("DRIVE", "Staal et al., Ridge-based vessel segmentation in color images of the retina, "
                       "IEEE TMI 23(4), 2004"),
    "messidor": ("MESSIDOR", "Decencière et al., Feedback on a publicly distributed image database: the Messidor "
                             "database, Image Analysis & Stereology 33(3), 2014"),
    "chase_db1": ("CHASE_DB1", "Fraz et al., An ensemble classification-based approach applied to retinal blood "
                               "vessel segmentation, IEEE TBME 59(9), 2012"),
    "hrf": ("HRF", "Budai et al., Robust vessel segmentation in fundus images, Int. J. Biomedical Imaging, 2013"),
    "stare": ("STARE", "Hoover et al., Locating blood vessels in retinal images by piecewise threshold probing of "
                       "a matched filter response, IEEE TMI 19(3), 2000"),
    "bu_bil": ("BU-BIL", "Gurari et al., How to collect segmentations for biomedical images?, WACV 2015"),
    "phantom_cells": ("procedural cells", "drawn by this project’s own program, in the place of BU-BIL"),
    "phantom": ("phantom", "drawn by this project’s own program; no photograph of a patient is in it"),
}


def data_set(layout: str) -> str:
    """Name of a data set, HTML."""
    return SOURCES[layout][0] if layout in SOURCES else escape(layout)


def against_zero(ends: list[float]) -> str:
    return ("the interval includes 0" if ends[0] <= 0 <= ends[1] else
            "the interval lies above 0" if ends[0] > 0 else "the interval lies below 0")


def legend() -> str:
    """What the colours of a segmentation mean."""
    colours = ((HIT, "vessel, found"), (FALSE_POSITIVE, "false positive"), (FALSE_NEGATIVE, "false negative (missed)"),
               ((0, 0, 0), "background"), (OUTSIDE, "outside the field of view"))
    return '<ul class="legend">' + "".join(f'<li><span class="key" style="background: rgb{colour}"></span>{text}</li>'
                                           for colour, text in colours) + "</ul>"


def arms(results: dict, figures: Path) -> Section | None:
    all_arms = results["arms"]
    sentences = []
    for name in ordered(all_arms):
        difference = (all_arms[name].get("difference") or {}).get("f1_vessel")
        if difference and name in FAMILIES:
            sentences.append(f"<li><strong>{escape(name)}</strong>: vessel F1 {signed(difference['mean'])} from the "
                             f"real arm’s; {against_zero(difference['ci95'])} "
                             f"({interval(difference['ci95'], signed)}, p {probability(difference['p'])}).</li>")
    shown = [name for name in ordered(all_arms) if name in FAMILIES] or list(all_arms)
    return section(
        "arms", "Arms: the same U-Net, other training images",
        "<p>Every arm has the same network, flags and number of steps. <em>real</em>: annotated photographs; "
        "<em>synthetic</em>: synthetic pairs, 50 in the paper; <em>synthetic-N</em>: the first N of them; "
        "<em>real+synthetic</em>: both; <em>rendered</em>: Stage-II’s photographs of the <em>real</em> training masks, "
        "so that only Stage-II is at fault; <em>phantom</em>: procedural pairs, without any GAN.</p>",
        table(tables.arms(results)),
        "<p>In the field of view, on the images’ own pixel grid, pooled over all test pixels; means over seeds. SD: "
        "standard deviation over seeds. Differences and p: paired bootstrap over the test images "
        f"({RESAMPLES} samples); p is not corrected for the number of arms.</p>",
        f"<ul>{''.join(sentences)}</ul>" if sentences else "",
        "<p>Between arms without real photographs: what Stage-I’s masks lose, and what more pairs are worth.</p>"
        + table(tables.contrasts(results)) if results.get("contrasts") else "",
        '<div class="pair">'
        + figure(figures / "curve.png", "Vessel F1 against the number of synthetic pairs. Filled: mean over seeds; "
                                        "rings: seeds; band: 95% interval over test images.", "chart")
        + figure(figures / "differences.png", "Differences to the real arm with 95% intervals.", "chart") + "</div>",
        figure(figures / "arms.png", "F1 of the arms. Filled: mean over seeds; rings: seeds; bars: 95% intervals over "
                                     "test images; dotted: the paper’s F1, of DRIVE.", "broad"),
        legend(),
        figure(figures / "segmentations.png", "The test images with the best, the median and the worst vessel F1 of "
               f"the {escape(shown[0])} arm, first seeds, at the working scale of 540 pixels across."),
        details("All metrics", table(tables.metrics(results))),
        details("Every seed", table(tables.seeds(results))) if tables.seeds(results).rows else "",
        details("Every test image, vessel F1", table(tables.images(results, shown))))


def cross(results: dict) -> Section | None:
    parts = []
    for name, tested in (results.get("cross") or {}).items():
        seen = (f" Stage-II has seen {tested['seen']} of these photographs, without their masks, which is why the arms "
                "that Stage-II had a hand in are not strangers to this camera." if tested.get("seen") else "")
        parts.append(f"<h3>{data_set(name)}, {tested['n_test']} images</h3>\n<p>Thresholds are those of the arms on "
                     f"their own data.{seen}</p>\n" + table(tables.cross(results, name)))
    return section("cross", "The same arms on other data sets", *parts)


def divergence(results: dict, figures: Path) -> Section | None:
    kl, paper = results["kl"], results["paper"]
    defined = kl.get("definitions") or [kl]
    best = defined[kl.get("nearest") or 0]

    def described(one):
        pixels = "pixels in the field of view" if one["pixels"] == "fov" else "all pixels"
        channels = "mean of red, green and blue" if one.get("channels") == "rgb" else "grey levels"
        return f"{one['bins']} bins, {channels}, {pixels}, {one['smoothing']:g} added to the count of every bin"

    def apart(key):
        measured, published = best[key], paper[f"kl_{key}"]
        times = factor(measured, published)
        if times is None:
            return f"{short(measured)}, which is no multiple of the paper’s {short(published)}"
        way = "below" if measured < published else "above"
        return f"{short(measured)}, a factor of {times:,.3g} {way} the paper’s {short(published)}"

    nearest = ""
    if kl.get("nearest") is not None:
        agreeing = sum(reproduces(one, paper) for one in defined)
        nearest = (f"<p>Of {len(defined)} definitions, {described(best)}, comes nearest to the paper: "
                   f"KL(synthetic, real) {apart('synthetic_real')}; KL(real, real) {apart('real_real')}. "
                   f"{agreeing or 'None'} of them {'is' if agreeing <= 1 else 'are'} within a factor of {WITHIN} of "
                   "both.</p>")
    return section(
        "kl", "KL divergence of pixel intensities (Section 9, Figure 3)",
        f"<p>KL(synthetic, real) is <strong>{short(kl['synthetic_real'])}</strong> nats, KL(real, synthetic) "
        f"{short(kl['real_synthetic'])}, and between random halves of the real images, the floor, "
        f"{short(kl['real_real'])}: {described(kl)}. The paper has {short(paper['kl_synthetic_real'])} and "
        f"{short(paper['kl_real_real'])} and states no definition.</p>", nearest,
        figure(figures / "figure_3.png", "Figure 3. How often each grey level occurs in real and synthetic "
                                         "photographs.", "chart"),
        details("Every definition that was tried", table(tables.divergences(results)))
        if kl.get("definitions") else "",
        "<p>KL(P, Q) = Σ P ln(P / Q) between histograms of all pixels of a set. Real are the training photographs of "
        f"the annotated data set; KL(real, real) is a mean over {SPLITS} random splits of them. A dash is infinite: a "
        "bin that is empty in one set only. Where Stage-II learned from another data set, its cameras are part of the "
        "difference.</p>")


def distances(results: dict, figures: Path) -> Section | None:
    of, statistics = results.get("distances"), results["masks"].get("statistics")
    photographs = shapes = ""
    if of:
        photographs = (
            "<h3>Photographs</h3>\n" + table(tables.distances(results))
            + figure(figures / "distances.png", "Distances of each set to the real photographs; square and dotted: "
                                                "real against real.", "broad")
            + f"<p>Fréchet distance, precision and recall ({of['k']} nearest neighbours) are taken in the features of "
              f"the {escape(next(iter(results['arms'])))} arm’s U-Net at its bottleneck, {of['n']} images a side, "
              f"{of['tiles']} tiles an image, mean and SD over {of['repeats']} choices of them; real "
              "against real are two disjoint halves. Precision: how much of the set looks like real photographs; "
              "recall: how much of the real ones the set covers. MS-SSIM is the mean over pairs within a set: lower is "
              "more varied. With so few images these numbers serve to compare the lines with each other, not with "
              "other papers.</p>")
    if statistics:
        differing = [tables.statistic_name(name).splitlines()[0] for name, one in statistics.items()
                     if one["p_holm"] is not None and one["p_holm"] < LEVEL]
        found = (f"differ in {len(differing)} of {len(statistics)} statistics: {escape(', '.join(differing))}"
                 if differing else f"differ in none of {len(statistics)} statistics; for small sets that proves little")
        shapes = (f"<p>At p &lt; {LEVEL} after Holm’s correction, generated and real masks {found}.</p>"
                  + figure(figures / "mask_statistics.png", "Violins of each statistic, a value a mask; the line is "
                                                            "the median, p corrected by Holm.", "broad")
                  + figure(figures / "widths.png", "How wide the vessels are: all masks of a set together, along their "
                                                   "centre lines.", "chart")
                  + details("Medians, quartiles and tests", table(tables.mask_statistics(results)))
                  + "<p>D and p: two-sample Kolmogorov-Smirnov test.</p>")
    return section(
        "distances", "Distances between sets, and the shape of masks", photographs, "<h3>Masks</h3>",
        table(tables.masks(results)),
        f"<p>Masks are drawn at {results['masks']['size']} × {results['masks']['size']} pixels; means, in the field of "
        "view. A piece is an 8-connected component: a real vessel tree hangs together, and dust and broken strokes "
        "lower the last column.</p>", shapes)


def nearest(results: dict, figures: Path, run: Path) -> Section | None:
    of = results.get("nearest")
    if not of:
        return section("nearest", "Nearest training masks (Figure 4)",
                       figure(run / "masks.png", "Stage-I masks, each beside its nearest training mask."))
    against = ""
    if of["test"]:
        verdict = ("they lie nearer to the training masks than unseen real masks do, as copies would" if of["p"] < LEVEL
                   else "no sign that they lie nearer to the training masks than unseen real masks do")
        against = (f" Real test masks, which no training has seen, have median {number(median(of['test']), 3)} and "
                   f"smallest distance {number(min(of['test']), 3)}. One-sided Mann-Whitney test, "
                   f"p {probability(of['p'])}: {verdict}.")
    return section(
        "nearest", "Nearest training masks (Figure 4)",
        f"<p>For each of {len(of['synthetic'])} generated masks the nearest of the training masks under mirroring, "
        "rotations and shifts; the distance is 0 for equal masks and 1 for masks without overlap. Median "
        f"<strong>{number(median(of['synthetic']), 3)}</strong>, smallest {number(min(of['synthetic']), 3)}."
        f"{against}</p>",
        figure(figures / "figure_4.png", "Figure 4. Generated masks, below each the nearest training mask, turned and "
                                         "shifted as it was found, and their distance."),
        figure(figures / "nearest.png", "Distances to the nearest training mask.", "chart"),
        details("The generated masks that lie nearest to a training mask", table(tables.nearest(results))))


def pictures(figures: Path) -> Section | None:
    return section("pictures", "Pictures of this run (Figures 1, 5 and 8)",
                   figure(figures / "figure_1.png", "Figure 1. (a) A vessel tree drawn by hand, (b) its photograph.",
                          "chart"),
                   figure(figures / "figure_5.png", "Figure 5. (a) Real photographs and masks, (b) synthesised ones."),
                   figure(figures / "figure_8.png", "Figure 8. Synthetic photographs."))


def single(results: dict, figures: Path) -> Section | None:
    if not results.get("single"):
        return None
    sets = (results.get("distances") or {}).get("sets", {})
    compared = ""
    if {"single", "synthetic"} <= sets.keys():
        compared = (f" Its Fréchet distance to the real photographs is {short(sets['single']['frechet'])}, that of the "
                    f"two stages {short(sets['synthetic']['frechet'])}; recall {number(sets['single']['recall'], 3)} "
                    f"and {number(sets['synthetic']['recall'], 3)}.")
    return section("single", "A single GAN (Section 13, Figure 7)",
                   f"<p>Stage-I’s DCGAN, trained on the colour photographs instead of masks.{compared}</p>",
                   figure(figures / "figure_7.png", "Figure 7. Photographs of the single GAN, and below of the two "
                                                    "stages, at the same size."))


def second(results: dict, figures: Path) -> Section | None:
    of, drawn = results.get("second"), figures / "figure_6.png"
    if not of and not drawn.exists():
        return None
    name, count = ((of["pairs"], of["n_train"]) if of else
                   (results["origin"]["pairs"], results["arms"].get("real", {}).get("n_train_pairs", "its")))
    return section("second", "A second data set (Section 12, Figure 6)",
                   f"<p>Both stages trained on {count} pairs of {data_set(name)}, with nothing else. Nothing is "
                   "measured on them here, as in the paper.</p>",
                   figure(drawn, "Figure 6. Photographs of the data set with their segmentations; below, synthesised."))

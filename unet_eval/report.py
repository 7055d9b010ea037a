"""results.json and the figures as one HTML file that loads nothing."""
from __future__ import annotations

import json
from html import escape
from pathlib import Path

from training.run_folder import read_json
from unet_eval.figures import FALSE_NEGATIVE, FALSE_POSITIVE, HIT, OUTSIDE
from unet_eval.metrics import LARGEST, RESAMPLES, SPLITS
from unet_eval.page import figure, image, page, table

STAGES = {"stage1": "Stage-I, masks", "stage2": "Stage-II, photographs"}  # a U-Net's is unet-ARM
METRICS = {"f1_vessel": "vessel F1", "f1_background": "background F1", "f1_macro": "macro F1",
           "sensitivity": "sensitivity", "specificity": "specificity", "accuracy": "accuracy", "auc": "AUC",
           "mcc": "MCC"}
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
    "phantom": ("phantom", "drawn by this project’s own program; no photograph of a patient is in it"),
}


def number(value: float | None, digits: int = 4) -> str:
    """The number, or a dash where it is not defined."""
    return "–" if value is None else f"{value:.{digits}f}"


def ratio(results: dict) -> dict | None:
    """Synthetic over real arm of "f1_vessel" and "f1_macro", and the "paper"'s.

    None where one of the arms is missing or the real one found no vessel.
    """
    arms, paper = results["arms"], results["paper"]
    if not {"real", "synthetic"} <= arms.keys() or not arms["real"]["fov"]["f1_vessel"]:
        return None
    real, synthetic = arms["real"]["fov"], arms["synthetic"]["fov"]
    return {**{key: synthetic[key] / real[key] for key in ("f1_vessel", "f1_macro")},
            "paper": paper["f1_synthetic"] / paper["f1_real"]}


def write(path: Path, results: dict, figures: Path, run: Path) -> None:
    """Writes the report of a run.

    `results` is what results.json holds, `figures` the folder that figures.draw filled, `run` the run's folder, of
    which masks.png and synthetic.png are shown and every stage's config.json is quoted.
    """
    title = f"Synthetic training images: {run.name}"
    path.write_text(page(title, [
        _summary(results, title), _which_f1(results), _arms(results, figures), _masks(results, figures, run),
        _pairs(figures, run), _segmentations(results, figures), _curves(figures), _intensities(results, figures),
        _seconds(results), _limits(results), _config(run)]), encoding="utf-8")


def _data_set(layout: str) -> str:
    return SOURCES[layout][0] if layout in SOURCES else escape(layout)


def _stage(folder: str) -> str:
    if folder.startswith("unet-"):
        return f"U-Net, {escape(folder[len('unet-'):])} arm"
    return STAGES.get(folder, escape(folder))


def _summary(results: dict, title: str) -> str:
    arms, data, paper, both = results["arms"], results["dataset"], results["paper"], ratio(results)

    def with_interval(arm, key):
        low, high = arm["ci95"][key]
        return f"{number(arm['fov'][key])}<small>{number(low, 3)}–{number(high, 3)}</small>"

    rows = [[escape(name), str(arm["n_train_pairs"]), with_interval(arm, "f1_macro"), number(paper.get(f"f1_{name}")),
             with_interval(arm, "f1_vessel"), number(arm["fov"]["auc"])] for name, arm in arms.items()]
    answer = ""
    if both:
        rows.append(["synthetic / real", "", *(number(both[key]) for key in ("f1_macro", "paper", "f1_vessel")), ""])
        answer = (f'<p class="answer">Trained on {arms["synthetic"]["n_train_pairs"]} synthetic pairs, the U-Net '
                  f'reaches <strong>{both["f1_macro"]:.1%}</strong> of the macro F1 that it reaches when trained on '
                  f'{arms["real"]["n_train_pairs"]} real pairs, and <strong>{both["f1_vessel"]:.1%}</strong> of the '
                  f'vessel F1. The paper reports {both["paper"]:.1%}, of an F1 that fits the macro F1.</p>')
    photos = f", photographs without masks from {_data_set(data['photos'])}" if data["photos"] else ""
    return (f"<h1>{escape(title)}</h1>\n<p>Can synthetic images stand in for a small set of annotated ones? Stage-I, a "
            "DCGAN, draws masks; Stage-II, a pix2pix network, turns each into a photograph. The same U-Net is then "
            f"trained on real and on synthetic pairs, and both are measured on {data['n_test']} real test images that "
            f"no training has seen. Annotated images are from {_data_set(data['pairs'])}{photos}.</p>\n{answer}\n"
            + table(["arm", "pairs", "macro F1", "paper", "vessel F1", "AUC"], rows)
            + "<p>In the field of view, on the images’ own pixel grid, pooled over all test pixels. Small figures: "
              f"95% intervals from {RESAMPLES} bootstrap samples of the test images; what another training run would "
              "give is not in them.</p>")


def _which_f1(results: dict) -> str:
    pairs = results["dataset"]["pairs"]
    elsewhere = "" if pairs == "drive" else (
        f" The paper’s values are of DRIVE, and this run is of {_data_set(pairs)}: compare the ratio of the arms "
        "rather than the values.")
    return ("<h2>Two readings of F1</h2>\n<p>The paper gives one F1 an arm and does not say of which class. U-Nets in "
            "the literature reach a <em>vessel</em> F1 of 0.81 to 0.83 on the DRIVE test images, and a second human "
            "observer 0.789, so 0.8988 can hardly be one. The <em>macro</em> F1, the mean of the vessel F1 and the "
            "background F1, fits: a U-Net with vessel F1 0.8225 in DRIVE’s field of view has macro F1 0.8985. The "
            "paper’s values therefore stand beside the macro F1; read like that, its 0.8988 (real) and 0.8877 "
            "(synthetic) mean vessel F1 of about 0.823 and 0.804. The vessel F1 is the stricter of the two, for the "
            f"background is easy.{elsewhere}</p>")


def _arms(results: dict, figures: Path) -> str:
    regions = {"fov": "field of view", "all": "all pixels"}
    rows = [[f"{escape(name)}, {text}", number(arm["threshold"], 2), *(number(arm[region][key]) for key in METRICS)]
            for name, arm in results["arms"].items() for region, text in regions.items()]
    return ("<h2>All metrics</h2>\n" + table(["arm, pixels", "threshold", *METRICS.values()], rows)
            + figure(figures / "arms.png", "F1 of the arms with 95% intervals; dotted: the paper’s F1.", "chart")
            + "<p>“Vessel” is the foreground class of any data set. Where a data set has no field of view, both "
              "readings are of all pixels.</p>")


def _masks(results: dict, figures: Path, run: Path) -> str:
    masks = results["masks"]
    rows = [[name, str(of["n"]), number(of["density"]), number(of["largest_components"])]
            for name, of in (("Stage-I", masks["synthetic"]), ("real training masks", masks["real"]))]
    return ("<h2>Masks</h2>\n" + table(["masks", "number", "vessel pixels, of all",
                                        f"in the {LARGEST} largest pieces, of vessel pixels"], rows)
            + f"<p>Means over masks drawn at {masks['size']} × {masks['size']} pixels, in the field of view; a piece "
              "is an 8-connected component. A real vessel tree hangs together; dust and broken strokes lower the last "
              "column.</p>"
            + figure(figures / "masks.png", "Masks drawn by Stage-I, and real training masks below.")
            + figure(run / "masks.png", "Stage-I masks, each beside its nearest training mask."))


def _pairs(figures: Path, run: Path) -> str:
    return ("<h2>Synthetic pairs</h2>\n"
            + figure(figures / "pairs.png", "Stage-I masks and the photographs that Stage-II renders from them; real "
                                            "pairs below.")
            + figure(run / "synthetic.png", "Contact sheet of the synthetic pairs."))


def _segmentations(results: dict, figures: Path) -> str:
    legend = "".join(f'<li><span class="key" style="background: rgb{colour}"></span>{text}</li>'
                     for colour, text in ((HIT, "vessel, found"), (FALSE_POSITIVE, "false positive"),
                                          (FALSE_NEGATIVE, "false negative (missed)"), ((0, 0, 0), "background"),
                                          (OUTSIDE, "outside the field of view")))
    arms, keys = results["arms"], ("f1_vessel", "f1_macro")
    rows = [[escape(of[0]["stem"]), *(number(one[key]) for one in of for key in keys)]
            for of in zip(*(arm["per_image"] for arm in arms.values()))]
    head = ["image", *(f"{escape(name)}, {METRICS[key]}" for name in arms for key in keys)]
    return (f'<h2>Test images, segmented</h2>\n<ul class="legend">{legend}</ul>\n'
            + figure(figures / "segmentations.png", "The test images with the best, the median and the worst vessel "
                     f"F1 of the {escape(next(iter(arms)))} arm, at the working scale of 540 pixels across.")
            + f"<details><summary>Every test image, in the field of view</summary>\n{table(head, rows)}\n</details>")


def _curves(figures: Path) -> str:
    stages = {}
    for path in sorted(figures.glob("curves_*.png")):
        stages.setdefault(path.stem.split("_", 2)[1], []).append(image(path))
    parts = [f'<h3>{_stage(stage)}</h3>\n<div class="curves">{"".join(panels)}</div>'
             for stage, panels in stages.items()]
    return "<h2>Training curves</h2>\n" + ("\n".join(parts) or "<p>The run has no TensorBoard logs.</p>")


def _intensities(results: dict, figures: Path) -> str:
    kl, paper = results["kl"], results["paper"]
    rows = [["KL(synthetic, real)", number(kl["synthetic_real"]), f"{paper['kl_synthetic_real']:.4g}"],
            ["KL(real, synthetic)", number(kl["real_synthetic"]), "–"],
            ["KL(real, real), random halves", number(kl["real_real"]), f"{paper['kl_real_real']:.4g}"]]
    pixels = "in the field of view" if kl["pixels"] == "fov" else "of whole images"
    return ("<h2>Pixel intensities</h2>\n" + table(["divergence, nats", "measured", "paper"], rows)
            + f"<p>KL(P, Q) = Σ P ln(P / Q) between histograms of grey levels: {kl['bins']} bins, pixels {pixels}, "
              f"{kl['smoothing']:g} added to the count of every bin. Real are the training photographs of the "
              f"annotated data set; the last line is a mean over {SPLITS} random splits of them. The paper states no "
              "bins, no treatment of empty bins and no direction, and its values are not reproduced by the common "
              "choices; compare the lines with each other. Where Stage-II learned from another data set, its cameras "
              "are part of the difference.</p>"
            + figure(figures / "intensities.png", "How often each grey level occurs (the paper’s Figure 3).", "chart"))


def _seconds(results: dict) -> str:
    rows = [[_stage(stage), number(seconds, 0)] for stage, seconds in results["seconds"].items()]
    return "<h2>Time</h2>\n" + table(["training", "seconds"], rows)


def _limits(results: dict) -> str:
    used = {results["dataset"]["pairs"], results["dataset"]["photos"]}
    sources = "".join(f"<li>{name}: {escape(text)}</li>" for key, (name, text) in SOURCES.items() if key in used)
    return ("<h2>Limits, and what to cite</h2>\n<ul>\n<li>Synthetic images may resemble the images they were learned "
            "from. Compare each mask with its nearest training mask before you publish a set; nothing here proves "
            "privacy.</li>\n<li>One training run an arm: the spread between seeds is not in the intervals.</li>\n"
            "<li>Not for diagnosis.</li>\n</ul>\n<p>Method: Guibas, Virdi and Li, Synthetic Medical Images from Dual "
            "Generative Adversarial Networks, 2017. Data, each under its makers’ terms:</p>\n"
            f"<ul>{sources or '<li>the annotated images of this run, from their makers</li>'}</ul>")


def _config(run: Path) -> str:
    parts = []
    for path in sorted(run.glob("*/config.json")):
        config = json.dumps(read_json(path, "train this stage again"), indent=2, ensure_ascii=False)
        parts.append(f"<details><summary>{_stage(path.parent.name)}</summary>\n<pre>{escape(config)}</pre></details>")
    return ("<h2>How it was made</h2>\n<p>Flags, versions, git revision and data checksum of each training.</p>\n"
            + "\n".join(parts))

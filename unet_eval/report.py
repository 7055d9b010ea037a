"""results.json and the figures as one HTML file, with the pictures inside it and nothing to load."""
from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path

import cv2

from data.images import read_image
from training.run_folder import read_json
from unet_eval.figures import FALSE_NEGATIVE, FALSE_POSITIVE, HIT, OUTSIDE
from unet_eval.metrics import RESAMPLES, SPLITS

PICTURE_BYTES = 500_000  # a larger picture is inlined as JPEG, so that the report stays below 8 MB
PICTURE_WIDTH = 1600
STAGES = {"stage1": "Stage-I, masks", "stage2": "Stage-II, photographs"}  # a U-Net's is unet-ARM
METRICS = {"f1_vessel": "vessel F1", "f1_background": "background F1", "f1_macro": "macro F1", "sensitivity": "sensitivity",
           "specificity": "specificity", "accuracy": "accuracy", "auc": "AUC", "mcc": "MCC"}
SOURCES = {
    "drive": "DRIVE: Staal et al., Ridge-based vessel segmentation in color images of the retina, IEEE TMI 23(4), 2004",
    "messidor": "MESSIDOR: Decencière et al., Feedback on a publicly distributed image database: the Messidor database, "
                "Image Analysis &amp; Stereology 33(3), 2014",
    "chase_db1": "CHASE_DB1: Fraz et al., An ensemble classification-based approach applied to retinal blood vessel "
                 "segmentation, IEEE TBME 59(9), 2012",
    "hrf": "HRF: Budai et al., Robust vessel segmentation in fundus images, Int. J. Biomedical Imaging, 2013",
    "stare": "STARE: Hoover et al., Locating blood vessels in retinal images by piecewise threshold probing of a matched "
             "filter response, IEEE TMI 19(3), 2000",
    "bu_bil": "BU-BIL: Gurari et al., How to collect segmentations for biomedical images?, WACV 2015",
    "phantom": "phantom: drawn by this project's own program; no photograph of a patient is in it",
}
CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; color: #1c2430; background: #fff; font: 16px/1.55 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0.5rem 0 0.75rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 0.5rem; padding-top: 0.75rem; border-top: 1px solid #d5dbe3; }
p, ul { max-width: 46rem; }
.answer { font-size: 1.125rem; border-left: 4px solid #0072b2; padding-left: 1rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.35rem 0.75rem; border-bottom: 1px solid #e3e8ee; vertical-align: top; }
th { font-weight: 600; background: #f4f6f9; }
th:first-child, td:first-child { text-align: left; }
.scroll table td:first-child { min-width: 5.5em; }
td small { display: block; color: #5a6675; white-space: nowrap; }
figure { margin: 1.25rem 0; }
figure img { display: block; max-width: 100%; height: auto; }
.chart img { width: 34rem; }
figcaption { color: #4a5563; font-size: 0.9rem; max-width: 46rem; margin-top: 0.4rem; }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 0.5rem; }
.curves img { width: 100%; height: auto; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; max-width: none; }
.key { display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.4em; border: 1px solid #888;
       vertical-align: -0.1em; }
details { margin: 0.5rem 0; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; background: #f4f6f9; padding: 0.75rem; font-size: 0.8rem; line-height: 1.4; }
@media (max-width: 48rem) {
  main { padding: 0.75rem 0.875rem 3rem; }
  table { font-size: 0.8rem; }
  th, td { padding: 0.3rem 0.35rem; }
  .wide img { max-width: none; width: 44rem; }
  .wide + figcaption::before { content: "Scroll the picture sideways. "; font-style: italic; }
}
"""


def number(value: float | None, digits: int = 4) -> str:
    """The number, or a dash where it is not defined."""
    return "–" if value is None else f"{value:.{digits}f}"


def ratio(results: dict) -> dict | None:
    """Synthetic over real arm of "f1_vessel", "f1_macro" and the "paper"; None where one of the arms is missing."""
    arms, paper = results["arms"], results["paper"]
    if not {"real", "synthetic"} <= arms.keys() or not arms["real"]["fov"]["f1_vessel"]:
        return None
    return {**{key: arms["synthetic"]["fov"][key] / arms["real"]["fov"][key] for key in ("f1_vessel", "f1_macro")},
            "paper": paper["f1_synthetic"] / paper["f1_real"]}


def write(path: Path, results: dict, figures: Path, run: Path) -> None:
    """Writes the report of a run.

    `results` is what results.json holds, `figures` the folder with what figures.draw made, `run` the run's folder, of
    which masks.png and synthetic.png are shown and every stage's config.json is quoted.
    """
    title = f"Synthetic training images: {run.name}"
    sections = [_summary(results, title), _which_f1(results), _arms(results, figures), _masks(results, figures, run),
                _pairs(figures, run), _segmentations(results, figures), _curves(figures), _intensities(results, figures),
                _seconds(results), _limits(results), _config(run)]
    path.write_text('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
                    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
                    f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
                    + "\n".join(sections) + "\n</main>\n</body>\n</html>\n", encoding="utf-8")


def _image(path: Path, alt: str) -> str:
    """An img element that holds the picture itself."""
    content, kind = path.read_bytes(), "png"
    picture = read_image(path)
    height, width = picture.shape[:2]
    if len(content) > PICTURE_BYTES:
        if width > PICTURE_WIDTH:
            height, width = round(height * PICTURE_WIDTH / width), PICTURE_WIDTH
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        content, kind = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes(), "jpeg"
    return (f'<img src="data:image/{kind};base64,{base64.b64encode(content).decode()}" width="{width}" '
            f'height="{height}" alt="{escape(alt)}">')


def _figure(path: Path, caption: str, kind: str = "wide") -> str:
    """The picture with its caption (HTML), "wide" or a "chart"; nothing where there is no such file."""
    if not path.exists():
        return ""
    return (f'<figure><div class="scroll {kind}">{_image(path, path.stem)}</div>'
            f"<figcaption>{caption}</figcaption></figure>")


def _stage(folder: str) -> str:
    """A stage's name for readers."""
    return STAGES.get(folder, f"U-Net, {escape(folder[len('unet-'):])} arm" if folder.startswith("unet-") else escape(folder))


def _data_set(layout: str) -> str:
    return SOURCES[layout].split(":")[0] if layout in SOURCES else escape(layout)


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Cells are HTML."""
    lines = ["<tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return '<div class="scroll"><table>\n' + "\n".join(lines) + "\n</table></div>"


def _summary(results: dict, title: str) -> str:
    arms, data, paper, both = results["arms"], results["dataset"], results["paper"], ratio(results)

    def with_interval(arm, key):
        low, high = arm["ci95"][key]
        return f"{number(arm['fov'][key])}<small>{number(low, 3)}–{number(high, 3)}</small>"

    rows = [[escape(name), str(arm["n_train_pairs"]), with_interval(arm, "f1_macro"), number(paper.get(f"f1_{name}")),
             with_interval(arm, "f1_vessel"), number(arm["fov"]["auc"])] for name, arm in arms.items()]
    answer = ""
    if both:
        rows.append(["synthetic / real", "", number(both["f1_macro"]), number(both["paper"]), number(both["f1_vessel"]), ""])
        answer = (f'<p class="answer">The U-Net trained on {arms["synthetic"]["n_train_pairs"]} synthetic pairs reaches '
                  f'<strong>{both["f1_macro"]:.1%}</strong> of the macro F1 of the one trained on '
                  f'{arms["real"]["n_train_pairs"]} real pairs, and <strong>{both["f1_vessel"]:.1%}</strong> of its vessel F1. '
                  f'The paper reports {both["paper"]:.1%}, of an F1 that fits the macro F1.</p>')
    photos = f", and photographs without masks from {_data_set(data['photos'])}" if data["photos"] else ""
    return (f"<h1>{escape(title)}</h1>\n<p>Can a small set of annotated images be replaced by synthetic ones? Stage-I, a DCGAN, "
            f"draws masks; Stage-II, a pix2pix network, turns each into a photograph. The same U-Net is then trained on real "
            f"and on synthetic pairs, and both are measured on {data['n_test']} real test images that no training has seen. "
            f"Annotated images: {_data_set(data['pairs'])}{photos}.</p>\n{answer}\n"
            + _table(["arm", "pairs", "macro F1", "paper", "vessel F1", "AUC"], rows)
            + "<p>In the field of view, on the images’ own pixel grid, pooled over all test pixels. Small figures: 95% "
              f"intervals from {RESAMPLES} bootstrap samples of the test images; they do not cover what another training run "
              "would give.</p>")


def _which_f1(results: dict) -> str:
    elsewhere = "" if results["dataset"]["pairs"] == "drive" else (
        f" The paper’s values are of DRIVE, and this run is of {_data_set(results['dataset']['pairs'])}: the ratio of the arms "
        "compares better than the values do.")
    return ("<h2>Two readings of F1</h2>\n<p>The paper gives one F1 an arm and does not say of which class. U-Nets in the "
            "literature reach a <em>vessel</em> F1 of 0.81 to 0.83 on the DRIVE test images, and a second human observer "
            "0.789, so 0.8988 can hardly be one. The <em>macro</em> F1, the mean of the vessel F1 and the background F1, fits: "
            "a U-Net with vessel F1 0.8225 in DRIVE’s field of view has macro F1 0.8985. The paper’s values therefore stand "
            "beside the macro F1; read like that, its 0.8988 (real) and 0.8877 (synthetic) are vessel F1 of about 0.823 and "
            f"0.804. The vessel F1 is the stricter number, for the background is easy.{elsewhere}</p>")


def _arms(results: dict, figures: Path) -> str:
    rows = [[f"{escape(name)}, {text}", number(arm["threshold"], 2), *(number(arm[region][key]) for key in METRICS)]
            for name, arm in results["arms"].items() for region, text in (("fov", "field of view"), ("all", "all pixels"))]
    return ("<h2>All metrics</h2>\n" + _table(["arm, pixels", "threshold", *METRICS.values()], rows)
            + _figure(figures / "arms.png", "F1 of the arms with 95% intervals; dotted: the paper’s F1.", "chart")
            + "<p>“Vessel” is the foreground class of any data set. Where a data set has no field of view, both readings "
              "are of all pixels.</p>")


def _masks(results: dict, figures: Path, run: Path) -> str:
    masks = results["masks"]
    rows = [[name, str(of["n"]), f"{of['density']:.4f}", f"{of['largest_components']:.4f}"]
            for name, of in (("Stage-I", masks["synthetic"]), ("real training masks", masks["real"]))]
    return ("<h2>Masks</h2>\n" + _table(["masks", "number", "share of pixels that are vessel",
                                         "share of those in the five largest components"], rows)
            + f"<p>Means over masks, all drawn at {masks['size']} × {masks['size']} pixels, in the field of view; components "
              "are 8-connected. A real vessel tree hangs together; dust and broken strokes lower the last column.</p>"
            + _figure(figures / "masks.png", "Masks drawn by Stage-I, and real training masks below.")
            + _figure(run / "masks.png", "Stage-I masks, each beside its nearest training mask."))


def _pairs(figures: Path, run: Path) -> str:
    return ("<h2>Synthetic pairs</h2>\n"
            + _figure(figures / "pairs.png", "Stage-I masks and the photographs that Stage-II renders from them; real pairs "
                      "below.")
            + _figure(run / "synthetic.png", "Contact sheet of the synthetic pairs."))


def _segmentations(results: dict, figures: Path) -> str:
    legend = "".join(f'<li><span class="key" style="background: rgb{colour}"></span>{text}</li>' for colour, text in (
        (HIT, "vessel, found"), (FALSE_POSITIVE, "false positive"), (FALSE_NEGATIVE, "false negative (missed)"),
        ((0, 0, 0), "background"), (OUTSIDE, "outside the field of view")))
    names = list(results["arms"])
    stems = [image["stem"] for image in results["arms"][names[0]]["per_image"]]
    rows = [[escape(stem)] + [number(results["arms"][name]["per_image"][i][key]) for name in names
                              for key in ("f1_vessel", "f1_macro")] for i, stem in enumerate(stems)]
    head = ["image"] + [f"{escape(name)}, {key}" for name in names for key in ("vessel F1", "macro F1")]
    return (f"<h2>Test images, segmented</h2>\n<ul class=\"legend\">{legend}</ul>\n"
            + _figure(figures / "segmentations.png", f"The test images with the best, the median and the worst vessel F1 of "
                      f"the {escape(names[0])} arm, at the working scale of 540 pixels across.")
            + f"<details><summary>Every test image, in the field of view</summary>\n{_table(head, rows)}\n</details>")


def _curves(figures: Path) -> str:
    stages = {}
    for path in sorted(figures.glob("curves_*.png")):
        stages.setdefault(path.stem.split("_", 2)[1], []).append(path)
    parts = [f"<h3>{_stage(stage)}</h3>\n<div class=\"curves\">"
             + "".join(_image(path, path.stem) for path in paths) + "</div>" for stage, paths in stages.items()]
    return "<h2>Training curves</h2>\n" + ("\n".join(parts) or "<p>The run has no TensorBoard logs.</p>")


def _intensities(results: dict, figures: Path) -> str:
    kl, paper = results["kl"], results["paper"]
    rows = [["KL(synthetic, real)", number(kl["synthetic_real"]), f"{paper['kl_synthetic_real']:.4g}"],
            ["KL(real, synthetic)", number(kl["real_synthetic"]), "–"],
            ["KL between random halves of the real ones", number(kl["real_real"]), f"{paper['kl_real_real']:.4g}"]]
    pixels = "in the field of view" if kl["pixels"] == "fov" else "of whole images"
    return ("<h2>Pixel intensities</h2>\n" + _table(["divergence, nats", "measured", "paper"], rows)
            + f"<p>KL(P, Q) = Σ P ln(P / Q) between histograms of grey levels: {kl['bins']} bins, pixels {pixels}, "
              f"{kl['smoothing']:g} added to the count of every bin. Real are the training photographs of the annotated data "
              f"set; the last line is a mean over {SPLITS} random splits of them. The paper states no bins, no treatment of empty "
              "bins and no direction, and its values are not reproduced by the common choices; compare the lines with each "
              "other. Where Stage-II learned from another data set, its cameras are part of the difference.</p>"
            + _figure(figures / "intensities.png", "How often each grey level occurs (the paper’s Figure 3).", "chart"))


def _seconds(results: dict) -> str:
    rows = [[_stage(stage), number(seconds, 0)] for stage, seconds in results["seconds"].items()]
    return "<h2>Time</h2>\n" + _table(["training", "seconds"], rows)


def _limits(results: dict) -> str:
    used = {results["dataset"]["pairs"], results["dataset"]["photos"]}
    sources = "".join(f"<li>{text}</li>" for name, text in SOURCES.items() if name in used)
    return ("<h2>Limits, and what to cite</h2>\n<ul>\n<li>Synthetic images may resemble the images they were learned from. "
            "Compare each mask with its nearest training mask before you publish a set; nothing here proves privacy.</li>\n"
            "<li>One training run an arm: the spread between seeds is not in the intervals.</li>\n"
            "<li>Not for diagnosis.</li>\n</ul>\n<p>Method: Guibas, Virdi and Li, Synthetic Medical Images from Dual "
            f"Generative Adversarial Networks, 2017. Data, each under its makers’ terms:</p>\n<ul>{sources or '<li>your own</li>'}</ul>")


def _config(run: Path) -> str:
    parts = []
    for path in sorted(run.glob("*/config.json")):
        config = json.dumps(read_json(path, "train this stage again"), indent=2, ensure_ascii=False)
        parts.append(f"<details><summary>{escape(path.parent.name)}</summary>\n<pre>{escape(config)}</pre></details>")
    return "<h2>How it was made</h2>\n<p>Flags, versions, git revision and data checksum of each training.</p>\n" + "\n".join(parts)

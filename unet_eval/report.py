"""results.json and the figures as one HTML file that loads nothing."""
from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from training.run_folder import read_json
from unet_eval import sections, tables
from unet_eval.claims import claims
from unet_eval.metrics import RESAMPLES
from unet_eval.page import Section, details, figure, page, render, section, table
from unet_eval.sections import SOURCES, against_zero, data_set
from unet_eval.tables import Table, interval, number, ratio, signed

STAGES = {"stage1": "Stage-I, masks", "stage2": "Stage-II, photographs", "single": "single GAN"}  # a U-Net: unet-ARM
MORE = {"cross": "the arms on other data sets (--test=layout:path)",
        "distances": "distances between sets of photographs", "nearest": "nearest training masks",
        "single": "the single GAN", "second": "the second data set"}


def write(path: Path, results: dict, figures: Path, run: Path) -> None:
    """Writes the report of a run.

    `results` is what results.json holds, `figures` the folder that figures.draw filled, `run` the run's folder, of
    which every training's config.json is quoted. Experiments that `results` lacks are named, no more.
    """
    title = f"Synthetic training images: {run.name}"
    parts = [sections.arms(results, figures), _which_f1(results), sections.cross(results),
             sections.divergence(results, figures), sections.distances(results, figures),
             sections.nearest(results, figures, run), sections.single(results, figures),
             sections.second(results, figures), sections.pictures(figures), _training(results, figures),
             _limits(results), _repeat(results, run)]
    body = [_first_screen(results, title, figures), *render([part for part in parts if part])]
    path.write_text(page(title, body), encoding="utf-8")


def stage(folder: str) -> str:
    """What a folder of a run is the training of; text."""
    if folder.startswith("unet-"):
        arm, repetition = re.fullmatch(r"unet-(.*?)(?:\.(\d+))?", folder).groups()
        return f"U-Net, {arm} arm" + (f", repetition {repetition}" if repetition else "")
    return STAGES.get(folder, folder)


def _number_of_seeds(results):
    return max(len(arm.get("seeds") or [0]) for arm in results["arms"].values())


def _answer(results):
    arms, both = results["arms"], ratio(results)
    if not both:
        return ""
    real, synthetic, mixed = arms["real"], arms["synthetic"], arms.get("real+synthetic")

    def difference(arm):
        of = (arm.get("difference") or {}).get("f1_vessel")
        return of and (f"a difference of {signed(of['mean'])} (95% interval {interval(of['ci95'], signed)}; "
                       f"{against_zero(of['ci95'])})")

    apart = difference(synthetic)
    more = difference(mixed) if mixed else None
    return (f'<p class="answer">Trained on {synthetic["n_train_pairs"]} synthetic pairs alone, the U-Net reaches '
            f'<strong>{both["f1_vessel"]:.1%}</strong> of the vessel F1 that {real["n_train_pairs"]} real pairs give, '
            f'{number(synthetic["fov"]["f1_vessel"])} against {number(real["fov"]["f1_vessel"])}'
            f'{", " + apart if apart else ""}, and <strong>{both["f1_macro"]:.1%}</strong> of the macro F1. The paper '
            f'reports {both["paper"]:.1%}, of an F1 that fits the macro F1.'
            + (f" Synthetic pairs beside the real ones: {more} in vessel F1." if more else "") + "</p>")


def _first_screen(results, title, figures):
    origin, seeds = results["origin"], _number_of_seeds(results)
    photos = f", photographs without masks from {data_set(origin['photos'])}" if origin["photos"] else ""
    spread = (f"SD: over U-Nets of different seeds, {seeds} at most" if seeds > 1 else
              "One U-Net an arm: what another seed would give is not in them")
    absent = [text for key, text in MORE.items() if not results.get(key)]
    missing = (f"<p>Not in this run: {escape('; '.join(absent))}. <code>make evidence</code> adds them.</p>"
               if absent else "")
    return (f'<h1>{escape(title)}</h1>\n<div class="first"><div>\n'
            "<p>Can synthetic images stand in for a small set of annotated ones? Stage-I, a DCGAN, draws masks; "
            "Stage-II, a pix2pix network, turns each into a photograph. The same U-Net is then "
            f"trained on real and on synthetic pairs, and measured on {results['dataset']['n_test']} real test images "
            f"that no training has seen. Annotated images are from {data_set(origin['pairs'])}{photos}.</p>\n"
            f"{_answer(results)}\n{table(tables.headline(results))}"
            f"<p>Measured in the field of view, at the images’ own size. Intervals: {RESAMPLES} bootstrap samples of "
            f"the test images. {spread}. Both GANs were trained once.</p>\n{missing}</div>\n<div>"
            + figure(figures / "glance_masks.png", "Masks that Stage-I drew.", "picture")
            + figure(figures / "glance_images.png", "The photographs that Stage-II made of them.", "picture")
            + figure(figures / "glance_test.png", "The median test image and its reference; below, what the real and "
                                                  "the synthetic arm find: orange is too much, blue is missed.",
                     "picture")
            + f"</div></div>\n<h2>Reproduced or not</h2>\n{table(claims(results))}")


def _which_f1(results: dict) -> Section:
    pairs = results["origin"]["pairs"]
    elsewhere = "" if pairs == "drive" else (
        f" The paper’s values are of DRIVE, and this run is of {data_set(pairs)}: compare the ratio of the arms "
        "rather than the values.")
    return section("f1", "Two readings of F1",
                   "<p>The paper gives one F1 an arm and does not say of which class. U-Nets in the literature reach a "
                   "<em>vessel</em> F1 of 0.81 to 0.83 on the DRIVE test images, and a second human observer 0.789, so "
                   "0.8988 can hardly be one. The <em>macro</em> F1, the mean of the vessel F1 and the background F1, "
                   "fits: a U-Net with vessel F1 0.8225 in DRIVE’s field of view has macro F1 0.8985. The paper’s "
                   "values therefore stand beside the macro F1; read like that, its 0.8988 (real) and 0.8877 "
                   "(synthetic) mean vessel F1 of about 0.823 and 0.804. The vessel F1 is the stricter of the two, for "
                   f"the background is easy.{elsewhere} “Vessel” is the foreground class of any data set; where a data "
                   "set has no field of view, it is the whole image.</p>")


def _training(results: dict, figures: Path) -> Section:
    seconds = results["seconds"]
    rows = [[stage(name), number(value, 0)] for name, value in seconds.items() if name != "total"]
    return section("training", "Training",
                   figure(figures / "training.png", "Losses of the GANs and of the U-Nets, what the discriminators say "
                          "of real and drawn pictures, and the vessel F1 of held-out real images; first seeds.",
                          "broad"),
                   f"<p>Training took {number(seconds['total'] / 60, 0)} minutes in all, by the records that there are."
                   " Held-out images are the last --validation training images; where all stages hold out as many, as "
                   "in the presets, no training has seen them.</p>",
                   details("Seconds of each training", table(Table(["training", "seconds"], rows))))


def _limits(results: dict) -> Section:
    used = {*results["origin"].values(), *(results.get("cross") or {}), (results.get("second") or {}).get("pairs")}
    sources = "".join(f"<li>{name}: {escape(text)}</li>" for key, (name, text) in SOURCES.items() if key in used)
    seeds = _number_of_seeds(results)
    return section(
        "limits", "What this does not show, and what to cite",
        f"<ul>\n<li>Intervals are over {results['dataset']['n_test']} test images of one data set, "
        + (f"and the spread is over {seeds} U-Nets an arm." if seeds > 1 else "with one U-Net an arm.")
        + " Both GANs were trained once: another Stage-I or Stage-II may give other pairs, and neither number holds "
          "that.</li>\n<li>An interval that includes 0 is no proof of equality.</li>\n<li>Arms with more pairs are "
          "trained for the same number of steps: the curve shows what variety gives, not longer training.</li>\n"
          "<li>Synthetic images may resemble the images they were learned from. Distances of masks say nothing of "
          "photographs, and nothing here proves privacy: look at each mask beside its nearest training mask before you "
          "publish a set.</li>\n<li>Not for diagnosis.</li>\n</ul>\n<p>Method: Guibas, Virdi and Li, Synthetic Medical "
          "Images from Dual Generative Adversarial Networks, 2017. Data, each under its makers’ terms:</p>\n"
          f"<ul>{sources or '<li>the annotated images of this run, from their makers</li>'}</ul>")


def _repeat(results: dict, run: Path) -> Section:
    command = (results.get("run") or {}).get("command") or []
    rows, quoted, versions = [], [], {}
    for path in sorted(run.glob("*/config.json")):
        config = read_json(path, "train this stage again")
        flags, data = config.get("flags", {}), config.get("data", {})
        seed = flags.get("seed")
        rows.append([stage(path.parent.name), "–" if seed is None else str(seed + flags.get("repeat", 0)),
                     str(data.get("checksum", "–"))[:16], str(config.get("git") or "–")])
        versions.update(config.get("versions", {}))
        text = json.dumps(config, indent=2, ensure_ascii=False)
        quoted.append(details(stage(path.parent.name), f"<pre>{escape(text)}</pre>"))
    return section(
        "repeat", "How to repeat it",
        f"<pre>{escape(chr(10).join(command))}</pre>" if command else "",
        "<p>" + ", ".join(f"{escape(name)} {escape(str(version))}" for name, version in versions.items()) + ".</p>"
        if versions else "",
        details("Seed, data and revision of each training",
                table(Table(["training", "seed", "checksum of its data", "git revision"], rows))) if rows else "",
        details("Every flag of each training", "\n".join(quoted)) if quoted else "")

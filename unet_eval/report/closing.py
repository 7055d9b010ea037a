"""Sections that every report has: how its F1 is to be read, what it does not show, and how to repeat it."""
from __future__ import annotations

import json

from markupsafe import Markup

from data.layouts import citation, title
from unet_eval.report.blocks import Bullets, Code, Details, Section, Text
from unet_eval.report.headline import number_of_seeds
from unet_eval.report.tables import Table
from unet_eval.report.text import images, training_name
from unet_eval.run import Run


def which_f1(results: dict) -> Section:
    pairs = results["origin"]["pairs"]
    elsewhere = "" if pairs == "drive" else (
        f" The paper’s values are of DRIVE, and this run is of {title(pairs)}: compare the ratio of the arms rather "
        "than the values.")
    return Section("f1", "Two readings of F1", [Text(Markup(
        "The paper gives one F1 an arm and does not say of which class. U-Nets in the literature reach a "
        "<em>vessel</em> F1 of 0.81 to 0.83 on the DRIVE test images, and a second human observer 0.789, so 0.8988 can "
        "hardly be one. The <em>macro</em> F1, the mean of the vessel F1 and the background F1, fits: a U-Net with "
        "vessel F1 0.8225 in DRIVE’s field of view has macro F1 0.8985. The paper’s values therefore stand beside the "
        "macro F1; read like that, its 0.8988 (real) and 0.8877 (synthetic) mean vessel F1 of about 0.823 and 0.804. "
        "The vessel F1 is the stricter of the two, for the background is easy.{} “Vessel” is the foreground class of "
        "any data set; where a data set has no field of view, it is the whole image.").format(elsewhere))])


def limits(results: dict) -> Section:
    second = results["second"] or {}
    origins = {*results["origin"].values(), *results["cross"], second.get("pairs"), second.get("photos")} - {None}
    sources = [f"{title(origin)}: {citation(origin)}" for origin in sorted(origins) if citation(origin)]
    seeds = number_of_seeds(results)
    spread = f"and over seeds, {seeds} at most" if seeds > 1 else "with one U-Net an arm"
    gans = (f"{results['run']['gans']} seeds have GANs of their own; pictures, masks and distances are the first’s."
            if results["run"]["gans"] > 1 else
            "Both GANs were trained once: another Stage-I or Stage-II may give other pairs, which no number holds.")
    return Section("limits", "What this does not show, and what to cite", [
        Bullets([
            f"Intervals are over {images(results['dataset'])} of one data set, {spread}. {gans}",
            "An interval that includes 0 is no proof of equality.",
            longer_training(results["run"]["steps"]),
            "Synthetic images may resemble the images they were learned from. Distances of masks say nothing of "
            "photographs, and nothing here proves privacy: call `make audit` before you publish a set.",
            "This report shows real training and test photographs, and it, results.json and results.md hold names of "
            "files, ids of patients and places of folders: give them only to whom you may give those images.",
            "Not for diagnosis."]),
        Text("Method: Guibas, Virdi and Li, Synthetic Medical Images from Dual Generative Adversarial Networks, 2017. "
             "Data, each under its makers’ terms:"),
        Bullets(sources or ["the annotated images of this run, from their makers"])])


def longer_training(steps: list[int] | None) -> str:
    """Whether arms with more pairs are trained for longer. `steps` as in results.json."""
    if steps and steps[0] == steps[1]:
        return ("Arms with more pairs are trained for the same number of steps: the curve shows what variety gives, "
                "not longer training.")
    return ("Arms are not held to one number of steps: the curve does not tell apart what more pairs give and what "
            "longer training gives.")


def repeat(results: dict, run: Run) -> Section:
    command = results["run"]["command"]
    rows, quoted, versions = [], [], {}
    for folder, record in run.records.items():
        flags, name = record["flags"], training_name(folder)
        seed = str(flags["seed"] + flags.get("repeat", 0)) if "seed" in flags else "–"
        rows.append([name, seed, str(record["data"].get("checksum", "–"))[:16], str(record.get("git") or "–")])
        versions.update(record.get("versions", {}))
        quoted.append(Details(name, [Code(json.dumps(record, indent=2, ensure_ascii=False))]))
    table = Table(["training", "seed", "checksum of its data", "git revision"], rows)
    return Section("repeat", "How to repeat it", [
        Code("\n".join(command)) if command else None,
        Text(", ".join(f"{name} {version}" for name, version in versions.items()) + ".") if versions else None,
        Details("Seed, data and revision of each training", [table]),
        Details("Every flag of each training", quoted)])

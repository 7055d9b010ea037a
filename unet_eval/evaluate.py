"""Measures every arm of a run on the real test images; writes results.json, results.md,
report.html and figures/.

python -m unet_eval.evaluate --run=checkpoints/quick --pairs=drive:data/raw/DRIVE --reports=reports/quick
"""
from __future__ import annotations

import json
import math
import os
import shutil
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import flags, logging

from data.fundus import load_views
from data.images import DataError, write_error
from data.layouts import origin
from data.pairs import PairReader
from training.cli import run
from unet_eval import evidence, figures, markdown, measure, report, tables
from unet_eval.arms import PAPER_PAIRS
from unet_eval.kl import CHANNELS, PIXELS, Definition
from unet_eval.material import Material, Second
from unet_eval.trained import check_unseen, contrasts, cross, data_set_name, evaluate_arm, load_nets

PAPER = {"f1_real": 0.8988, "f1_synthetic": 0.8877, "kl_synthetic_real": 4.759, "kl_real_real": 4.212e-4}
NEAREST_DRAWN = 12  # masks beside their nearest training masks


@dataclass(frozen=True)
class Options:
    """What the flags of the same names said."""

    run: Path
    pairs: str
    photos: str
    reports: Path
    second: str = ""
    test: tuple[str, ...] = ()
    threshold: str = "0.5"
    arms: tuple[str, ...] = ()
    seeds: int = 0
    kl: Definition = Definition()


def is_threshold(text: str) -> bool:
    try:
        return text == "tuned" or 0 < float(text) < 1
    except ValueError:
        return False


def strict(value):
    """JSON knows neither NaN nor infinity: None stands for a number that is not defined."""
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def publish(partial: Path, reports: Path) -> None:
    """Moves what lies complete in `partial` to `reports`; report.html, which make looks for, comes last."""
    reports.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(reports / "figures", ignore_errors=True)
    for name in ("figures", "results.json", "results.md", "report.html"):
        os.replace(partial / name, reports / name)


def table(results: dict) -> str:
    """The arms in the field of view, one line each, beside the paper's values."""
    def interval(arm, key):
        return "{:.4f} ({:.4f} - {:.4f})".format(arm["fov"][key], *arm["ci95"][key])

    def less_real(arm):
        if "difference" not in arm:
            return "-"
        of = arm["difference"]["f1_vessel"]
        return "{:+.4f} ({:+.4f} - {:+.4f})".format(of["mean"], *of["ci95"])

    line = "{:<16}  {:>5}  {:>5}  {:<24}  {:<24}  {:>6}  {:<27}  {:>6}".format
    lines = [line("arm", "pairs", "seeds", "vessel F1 (95%)", "macro F1 (95%)", "paper", "vessel F1 - real (95%)",
                  "AUC")]
    lines += [line(name, arm["n_train_pairs"], len(arm["seeds"]), interval(arm, "f1_vessel"), interval(arm, "f1_macro"),
                   results["paper"].get(f"f1_{name}", "-"), less_real(arm), tables.number(arm["fov"]["auc"]))
              for name, arm in ((name, results["arms"][name]) for name in tables.ordered(results["arms"]))]
    ratio = tables.ratio(results)
    if ratio:
        lines.append(line("synthetic / real", "", "", f"{ratio['f1_vessel']:.4f}", f"{ratio['f1_macro']:.4f}",
                          f"{ratio['paper']:.4f}", "", ""))
    return "\n".join(lines)


def repeat_commands(options: Options, arms: dict) -> list[str]:
    """The lines that make this run again; empty where make did not make it."""
    record = options.run / "settings"
    if not record.exists():
        return []
    settings, _, given = record.read_text().strip().partition(" FLAGS=")

    def line(goals, flags):
        return f"make {goals} RUN={options.run.name} {settings}" + (f' FLAGS="{flags}"' if flags else "")

    first = line("evidence" if arms.keys() - {"real", "synthetic"} else "stage1 stage2 eval", given)
    tests = " ".join(f"--test={spec}" for spec in options.test)
    return [first, line("figures", f"{given} {tests}".strip())] if tests else [first]


def gather(options: Options, stack: ExitStack) -> tuple[dict, Material]:
    """The results, and what the figures are drawn from; every file is opened before anything is measured."""
    run = options.run
    nets = load_nets(run, options.arms, options.seeds)
    stores = {}
    for name in ("synthetic", "rendered", "phantom"):
        if name == "synthetic" or (run / f"{name}.h5").exists():
            stores[name] = stack.enter_context(PairReader(run / f"{name}.h5"))
            if not {"images", "fovs"} <= stores[name][0].keys():
                raise DataError(f"{run}/{name}.h5 holds masks but no photographs: remove it, then `make stage2`")
    single = None
    if (run / "single.h5").exists():
        reader = stack.enter_context(PairReader(run / "single.h5", "make evidence", ("images",)))
        single = np.stack([reader[k]["images"] for k in range(min(PAPER_PAIRS, len(reader)))])
    second = None
    if options.second:
        folder = Path(options.second)
        pairs = stack.enter_context(PairReader(folder / "synthetic.h5", f"make evidence, without {folder}"))
        second = Second(*evidence.second_views(folder), pairs)
    for spec in options.test:
        check_unseen(spec, options.pairs)
    tests, training = measure.load_test_images(options.pairs), load_views(options.pairs, "train")
    elsewhere = {spec: measure.load_test_images(spec) for spec in options.test}

    entries, outcomes, found = {}, {}, {}
    for arm, several in nets.items():
        logging.info("%s arm: %d U-Nets segment %d test images", arm, len(several), len(tests))
        entries[arm], outcomes[arm], found[arm] = evaluate_arm(several, options.threshold, run, tests, training)
    for arm in entries.keys() - {"real"} if "real" in entries else ():
        entries[arm]["difference"] = measure.differences(outcomes[arm], outcomes["real"])
    named = Counter(map(data_set_name, elsewhere))  # two of one layout go by their whole names
    crossed = {name if named[name] == 1 else spec: cross(spec, tested, nets, entries, options.photos)
               for spec, tested in elsewhere.items() for name in [data_set_name(spec)]}

    pairs = stores["synthetic"]
    count = nets["synthetic"][0].arm.rows(len(pairs)) if "synthetic" in nets else min(PAPER_PAIRS, len(pairs))
    sets = evidence.Sets(tests, training, evidence.learned(run, training), pairs, count, stores.get("rendered"),
                         stores.get("phantom"), single)
    logging.info("comparing the pictures and the masks")
    intensities, real_counts, synthetic_counts = evidence.compare_intensities(sets, options.kl, PAPER)
    nearest, drawn = evidence.nearest_masks(sets, NEAREST_DRAWN)
    observer = next(iter(nets.values()))[0].segmenter  # of the real arm, where there is one
    results = strict({
        "run": {"name": run.name, "command": repeat_commands(options, entries), "seeds": max(map(len, nets.values()))},
        "dataset": {"pairs": options.pairs.split(":")[0], "photos": options.photos.split(":")[0] or None,
                    "n_test": len(tests), "n_train": len(training)},
        "origin": {"pairs": origin(options.pairs), "photos": origin(options.photos) or None},
        "arms": entries,
        "contrasts": contrasts(outcomes),
        "cross": crossed,
        "kl": intensities,
        "distances": evidence.compare_pictures(sets, observer.features),
        "masks": evidence.compare_masks(sets),
        "nearest": nearest,
        "single": None if single is None else {"n": len(single)},
        "second": second and {"pairs": second.name, "run": Path(options.second).name,
                              "n_train": evidence.learned(Path(options.second), second.training)},
        "paper": PAPER,
        "seconds": measure.stage_seconds(run)})
    return results, Material(tests, found, training, pairs, stores.get("rendered"), single, second, drawn, real_counts,
                             synthetic_counts)


def evaluate(options: Options) -> dict:
    """The results, after they and the report are written; DataError before anything is where an input is missing."""
    with ExitStack() as stack:
        results, material = gather(options, stack)
        reports = options.reports.absolute()
        partial = reports.with_name(f".{reports.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # of an evaluation that was killed
        try:
            (partial / "figures").mkdir(parents=True)
            (partial / "results.json").write_text(json.dumps(results, indent=2, allow_nan=False) + "\n")
            figures.draw(partial / "figures", options.run, results, material)
            markdown.write(partial / "results.md", results)
            report.write(partial / "report.html", results, partial / "figures", options.run)
            publish(partial, reports)
        except OSError as error:
            raise write_error(options.reports, error) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return results


def main():
    values = flags.FLAGS
    definition = Definition(int(values.kl_bins), values.kl_channels, values.kl_pixels, values.kl_smoothing)
    results = evaluate(Options(Path(values.run), values.pairs, values.photos, Path(values.reports), values.second,
                               tuple(values.test), values.threshold, tuple(values.arms), values.seeds, definition))
    print(table(results))
    print(f"report: {Path(values.reports) / 'report.html'}")


if __name__ == "__main__":
    flags.DEFINE_string("run", None, "Folder of the run, with unet-ARM/ folders and synthetic.h5.", required=True)
    flags.DEFINE_string("pairs", None, "Data set whose test images measure the arms, layout:path.", required=True)
    flags.DEFINE_string("photos", "", "Photographs that Stage-II learned from, layout:path; empty where it had none.")
    flags.DEFINE_string("reports", None, "Folder for results.json, results.md, report.html and figures/.",
                        required=True)
    flags.DEFINE_string("second", "", "Folder of the run on a second data set, for Figure 6.")
    flags.DEFINE_multi_string("test", [], "Another data set, layout:path, on whose test images the arms are measured, "
                              "too; may be given several times.")
    flags.DEFINE_string("threshold", "0.5", "Probability from which a pixel is vessel; 'tuned' is, for each U-Net, the "
                        "one of the best vessel F1 on the pairs that it was trained on.")
    flags.DEFINE_list("arms", [], "Arms to measure; by default all that are trained.")
    flags.DEFINE_integer("seeds", 0, "U-Nets of every arm to measure at most; by default all that are trained.", 0)
    flags.DEFINE_enum("kl_bins", "256", ["2", "4", "8", "16", "32", "64", "128", "256"], "Bins of the histograms that "
                      "KL compares.")
    flags.DEFINE_enum("kl_channels", "grey", list(CHANNELS), "Grey levels, or the mean of the KL of the three colours.")
    flags.DEFINE_enum("kl_pixels", "fov", PIXELS, "Pixels of those histograms: in the field of view, or all.")
    flags.DEFINE_float("kl_smoothing", 1.0, "Counts added to every bin of them.", 0.0)
    flags.register_validator("threshold", is_threshold, message="write 'tuned' or a number between 0 and 1")
    run(main)

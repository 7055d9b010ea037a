"""Measures every arm of a run on the real test images; writes results.json, report.html and figures/.

python -m unet_eval.evaluate --run=checkpoints/quick --pairs=drive:data/raw/DRIVE --reports=reports/quick
"""
from __future__ import annotations

import itertools
import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import flags, logging

from data.fundus import load_views
from data.images import DataError, write_error
from data.pairs import PairReader
from training.cli import run
from training.run_folder import read_json
from unet_eval import figures, measure, report
from unet_eval.segment import Segmenter

PAPER = {"f1_real": 0.8988, "f1_synthetic": 0.8877, "kl_synthetic_real": 4.759, "kl_real_real": 4.212e-4}


@dataclass(frozen=True)
class Options:
    """What the flags of the same names said."""

    run: Path
    pairs: str
    photos: str
    reports: Path
    threshold: str = "0.5"
    arms: tuple[str, ...] = ()
    kl_bins: int = 256
    kl_pixels: str = "fov"
    kl_smoothing: float = 1.0


def is_threshold(text: str) -> bool:
    try:
        return text == "tuned" or 0 < float(text) < 1
    except ValueError:
        return False


def find_arms(folder: Path, wanted: tuple[str, ...]) -> list[str]:
    """Names of the trained arms, `real` first; DataError where a `wanted` one is missing, or all are."""
    trained = {path.parent.name[len("unet-"):] for path in folder.glob("unet-*/weights.h5")}
    missing = [name for name in wanted if name not in trained] or ([] if trained else ["real"])
    if missing:
        raise DataError(f"{folder}/unet-{missing[0]}/weights.h5 is missing: train this arm first, `make eval`")
    return sorted(wanted or trained, key=lambda name: (name != "real", name))


def evaluate_arm(arm: str, options: Options, tests, training, pairs) -> tuple[dict, list[np.ndarray]]:
    """The arm's entry in results.json, and its masks of the test images, boolean, on the working grid."""
    folder = options.run / f"unet-{arm}"
    segmenter = Segmenter(folder)
    real, synthetic = (kind in arm.split("+") for kind in ("real", "synthetic"))
    if options.threshold == "tuned":
        views = itertools.chain(training if real else (), measure.pair_views(pairs) if synthetic else ())
        threshold = measure.tuned_threshold(segmenter.probability, views)
    else:
        threshold = float(options.threshold)
    held_out = read_json(folder / "config.json", "train this arm again")["flags"].get("validation", 0)
    n_train_pairs = (len(training) - held_out if real else 0) + (len(pairs) if synthetic else 0)
    probabilities = [segmenter.probability(test.view) for test in tests]
    entry = {"n_train_pairs": n_train_pairs, **measure.measure(tests, probabilities, threshold)}
    return entry, [probability >= threshold for probability in probabilities]


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
    for name in ("figures", "results.json", "report.html"):
        os.replace(partial / name, reports / name)


def table(results: dict) -> str:
    """The arms in the field of view, one line each, beside the paper's values."""
    def interval(arm, key):
        return "{:.4f} ({:.4f} - {:.4f})".format(arm["fov"][key], *arm["ci95"][key])

    line = "{:<16}  {:>5}  {:<24}  {:<24}  {:>6}  {:>6}".format
    lines = [line("arm", "pairs", "vessel F1 (95%)", "macro F1 (95%)", "paper", "AUC")]
    lines += [line(name, arm["n_train_pairs"], interval(arm, "f1_vessel"), interval(arm, "f1_macro"),
                   results["paper"].get(f"f1_{name}", "-"), report.number(arm["fov"]["auc"]))
              for name, arm in results["arms"].items()]
    ratio = report.ratio(results)
    if ratio:
        lines.append(line("synthetic / real", "", f"{ratio['f1_vessel']:.4f}", f"{ratio['f1_macro']:.4f}",
                          f"{ratio['paper']:.4f}", ""))
    return "\n".join(lines)


def evaluate(options: Options) -> dict:
    """The results, after they and the report are written; DataError before anything is where an input is missing."""
    arms = find_arms(options.run, options.arms)
    with PairReader(options.run / "synthetic.h5") as pairs:
        if not {"images", "fovs"} <= pairs[0].keys():
            raise DataError(f"{options.run}/synthetic.h5 holds masks but no photographs: remove it, then `make stage2`")
        tests = measure.load_test_images(options.pairs)
        training = load_views(options.pairs, "train")
        entries, masks = {}, {}
        for arm in arms:
            logging.info("%s arm: segmenting %d test images", arm, len(tests))
            entries[arm], masks[arm] = evaluate_arm(arm, options, tests, training, pairs)
        rows = (pairs[i] for i in range(len(pairs)))
        synthetic = measure.intensities(((row["images"], row["fovs"][..., 0]) for row in rows),
                                        options.kl_bins, options.kl_pixels)
        real = measure.intensities(((view.image, view.fov) for view in training), options.kl_bins, options.kl_pixels)
        results = strict({
            "dataset": {"pairs": options.pairs.split(":")[0], "photos": options.photos.split(":")[0] or None,
                        "n_test": len(tests)},
            "arms": entries,
            "kl": {**measure.compare_intensities(real, synthetic, options.kl_smoothing), "bins": options.kl_bins,
                   "pixels": options.kl_pixels, "smoothing": options.kl_smoothing},
            "masks": measure.compare_masks(pairs, training),
            "paper": PAPER,
            "seconds": measure.stage_seconds(options.run, arms)})

        reports = options.reports.absolute()
        partial = reports.with_name(f".{reports.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # of an evaluation that was killed
        try:
            (partial / "figures").mkdir(parents=True)
            (partial / "results.json").write_text(json.dumps(results, indent=2, allow_nan=False) + "\n")
            figures.draw(partial / "figures", options.run, results, tests, masks, training, pairs, real, synthetic)
            report.write(partial / "report.html", results, partial / "figures", options.run)
            publish(partial, reports)
        except OSError as error:
            raise write_error(options.reports, error) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return results


def main():
    values = flags.FLAGS
    print(table(evaluate(Options(
        Path(values.run), values.pairs, values.photos, Path(values.reports), values.threshold, tuple(values.arms),
        values.kl_bins, values.kl_pixels, values.kl_smoothing))))
    print(f"report: {Path(values.reports) / 'report.html'}")


if __name__ == "__main__":
    flags.DEFINE_string("run", None, "Folder of the run, with unet-ARM/ folders and synthetic.h5.", required=True)
    flags.DEFINE_string("pairs", None, "Data set whose test images measure the arms, layout:path.", required=True)
    flags.DEFINE_string("photos", "", "Photographs that Stage-II learned from, layout:path; empty where it had none.")
    flags.DEFINE_string("reports", None, "Folder for results.json, report.html and figures/.", required=True)
    flags.DEFINE_string("threshold", "0.5", "Probability from which a pixel is vessel; 'tuned' is, for each arm, the "
                        "one of the best vessel F1 on the pairs that it was trained on.")
    flags.DEFINE_list("arms", [], "Arms to measure; by default all that are trained.")
    flags.DEFINE_integer("kl_bins", 256, "Bins of the grey-level histograms that KL compares.", 2, 256)
    flags.DEFINE_enum("kl_pixels", "fov", ["fov", "all"], "Pixels of those histograms: in the field of view, or all.")
    flags.DEFINE_float("kl_smoothing", 1.0, "Counts added to every bin of them.", 1e-9)
    flags.register_validator("threshold", is_threshold, message="write 'tuned' or a number between 0 and 1")
    run(main)

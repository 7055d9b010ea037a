"""Measures every arm of a run on the real test images; writes results.json, results.md, report.html and figures/.

python -m unet_eval.evaluate --run=checkpoints/quick --pairs=drive:data/raw/DRIVE --reports=reports/quick
"""
from __future__ import annotations

import json
from pathlib import Path

from data.few import parse_few, whole
from data.files import OutputFolder, write_error
from data.folds import parse_fold
from data.layouts import origin, tests_are_held_out
from training.cli import run as run_script
from unet_eval.config import EvaluateConfig
from unet_eval.experiments import EXPERIMENTS
from unet_eval.paper import PAPER
from unet_eval.repeat import commands
from unet_eval.report import overview, trainings
from unet_eval.report.claims import claims
from unet_eval.report.headline import headline, how_sure, summary
from unet_eval.report.html import document
from unet_eval.report.publish import publish, refuse_foreign, strict, unfinished
from unet_eval.run import Run


def evaluate(config: EvaluateConfig) -> dict:
    """What results.json holds, after all is written. UserError before anything is measured where an input is missing,
    or where files lie in config.reports that no evaluation wrote."""
    reports = OutputFolder(Path(config.reports).absolute(), "--reports")
    refuse_foreign(reports)
    with Run(config) as run, unfinished(reports) as folder:
        results = measure(run)
        try:
            write(folder, results, run)
            publish(folder, reports)
        except OSError as error:
            raise write_error(reports.path, error) from error
    return results


def measure(run: Run) -> dict:
    config, measured = run.config, {}
    few, inner = parse_few(config.pairs)
    fold, _ = parse_fold(inner)
    for experiment in EXPERIMENTS:
        measured.update(experiment.measure(run))
    return strict({
        "run": {"name": run.name, "command": commands(run), "seeds": max(map(len, run.nets.values())),
                "learned": len(run.learned), "gans": run.gans, "warm_started": run.warm_started, "steps": run.steps,
                "unlike": run.unlike},
        "dataset": {"pairs": whole(config.pairs).split(":")[0], "photos": config.photos.split(":")[0] or None,
                    "fold": fold and [fold.number, fold.count], "few": few and [few.count, few.draw],
                    "n_test": len(run.tests),
                    "n_test_patients": len({test.patient for test in run.tests}), "n_train": len(run.training),
                    "held_out": tests_are_held_out(config.pairs)},
        "origin": {"pairs": origin(config.pairs), "photos": origin(config.photos) or None},
        **measured, "paper": PAPER, "seconds": run.seconds})


def write(folder: Path, results: dict, run: Run) -> None:
    """All files into an empty folder."""
    figures = folder / "figures"
    figures.mkdir()
    for part in (*EXPERIMENTS, overview, trainings):
        part.figures(figures, results, run)
    (folder / "results.json").write_text(json.dumps(results, indent=2, allow_nan=False) + "\n")
    (folder / "results.md").write_text(markdown(results), encoding="utf-8")
    (folder / "report.html").write_text(document(results, EXPERIMENTS, figures, run), encoding="utf-8")


def markdown(results: dict) -> str:
    """The tables of the report, to paste."""
    tables = {"The paper beside what was measured": headline(results), "Claims": claims(results)}
    for experiment in EXPERIMENTS:
        tables.update(experiment.tables(results))
    shown = [f"## {title}\n\n{table.markdown()}\n" for title, table in tables.items()]
    return "\n".join([f"{how_sure(results)}\n", *shown])


def main(config: EvaluateConfig) -> None:
    print(summary(evaluate(config)).plain())
    print(f"report: {Path(config.reports) / 'report.html'}")


if __name__ == "__main__":
    run_script(main, EvaluateConfig)

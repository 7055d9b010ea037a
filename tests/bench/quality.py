"""How long a user of a run waits for a result: minutes of each training, and to a vessel F1 of the held-out images.

    make bench-quality RUN=mine CONFIG=quick FLAGS=--validate_every=1

It reads what the trainings of a run logged for TensorBoard, from the start of the training loop on, in all phases of a
training; a pause before a training was resumed counts. The F1 is known at each validation only.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util.tensor_util import make_ndarray

from data.errors import UserError
from data.files import OutputFolder, json_bytes
from training.cli import run
from training.config import Config, option
from training.run_folder import read_record

LEVELS = (0.70, 0.75, 0.80)  # of the vessel F1
F1 = "f1_vessel"


@dataclass(frozen=True)
class QualityConfig(Config):
    """Measures the minutes to a quality."""

    run: str = option("", "Folder of a run.", required=True)
    out: str = option("", "File for the minutes (JSON).", required=True)


def logged(folder: Path) -> tuple[float, dict[str, list[tuple[float, float]]]]:
    """(seconds of the last event since the first, {tag: (seconds since the first event, value) in order}) of the
    TensorBoard logs below a folder."""
    times, series = [], {}
    for path in folder.rglob("*tfevents*"):
        tags = set()  # a file names the kind of a tag once, where the tag comes first
        for event in EventFileLoader(str(path)).Load():
            times.append(event.wall_time)
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    tags.add(value.tag)
                if value.tag in tags:
                    series.setdefault(value.tag, []).append((event.wall_time, float(make_ndarray(value.tensor))))
    start, end = min(times, default=0.0), max(times, default=0.0)
    return end - start, {tag: [(time - start, value) for time, value in sorted(found)]
                         for tag, found in series.items()}


def minutes_to(level: float, values: list[tuple[float, float]]) -> float | None:
    """When a value is first at least `level`; None if it never is."""
    return next((round(seconds / 60, 2) for seconds, value in values if value >= level), None)


def measure(folder: Path) -> dict:
    """Of one training: minutes, number format, minutes to each of LEVELS where it is validated, and the last values of
    what it measured."""
    _, series = logged(folder / "logs")
    seconds = sum(logged(logs)[0] for logs in folder.rglob("logs"))  # a phase has its own folder
    resolved = read_record(folder, "train it again")["resolved"]
    row = {"minutes": round(seconds / 60, 2), "precision": resolved.get("precision")}
    if F1 in series:
        row["minutes_to_f1"] = {f"{level:.2f}": minutes_to(level, series[F1]) for level in LEVELS}
    return {**row, "last": {tag: round(values[-1][1], 4) for tag, values in series.items() if tag[:6] != "epoch_"}}


def main(config: QualityConfig) -> None:
    out = Path(config.out)
    folder = OutputFolder(out.parent, "--out")  # by whose list `make clean` knows the file from one of yours
    folder.check([out.name])
    trainings = {path.parent.name: measure(path.parent) for path in sorted(Path(config.run).glob("*/config.json"))}
    if not trainings:
        raise UserError(f"--run={config.run} holds no training: make stage1 stage2 eval makes one")
    total = round(sum(row["minutes"] for row in trainings.values()), 2)
    folder.write(out.name, json_bytes({"trainings": trainings, "minutes": total}))
    levels = " / ".join(f"{level:.2f}" for level in LEVELS)
    print(f"{'training':<20} {'minutes':>8}  minutes to F1 {levels}; last values")
    for name, row in trainings.items():
        reached = row.get("minutes_to_f1", {}).values()
        to_levels = " / ".join("-" if minutes is None else f"{minutes:g}" for minutes in reached)
        last = ", ".join(f"{tag} {value:g}" for tag, value in row["last"].items())
        print(f"{name:<20} {row['minutes']:>8.1f}  {'; '.join(filter(None, (to_levels, last)))}")
    print(f"{'total':<20} {total:>8.1f}")


if __name__ == "__main__":
    run(main, QualityConfig)

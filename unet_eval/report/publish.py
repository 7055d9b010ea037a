"""How a report takes its place: complete, in strict JSON, and never over a file that no evaluation wrote."""
from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from data.files import OutputFolder, readable, write_error
from data.unfinished import unfinished_folder

LAST = "report.html"  # make looks for it
FILES = ("results.json", "results.md", LAST)


def refuse_foreign(reports: OutputFolder) -> None:
    """UserError where a name of ours is taken, or where a picture that no evaluation drew lies in figures/."""
    figures = reports.path / "figures"
    drawn = [path for path in figures.rglob("*") if not path.is_dir() and not path.name.startswith(".")]
    if figures.exists() and not figures.is_dir():
        drawn = [figures]
    reports.check([*FILES, *(path.relative_to(reports.path).as_posix() for path in drawn)])


@contextmanager
def unfinished(reports: OutputFolder) -> Iterator[Path]:
    """A folder beside the reports, so that all files are on their disk before the first of them takes its place."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(unfinished_folder(reports.path))
        except OSError as error:
            raise write_error(reports.path, error) from error
        yield folder


def publish(folder: Path, reports: OutputFolder) -> None:
    """Moves all files of `folder` into the reports, and removes the figures of an earlier report that it has not."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted(names - {LAST}):
        reports.move_in(folder / name, name)
    for name in sorted(reports.written().keys() - names):
        if (reports.path / name).exists():
            reports.remove(name)
    reports.move_in(folder / LAST, LAST)


def strict(value):
    """JSON knows neither NaN nor infinity: None stands for a number that is not defined. Names are made readable."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, dict):
        return {strict(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

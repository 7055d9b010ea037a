"""What the runs of a sweep have in common: a step that does the same in two of them is made once, and copied."""
from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from configs.settings import Settings
from configs.steps import files, make_step, needs
from data.files import OutputFolder, write_error
from data.unfinished import NewFolder


def share(name: str, run: Settings, others: list[Settings]) -> list[str]:
    """Copies what the step NAME, of the first seed, makes and all that it needs, from those of the `others` that made
    the same; returns the names of the steps. A step that the run has made, or begun, is left alone. UserError where a
    copy cannot be written."""
    found = [step for earlier in needs(name, run) for step in share(earlier, run, others)]
    target = files(name, run)[0]
    if (run.folder / target).exists() or (run.folder / name).exists():
        return found
    for other in others:
        if other.recorded and (other.folder / target).exists() and _same(name, run, other):
            _copy(name, target, other.folder, run.folder)
            return [*found, name]
    return found


def _same(name: str, run: Settings, other: Settings) -> bool:
    """Whether the scripts of a step, and of all that it needs, have the same flags in both runs."""
    alike = make_step(name, run).scripts == make_step(name, replace(other, run=run.run)).scripts
    return alike and all(_same(earlier, run, other) for earlier in needs(name, run))


def _copy(name: str, target: str, source: Path, folder: Path) -> None:
    """The folder of a step, without the checkpoints of a training, for that has ended; and its files beside that, with
    `target` last, for make looks for that one."""
    if (source / name).is_dir():
        with NewFolder(folder / name, "the step has begun here") as new:
            # With the times of now: make compares them with those of the files beside, which are written here, too.
            try:
                shutil.copytree(source / name, new.partial, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ckpt-*"),
                                copy_function=shutil.copy)
            except shutil.Error as error:  # a list of (from, to, why), and no errno
                raise write_error(folder / name, OSError(error.args[0][0][2])) from error
    made = OutputFolder(folder, "RUN")
    beside = [path for path in sorted(source.iterdir()) if path.is_file()
              and path.name.partition(".")[0] in (name, f"{name}_held_out")]
    for path in sorted(beside, key=lambda path: path.name == target):
        made.write(path.name, path.read_bytes())

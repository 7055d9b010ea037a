"""Removes what the project made of a run, and refuses where somebody else's file lies among it: make clean.

This module imports the standard library only, so that it runs in any Python.
"""
from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from configs.running import OF_A_TRAINING
from data.errors import UserError, listed
from data.files import RECORD, SUMS, OutputFolder, checksum
from data.unfinished import ENDING

# Files that no list has: the lists, what make looks at, the lock of a training that did not begin.
UNLISTED = re.compile(rf"{RECORD}|settings|data\.checked|lock|.+\.done")
# Folders that the project makes with a SHA256SUMS in them; anywhere else such a list came with somebody's data.
WITH_SUMS = re.compile(r".*/(synthmed/[^/]+|private(-\d+)?|demo)")
# Hidden files and folders of nobody: of writes that were killed, and of the system.
NOBODYS = re.compile(rf"\.partial-.+|\..+{re.escape(ENDING)}|\.DS_Store|\._.+|\.nfs.+")


def clean(run: str) -> None:
    """Removes checkpoints/RUN and reports/RUN. UserError, and nothing is removed, where a file in them is another's or
    cannot be read, or one of them is a link; UserError where a file cannot be removed."""
    folders = [folder for folder in (Path("checkpoints") / run, Path("reports") / run) if os.path.lexists(folder)]
    links = [folder.as_posix() for folder in folders if folder.is_symlink()]
    if links:
        raise UserError(f"make clean follows no links: remove {listed(links)} yourself; nothing was removed")
    try:
        others = [path.as_posix() for folder in folders for path in foreign(folder)]
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror}): check its permissions; nothing was "
                        "removed") from error
    if others:
        raise UserError(f"make clean removes what the project made: move away {listed(others)}; nothing was removed")
    for folder in folders:
        shutil.rmtree(folder, onerror=_stop)


def _stop(function, path: str, error: tuple) -> None:
    raise UserError(f"{path}: cannot be removed ({error[1].strerror}): check the permissions of its folder, and call "
                    "make clean again") from error[1]


def foreign(folder: Path) -> Iterator[Path]:
    """Files below a run's folder that no training writes, and no list in theirs or in a folder above has, or that have
    changed since they were listed. What killed writes and the system left is left out."""
    made = lru_cache(None)(_made)
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_dir() and not path.is_symlink() or any(map(NOBODYS.fullmatch, parts)):
            continue
        if UNLISTED.fullmatch(path.name):
            continue
        above = [folder.joinpath(*parts[:depth]) for depth in range(len(parts))]
        names = [path.relative_to(each).as_posix() for each in above]
        if any((each / "config.json").exists() and OF_A_TRAINING.fullmatch(name) for each, name in zip(above, names)):
            continue
        sums = set().union(*(made(each).get(name, ()) for each, name in zip(above, names)))
        if not sums or not path.is_file() or checksum(path) not in sums:
            yield path


def _made(folder: Path) -> dict[str, set[str]]:
    """{name: checksums} of the files below a folder that a list in it has."""
    made, sums = OutputFolder(folder, "RUN").written(), folder / SUMS
    if WITH_SUMS.fullmatch(folder.as_posix()) and sums.is_file():
        for line in [f"{checksum(sums)}  {SUMS}", *sums.read_text("utf-8", "surrogateescape").splitlines()]:
            digest, _, name = line.partition("  ")
            made.setdefault(name, set()).add(digest)
    return made


if __name__ == "__main__":
    try:
        clean(sys.argv[1])
    except UserError as error:
        sys.exit(f"error: {error}")

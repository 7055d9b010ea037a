"""A folder for files that take their place together, once all of them are written."""
from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from data.system import fcntl

ENDING = ".unfinished"


@contextmanager
def unfinished_folder(path: Path) -> Iterator[Path]:
    """An empty hidden folder beside `path`, on the same disk; it is removed on leaving the context.

    What killed processes left is removed first. Folders of processes that still run are locked, and stay. Raises
    OSError if it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{ENDING}"):
        with _opened(left) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(left)
    with TemporaryDirectory(prefix=f".{path.name}.", suffix=ENDING, dir=path.parent) as folder, \
            _opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Path(folder)


@contextmanager
def _opened(folder: Path | str) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)

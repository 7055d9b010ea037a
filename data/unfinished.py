"""A folder for files that take their place together, once all of them are written."""
from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from data.files import no_locks
from data.system import fcntl

ENDING = ".unfinished"


@contextmanager
def unfinished_folder(path: Path) -> Iterator[Path]:
    """An empty hidden folder beside `path`, on the same disk; it is removed on leaving the context.

    What killed processes left is removed first. Folders of processes that still run are locked, and stay. Raises
    OSError if it cannot be made, UserError where its disk has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{ENDING}"):
        with _opened(left) as descriptor:
            try:
                _lock(descriptor, path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(left)
    with TemporaryDirectory(prefix=f".{path.name}.", suffix=ENDING, dir=path.parent) as folder, \
            _opened(folder) as descriptor:
        _lock(descriptor, path, fcntl.LOCK_EX)
        yield Path(folder)


def _lock(descriptor: int, path: Path, how: int) -> None:
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        raise
    except OSError as error:
        raise no_locks(path, error) from error


@contextmanager
def _opened(folder: Path | str) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)

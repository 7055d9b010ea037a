"""Folders for files that take their place together, once all of them are written."""
from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from data.errors import UserError
from data.files import no_locks, write_error
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


class NewFolder:
    """A folder of files that appears complete or not at all, and is never replaced; a context manager.

    Raises UserError where the folder is there already, or cannot be written.
    """

    partial: Path  # where the files are written before; each process has its own

    def __init__(self, path: Path | str, remedy: str):
        """`remedy` says what to do where the folder is there already."""
        self.path, self._remedy = Path(path), remedy

    def __enter__(self) -> NewFolder:
        self._refuse()
        try:
            with ExitStack() as stack:
                # The folder in it has the rights that a new folder has; the temporary one is for this user only.
                self.partial = stack.enter_context(unfinished_folder(self.path)) / self.path.name
                self.partial.mkdir()
                self._unfinished = stack.pop_all()
        except OSError as error:
            raise write_error(self.path, error) from error
        return self

    def _refuse(self) -> None:
        if self.path.exists() or self.path.is_symlink():
            raise UserError(f"{self.path} is there already and is not replaced: {self._remedy}")

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, in folders that are made."""
        path = self.partial / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise write_error(self.path / name, error) from error

    def __exit__(self, kind, error, traceback) -> None:
        with self._unfinished:
            if kind is None:
                self._refuse()  # another process may have been faster
                try:
                    os.sync()  # once for all files, which may be thousands
                    os.replace(self.partial, self.path)
                except OSError as failure:
                    raise write_error(self.path, failure) from failure

"""How files are written: complete or not at all, and never over a file that this project did not make."""
from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from data.errors import UserError

RECORD = "made.sha256"


def write_error(path: Path, error: OSError) -> UserError:
    """The one line for a file that could not be written."""
    return UserError(f"{path}: cannot be written ({error.strerror or error}); "
                     "free space on the disk or choose another folder")


def write_file(path: Path, content: bytes) -> None:
    """The file appears complete or not at all. Raises UserError where it cannot be written."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        if partial.exists():
            partial.unlink()
        raise write_error(path, error) from error


def write_json(path: Path, content) -> None:
    """As `write_file`."""
    write_file(path, json.dumps(content, indent=2).encode())


def read_json(path: Path, remedy: str) -> dict:
    """The content. Raises UserError with the `remedy` where the file is absent or holds no JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: {remedy}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged ({error}): {remedy}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} is damaged (no JSON object): {remedy}")
    return content


def checksum(path: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


class OutputFolder:
    """A folder for results, where other files may lie too: none of those is replaced or removed.

    What is written is listed in the folder's file made.sha256, in the format of the program sha256sum. A file that is
    not listed there, or that has changed since it was written, belongs to the user.
    """

    def __init__(self, path: Path | str, flag: str):
        """`flag` is the name, such as "--out", that errors tell the user to change."""
        self.path, self._flag = Path(path), flag

    def check(self, names: Iterable[str]) -> None:
        """Raises UserError where one of the files `names` is there and is not this project's. Call it before work."""
        made = self._made()
        for name in names:
            self._check(name, made)

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, complete or not at all; UserError where it cannot, or where the user's file lies there."""
        self._make_room(name, hashlib.sha256(content).hexdigest())
        write_file(self.path / name, content)

    def move_in(self, partial: Path, name: str) -> None:
        """Gives a finished file on the same disk its name in this folder; errors as `write`."""
        self._make_room(name, checksum(partial))
        os.replace(partial, self.path / name)

    def remove(self, name: str) -> None:
        """Removes a file that this project wrote; UserError where it is the user's."""
        self._check(name, self._made())
        (self.path / name).unlink()

    def listed(self) -> set[str]:
        """Names of the files that were ever written here."""
        return set(self._made())

    def _make_room(self, name: str, digest: str) -> None:
        self._check(name, self._made())
        try:
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            # Listed before it is there: a process that is killed in between leaves no file that nobody made.
            with open(self.path / RECORD, "a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{digest}  {name}\n")
        except OSError as error:
            raise write_error(self.path / name, error) from error

    def _made(self) -> dict[str, set[str]]:
        """Name -> checksums of all that was written under it."""
        made: dict[str, set[str]] = {}
        try:
            text = (self.path / RECORD).read_text(encoding="utf-8", errors="surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return made
        for line in text.splitlines():
            digest, _, name = line.partition("  ")
            made.setdefault(name, set()).add(digest)
        return made

    def _check(self, name: str, made: dict[str, set[str]]) -> None:
        path = self.path / name
        if not path.exists() and not path.is_symlink():
            return
        if name not in made:
            raise UserError(f"{path} is there already and was not made by this command: choose another {self._flag}, "
                            "or move that file")
        if not path.is_file() or checksum(path) not in made[name]:
            raise UserError(f"{path} has been changed since it was made: choose another {self._flag}, or move it")

"""How files are written: complete or not at all, and never over a file that this project did not make."""
from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from data.errors import UserError
from data.system import fcntl

RECORD = "made.sha256"
SUMS = "SHA256SUMS"  # the list in a folder to publish
BACKSLASH = "\\"
# Of names, in a line of RECORD that begins with a backslash, as the program sha256sum has them.
ESCAPES = {BACKSLASH: r"\\", "\n": r"\n", "\r": r"\r"}
UNESCAPED = {escaped: letter for letter, escaped in ESCAPES.items()}
NO_UTF_8 = re.compile("[\udc80-\udcff]")


def write_error(path: Path, error: OSError) -> UserError:
    """The one line for a file that could not be written."""
    remedy = ("give it, or the image that it is named after, a shorter name" if error.errno == errno.ENAMETOOLONG
              else "free space on the disk or choose another folder")
    return UserError(f"{path}: cannot be written ({error.strerror or error}); {remedy}")


def no_locks(path: Path | str, error: OSError) -> UserError:
    """The one line for a file that cannot be locked."""
    return UserError(f"{path}: its disk has no locks of files ({error.strerror or error}), which keep two processes "
                     "apart: mount it with locks (Lustre: -o flock), or choose a folder on another disk")


def write_file(path: Path, content: bytes) -> None:
    """The file appears complete or not at all, also where several processes write it. Raises UserError where it cannot
    be written."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        with _locked(partial, path) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.replace(partial, path)
            except OSError:
                partial.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise write_error(path, error) from error


@contextmanager
def _locked(partial: Path, path: Path) -> Iterator[BinaryIO]:
    """The file `partial`, empty, once no other process writes it. UserError for `path` where its disk has no locks."""
    while True:
        with open(partial, "ab") as file:  # with "wb" it would be emptied while another process may be writing it
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                raise no_locks(path, error) from error
            if is_at(partial, file):  # else another process has moved to its place what this one had opened
                file.truncate(0)
                yield file
                return


def is_at(path: Path, file: BinaryIO) -> bool:
    """Whether an open file is still the one of this name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def json_bytes(content) -> bytes:
    """What a JSON file of the project holds."""
    return json.dumps(content, indent=2).encode()


def write_json(path: Path, content) -> None:
    """As `write_file`."""
    write_file(path, json_bytes(content))


def read_json(path: Path, remedy: str) -> dict:
    """The content. Raises UserError with the `remedy` if the file is missing, cannot be read, or does not hold a JSON
    object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: {remedy}") from None
    except OSError as error:  # it is a folder, or somebody else's
        raise UserError(f"{path} cannot be read ({error.strerror or error}): {remedy}") from None
    except (ValueError, RecursionError) as error:  # also text that is no UTF-8, and a number of 5000 digits
        raise UserError(f"{path} is damaged ({error}): {remedy}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} is damaged (no JSON object): {remedy}")
    return content


def read_number(path: Path, key: str) -> float:
    """A number in a JSON file. UserError where it is not there."""
    number = read_json(path, "remove it").get(key)
    if not isinstance(number, (int, float)):
        raise UserError(f"{path} is damaged (no number {key}): remove it")
    return number


def readable(text: str) -> str:
    """The text of a file's name for readers. Bytes that are no UTF-8, which Python has as lone surrogates that can
    neither be written nor drawn, are read as Latin-1."""
    return NO_UTF_8.sub(lambda byte: chr(ord(byte[0]) - 0xDC00), text)


def checksum(path: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _append(path: Path, line: bytes) -> None:
    """Appends a whole line or nothing: half a line would spoil the next one. Raises OSError."""
    with open(path, "ab", buffering=0) as file:
        end = file.tell()
        try:
            while line:
                line = line[file.write(line):]
        except OSError:
            file.truncate(end)
            raise


def _line(digest: str, name: str) -> bytes:
    """Of RECORD."""
    escaped = "".join(ESCAPES.get(letter, letter) for letter in name)
    return f"{BACKSLASH * (escaped != name)}{digest}  {escaped}\n".encode("utf-8", "surrogateescape")


class OutputFolder:
    """A folder for results. It may contain files of the user, and none of these is replaced or removed.

    Every file that is written is listed in the file made.sha256 of the folder, in the format of the program sha256sum.
    A file that is not listed there, or that has changed since it was written, is the user's.
    """

    def __init__(self, path: Path | str, flag: str):
        """`flag` is the name, such as "--out", that errors tell the user to change."""
        self.path, self._flag = Path(path), flag

    def check(self, names: Iterable[str]) -> None:
        """Raises UserError if one of the files `names` exists and is not this project's. Call it before the work."""
        written = self.written()
        for name in names:
            self._check(name, written)

    def refuse_foreign(self) -> None:
        """Raises UserError if there are files in the folder, but none that this project wrote: new ones would lie among
        the user's, and nobody could tell them apart. Hidden files do not count."""
        if not self.path.is_dir() or (self.path / RECORD).exists():
            return
        foreign = sorted(path.name for path in self.path.iterdir() if not path.name.startswith("."))
        if foreign:
            raise UserError(f"{self.path} has files that were not made by this command, such as {foreign[0]}: choose "
                            f"another {self._flag}, an empty or new folder")

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, complete or not at all. Raises UserError if it cannot, or if the user's file has this name."""
        self._make_room(name, hashlib.sha256(content).hexdigest())
        write_file(self.path / name, content)

    def move_in(self, partial: Path, name: str) -> None:
        """Moves the finished file `partial`, on the same disk, into this folder. Raises UserError as `write` does."""
        self._make_room(name, checksum(partial))
        os.replace(partial, self.path / name)

    def remove(self, name: str) -> None:
        """Removes a file that this project wrote. Raises UserError if it is the user's."""
        self._check(name, self.written())
        (self.path / name).unlink()

    def written(self) -> dict[str, set[str]]:
        """{name: checksums of all versions of the file that were written}."""
        written: dict[str, set[str]] = {}
        try:
            text = (self.path / RECORD).read_bytes().decode("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return written
        for line in text.split("\n")[:-1]:
            digest, _, name = line.partition("  ")
            if digest.startswith(BACKSLASH):
                digest, name = digest[1:], re.sub(r"\\[\\nr]", lambda found: UNESCAPED[found[0]], name)
            written.setdefault(name, set()).add(digest)
        return written

    def _make_room(self, name: str, digest: str) -> None:
        self._check(name, self.written())
        try:
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            # The list comes first: if the process is killed between the two, no file is left that is not listed.
            _append(self.path / RECORD, _line(digest, name))
        except OSError as error:
            raise write_error(self.path / name, error) from error

    def _check(self, name: str, written: dict[str, set[str]]) -> None:
        path = self.path / name
        if not path.exists() and not path.is_symlink():
            return
        if name not in written:
            raise UserError(f"{path} is there already and was not made by this command: choose another {self._flag}, "
                            "or move that file")
        if not path.is_file() or checksum(path) not in written[name]:
            raise UserError(f"{path} has been changed since it was made: choose another {self._flag}, or move it")

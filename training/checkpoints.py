"""Checkpoints that survive kill -9 and damaged files."""
from __future__ import annotations

import re
import shutil
from pathlib import Path

import tensorflow as tf
from absl import logging

from data.errors import UserError, first_line
from data.files import checksum, write_file

KEEP = 3
# The files of a checkpoint, and those that an interrupted save leaves behind. All other files belong to the user.
PARTS = re.compile(r"ckpt-(\d+)\.(index|data-\d{5}-of-\d{5}|sha256)")
LEFT = re.compile(r"ckpt-\d+(_temp|\.(index|data-\d{5}-of-\d{5})\.tempstate\d+)|\.partial-ckpt-\d+\.sha256")


def _complete(folder: Path) -> list[int]:
    """Steps of the complete checkpoints, newest first."""
    names = (re.fullmatch(r"ckpt-(\d+)\.index", path.name) for path in folder.glob("ckpt-*.index"))
    return sorted((int(name[1]) for name in names if name), reverse=True)


def newest(folder: Path) -> int:
    """The step of the newest complete checkpoint, or 0."""
    return next(iter(_complete(folder)), 0)


def read_newest(folder: Path, remedy: str, **parts) -> None:
    """Restores models from the newest checkpoint of a training that has ended, and changes no file.

    `parts` are some of those that the training gave to `Checkpoints`. Raises UserError with the `remedy` where there is
    no checkpoint, or none that can be read.
    """
    steps = _complete(folder)
    if not steps:
        raise UserError(f"{folder}: no checkpoint there: {remedy}")
    try:
        reader = tf.train.Checkpoint(**parts).read(str(folder / f"ckpt-{steps[0]}"))
        reader.assert_existing_objects_matched().expect_partial()
    except (tf.errors.OpError, IndexError, ValueError, AssertionError) as error:
        raise UserError(f"{folder}/ckpt-{steps[0]} cannot be read ({first_line(error)}): {remedy}") from None


def _record(folder: Path, step: int) -> Path:
    return folder / f"ckpt-{step}.sha256"


def _checksums(folder: Path, step: int) -> list[str]:
    """A line "CHECKSUM  NAME" for each file of TensorFlow's."""
    paths = [path for path in sorted(folder.glob(f"ckpt-{step}.*")) if PARTS.fullmatch(path.name)]
    return [f"{checksum(path)}  {path.name}" for path in paths if path != _record(folder, step)]


class Checkpoints:
    """Checkpoints ckpt-STEP of Keras models and optimizers in `folder`. `parts` gives each of these a name.

    ckpt-STEP.sha256 has the checksums of the other files of ckpt-STEP, in the format of the program sha256sum.

    The names of the files say which checkpoints there are. TensorFlow's own list, a file named `checkpoint`, is not
    used: if it were damaged, TensorFlow would report no checkpoint, and the training would start from zero.
    """

    def __init__(self, folder: Path, source: Path | None = None, **parts):
        """`source` is the folder of the chief, where another worker restores from; it changes nothing there."""
        self.folder, self._source = folder, source or folder
        self._checkpoint = tf.train.Checkpoint(**parts)
        self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        """Removes what interrupted saves left: files without an index, which TensorFlow writes last."""
        complete = set(_complete(self.folder))
        for path in self.folder.iterdir():
            part = PARTS.fullmatch(path.name)
            if LEFT.fullmatch(path.name) or (part and int(part[1]) not in complete):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def restore(self) -> int:
        """Restores the newest readable checkpoint and returns its step, or 0 if there is no checkpoint.

        A damaged checkpoint is skipped with a warning, and removed when an older one could be read. One without
        checksums, of an earlier version or of a process that was killed just before it wrote them, has TensorFlow's own
        checks only. Raises UserError if all are damaged.
        """
        steps = _complete(self._source)
        for step in steps:
            try:
                self._compare_checksums(step)
                self._checkpoint.read(str(self._source / f"ckpt-{step}")).assert_consumed()
            except (tf.errors.OpError, IndexError, ValueError, AssertionError) as error:  # IndexError: cut short
                logging.warning("%s/ckpt-%d is damaged (%s)", self._source, step, first_line(error))
                continue
            for newer in steps[:steps.index(step)]:
                self._remove(newer)
            return step
        if steps:
            raise UserError(f"{self._source}: no checkpoint there can be read; remove the folder to start again")
        return 0

    def save(self, step: int) -> None:
        """Writes ckpt-STEP, then removes all but the newest `KEEP`.

        Raises UserError if the checkpoint cannot be written; the older ones are then kept.
        """
        path = self.folder / f"ckpt-{step}"
        try:
            self._checkpoint.write(str(path))
            lines = "".join(f"{line}\n" for line in _checksums(self.folder, step))
            write_file(_record(self.folder, step), lines.encode())
        except (tf.errors.OpError, UserError) as error:
            self._remove(step)
            self._remove_unfinished()
            raise UserError(f"{path} cannot be written ({first_line(error)}): older checkpoints are intact; free "
                            "space on the disk and give the same command again") from error
        for old in _complete(self.folder)[KEEP:]:
            self._remove(old)

    def _compare_checksums(self, step: int) -> None:
        """Raises ValueError if a file is not the one that was written."""
        record = _record(self._source, step)
        if not record.exists():
            return
        written = record.read_text().splitlines()
        for line in _checksums(self._source, step):
            if line not in written:
                raise ValueError(f"the checksum of {line.split()[1]} is not the one in {record.name}")

    def _remove(self, step: int) -> None:
        # The index first: without it, what a kill leaves is no checkpoint.
        for path in sorted(self.folder.glob(f"ckpt-{step}.*"), key=lambda path: path.suffix != ".index"):
            if PARTS.fullmatch(path.name):
                path.unlink()

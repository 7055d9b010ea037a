"""Checkpoints that survive kill -9, damage on disk, and a restart."""
from __future__ import annotations

import re
import shutil
from pathlib import Path

import tensorflow as tf
from absl import logging

from data.images import DataError

KEEP = 3


class Checkpoints:
    """Numbered checkpoints ckpt-STEP of named Keras models and optimizers in `folder`.

    The files themselves are the record: TensorFlow's state file named `checkpoint` is written but never trusted,
    since a damaged one reads as "nothing here yet" and a training would silently start from zero.
    """

    def __init__(self, folder: Path, **parts):
        self.folder = folder
        self._checkpoint = tf.train.Checkpoint(**parts)
        for left_over in [*folder.glob("ckpt-*_temp"), *folder.glob("ckpt-*.tempstate*")]:
            shutil.rmtree(left_over) if left_over.is_dir() else left_over.unlink()

    def _steps(self) -> list[int]:
        """Steps saved, newest first."""
        names = (re.fullmatch(r"ckpt-(\d+)\.index", path.name) for path in self.folder.glob("ckpt-*.index"))
        return sorted((int(name[1]) for name in names if name), reverse=True)

    def restore(self) -> int:
        """Restores the newest checkpoint that can be read and returns its step; 0 where there is none.

        A damaged one is named in a warning and the one before it is used. Raises DataError if all are damaged.
        """
        steps = self._steps()
        for step in steps:
            try:
                self._checkpoint.read(str(self.folder / f"ckpt-{step}")).assert_consumed()
            except (tf.errors.OpError, ValueError, AssertionError) as error:
                logging.warning("%s/ckpt-%d is damaged (%s)", self.folder, step, str(error).splitlines()[0][:160])
                continue
            for newer in steps[:steps.index(step)]:
                self._remove(newer)
            return step
        if steps:
            raise DataError(f"{self.folder}: no checkpoint there can be read; remove the folder to start again")
        return 0

    def save(self, step: int) -> None:
        """Writes ckpt-`step`, then drops all but the newest `KEEP`."""
        self._checkpoint.write(str(self.folder / f"ckpt-{step}"))
        for old in self._steps()[KEEP:]:
            self._remove(old)

    def _remove(self, step: int) -> None:
        for path in self.folder.glob(f"ckpt-{step}.*"):
            path.unlink()

"""Comparisons that an audit has made are kept, so that one that was stopped goes on where it was."""
from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data.files import OutputFolder


class Kept:
    """Arrays in the files NAME.npz of a folder, each with what it was made from, and by which version of a measure."""

    def __init__(self, folder: Path, made_from: dict):
        self._folder, self._made_from = OutputFolder(folder, "--run"), made_from

    def __call__(self, name: str, version: int, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Of the file `name`, or, where that is missing, was made from something else or by another version, what
        `make` returns.

        UserError where the user's file has this name.
        """
        file, made_from = f"{name}.npz", json.dumps({**self._made_from, "version": version}, sort_keys=True)
        self._folder.check([file])
        if (self._folder.path / file).exists():
            with np.load(self._folder.path / file) as found:
                if str(found["made_from"]) == made_from:
                    return {part: found[part] for part in found.files if part != "made_from"}
        made, memory = make(), io.BytesIO()
        np.savez(memory, made_from=made_from, **made)
        self._folder.write(file, memory.getvalue())
        return made

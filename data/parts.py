"""Files of rows (data/pairs.py) that are made in parts: by several machines, or by one that may be stopped.

The parts of NAME.h5 lie in the folder NAME.parts, up to PART rows each, and say in their names which. A row depends on
its number only, so it does not matter who made a part, and a run that is started again makes what is missing. Whoever
asks for the whole file gets the parts joined, row by row: its bytes are those that one run writes.
"""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from absl import logging

from data.errors import UserError
from data.files import RECORD, OutputFolder
from data.pairs import PairReader, PairWriter
from data.shards import shard_rows

PART = 250  # rows: what a run that is killed has to make again at most
FIRST = 24  # rows, from which contact sheets are made
NAME = re.compile(r"rows-(\d+)-(\d+)\.h5")
Row = dict[str, np.ndarray]


class Parts:
    """The parts of the file `path` that are there: parts[i] -> {name: uint8 (H, W, C)}, row i of the whole.

    Reading raises UserError as `PairReader` does, where no part has the row, and where parts differ in their
    attributes: they were made with other settings.
    """

    def __init__(self, path: Path | str, attributes: dict | None = None):
        """attributes: what the parts have to have; None stands for those of the first part."""
        self.path = Path(path)
        self.folder = self.path.with_name(f"{self.path.stem}.parts")
        self._reader, self._rows = None, range(0)
        # As JSON gives it back, in which a tuple is a list.
        self.attributes = json.loads(json.dumps(attributes)) if attributes is not None else None
        ranges = self._ranges()
        if ranges:
            self._open(ranges[0])  # parts of other settings stop the run before it does the work

    def _ranges(self) -> list[range]:
        names = (NAME.fullmatch(path.name) for path in self.folder.glob("rows-*.h5"))
        return sorted((range(int(name[1]), int(name[2]) + 1) for name in names if name), key=lambda rows: rows[0])

    def file(self, rows: range) -> Path:
        return self.folder / f"rows-{rows[0]:08d}-{rows[-1]:08d}.h5"

    def missing(self, wanted: range) -> Iterator[range]:
        """The rows of `wanted` that no part has, up to PART at a time."""
        start = wanted.start
        for rows in [*self._ranges(), range(wanted.stop, wanted.stop + 1)]:
            while start < min(rows.start, wanted.stop):
                stop = min(rows.start, wanted.stop, (start // PART + 1) * PART)
                yield range(start, stop)
                start = stop
            start = max(start, rows.stop)

    def __getitem__(self, row: int) -> Row:
        if row not in self._rows:
            self._open(next((rows for rows in self._ranges() if row in rows), None), row)
        return self._reader[row - self._rows.start]

    def _open(self, rows: range | None, row: int = 0) -> None:
        if rows is None:
            raise UserError(f"{self.folder} has no part with row {row}: make it with --shard, or all without")
        self.close()
        self._reader, self._rows = PairReader(self.file(rows), required=()), rows
        self.attributes = self.attributes if self.attributes is not None else self._reader.attributes
        if self._reader.attributes != self.attributes:
            raise UserError(f"{self.file(rows)} was made with other settings, data or weights than are asked for now: "
                            f"remove {self.folder}")

    def close(self) -> None:
        if self._reader:
            self._reader.close()
        self._reader, self._rows = None, range(0)

    def remove(self) -> None:
        """Removes the parts, but not those that somebody copied into the folder."""
        self.close()
        folder = OutputFolder(self.folder, "--out")
        for rows in self._ranges():
            if self.file(rows).name in folder.written():
                folder.remove(self.file(rows).name)
        if [path.name for path in self.folder.glob("*")] == [RECORD]:
            (self.folder / RECORD).unlink()
            self.folder.rmdir()


def write_rows(path: Path | str, attributes: dict, count: int, make: Callable[[int], Row],
               finish: Callable[[list[Row]], None], shard: str = "") -> None:
    """Writes the file `path` of `count` rows, row i being `make(i)`; with a `shard`, "K/N", its parts of this share.

    What is there is not made again. `finish` gets the first FIRST rows when all are written, before the file appears,
    and not with a shard. Raises UserError as `PairWriter` and `Parts` do.
    """
    parts = Parts(path, attributes)
    if shard or count > PART or parts.folder.is_dir():
        for rows in parts.missing(shard_rows(shard, count)):
            with PairWriter(parts.file(rows), attributes) as writer:
                for row in rows:
                    writer.append(**make(row))
            logging.info("%s: rows %d to %d of %d", parts.folder, rows[0] + 1, rows[-1] + 1, count)
        make = parts.__getitem__
    if shard:
        return
    first = []
    with PairWriter(path, attributes) as writer:
        for row in range(count):
            arrays = make(row)
            writer.append(**arrays)
            if row < FIRST:
                first.append(arrays)
        finish(first)
    if parts.folder.is_dir():
        parts.remove()

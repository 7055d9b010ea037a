"""HDF5 files of masks and synthetic pairs, written and read one row at a time.

All arrays are uint8; masks and fovs are 0 or 255.

- synthetic.h5, rendered.h5, phantom.h5: masks (N, H, W, 1), images (N, H, W, 3) RGB, fovs (N, H, W, 1).
- synthetic-relabelled.h5 and the like: the same, and labels (N, H, W, 1), 255 times the probability of foreground. The
  U-Net is trained on the labels; whatever measures reads the masks.
- masks.h5: masks (N, H, W, 1), and raw (N, h, w, 1), the grey values before the threshold.
- single.h5: images (N, H, W, 3) RGB.
- stage2/pairs.h5, what Stage-II learns from: as synthetic.h5, but not compressed.

The attributes of the file are JSON strings and say where the rows come from. Each row is one chunk of the file, so row
100,000 is read as fast as row 0.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import h5py
import numpy as np

from data.decode import PIXEL_LIMIT
from data.errors import UserError
from data.files import OutputFolder, is_at, no_locks, write_error
from data.hdf5 import check_hdf5
from data.system import fcntl

CHANNELS = {"masks": 1, "raw": 1, "images": 3, "fovs": 1, "labels": 1}


class _Disk(io.FileIO):
    """A file for HDF5 that stores its first error in `error` and raises nothing.

    HDF5 often writes when it closes a data set, and h5py cannot raise an error there. On a full disk it would print a
    traceback for every row, and crash Python when the file is closed.
    """

    error: OSError | None = None

    def __init__(self, path: Path):
        """Opens it for reading and writing, and leaves in it what is there."""
        super().__init__(path, "w+", opener=lambda path, flags: os.open(path, flags & ~os.O_TRUNC, 0o666))

    def write(self, data) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest:
                rest = rest[super().write(rest):]
        except OSError as error:
            self.error = self.error or error
        return size

    def truncate(self, size=None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return self.tell() if size is None else size


class PairWriter:
    """Writes a file of rows; a context manager. The file appears when the context is left without an error.

    Raises UserError if the file cannot be written, if another process is writing it, if it would have no row, or if a
    file with this name exists that this project did not write.
    """

    def __init__(self, path: Path | str, attributes: dict, compressed: bool = True):
        """`attributes`: {name: value that JSON can hold}. Rows that are not compressed are read several times
        faster; they have a checksum instead."""
        self._path = Path(path)
        self._partial = self._path.with_name(f".partial-{self._path.name}")
        # As bytes they lie in a table; HDF5 would keep text of any length elsewhere, without a checksum.
        self._attributes = {name: np.bytes_(json.dumps(value, sort_keys=True)) for name, value in attributes.items()}
        self._filters = ({"compression": "gzip", "compression_opts": 4, "shuffle": True} if compressed
                         else {"fletcher32": True})
        self._count = 0

    def __enter__(self) -> PairWriter:
        self._folder = OutputFolder(self._path.parent, "--out")
        self._folder.check([self._path.name])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._disk = _Disk(self._partial)
        except OSError as error:
            raise write_error(self._path, error) from error
        self._lock()
        self._disk.truncate(0)  # not before, for another process may be writing it
        # From HDF5 1.10 on a file's tables have checksums; without, damage there can exchange or empty rows unnoticed.
        self._file = h5py.File(self._disk, "w", libver="v110")
        self._file.attrs.update(self._attributes)
        return self

    def _lock(self) -> None:
        try:
            fcntl.flock(self._disk, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = self._is_ours()
        except BlockingIOError:
            free = False
        except OSError as error:
            self._disk.close()
            raise no_locks(self._path, error) from error
        if not free:
            self._disk.close()
            raise UserError(f"{self._path}: another process is writing it; wait until that has ended")

    def _is_ours(self) -> bool:
        """False once another process has moved to its place what this one had opened."""
        return is_at(self._partial, self._disk)

    def append(self, **arrays: np.ndarray) -> None:
        """Adds a row, {name: uint8 (H, W, C)}. ValueError if its names or shapes differ from those of the first row."""
        if self._count and set(arrays) != set(self._file):
            raise ValueError(f"a row of {sorted(arrays)} after rows of {sorted(self._file)}")
        for name, array in arrays.items():
            if array.dtype != np.uint8 or array.ndim != 3:
                raise ValueError(f"{name}: {array.dtype} {array.shape}, not uint8 (H, W, C)")
            if self._count and array.shape != self._file[name].shape[1:]:
                raise ValueError(f"{name}: shape {array.shape} after rows of {self._file[name].shape[1:]}")
        for name, array in sorted(arrays.items()):  # as they are read again: a copy has the same bytes
            if not self._count:
                self._file.create_dataset(
                    name, (0, *array.shape), np.uint8, maxshape=(None, *array.shape),
                    chunks=(1, *array.shape), **self._filters)
            self._file[name].resize(self._count + 1, axis=0)
            self._file[name][self._count] = array
        self._count += 1
        self._check_disk()

    def _check_disk(self) -> None:
        if self._disk.error:
            raise write_error(self._path, self._disk.error)

    def __exit__(self, kind, error, traceback) -> None:
        try:
            self._file.close()
            if kind is None:
                self._check_disk()
                if not self._count:
                    raise UserError(f"{self._path}: not one row to write; ask for at least one")
                os.fsync(self._disk.fileno())
                if not self._is_ours():
                    raise UserError(f"{self._path}: {self._partial} was removed or replaced while it was written; "
                                    "call again, and leave it alone")
                self._folder.move_in(self._partial, self._path.name)
        except OSError as failure:
            raise write_error(self._path, failure) from failure
        finally:
            if self._is_ours():  # it was not moved
                self._partial.unlink()
            self._disk.close()


class PairReader:
    """The rows of a file: len(reader), and reader[i] -> {name: uint8 (H, W, C)}, which reads row i from disk.

    It may be used as a context manager, which closes the file. Reading a row raises UserError if it was damaged since.
    """

    def __init__(self, path: Path | str, made_by: str = "make stage2", required: tuple[str, ...] = ("masks",)):
        """Has the file read by another process, opens it and checks its structure.

        Args:
          made_by: the command that makes the file; error messages name it.
          required: names of the data sets that the caller needs. The file may hold others.
        Raises:
          UserError: the file is missing, truncated, damaged or empty; its data sets differ in length or size, are not
            uint8 (N, H, W, C), or lie outside of the file; its masks are 0 and 1.
        """
        self._path, self._required = Path(path), required
        self._remedy = f"remove it and call `{made_by}` again"
        if not self._path.is_file():
            raise UserError(f"{self._path}: no such file; call `{made_by}` first")
        check_hdf5(self._path, self._remedy)
        self._file = h5py.File(self._path, "r")
        try:
            self._count = self._check()
            self.attributes = {name: self._attribute(name, value) for name, value in self._file.attrs.items()}
        except UserError:
            self.close()
            raise
        except Exception as error:  # h5py raises KeyError, RuntimeError or OSError, depending on what is damaged
            self.close()
            raise self._bad(f"damaged ({error})") from error

    def _check(self) -> int:
        for name in self._file:
            dataset = self._file[name]
            if not isinstance(dataset, h5py.Dataset):
                raise self._bad(f"'{name}' is a group")
            if dataset.dtype != np.uint8 or dataset.ndim != 4:
                raise self._bad(f"'{name}' is {dataset.dtype} {dataset.shape}, not uint8 (N, H, W, C)")
            if dataset.shape[3] != CHANNELS.get(name, dataset.shape[3]):
                raise self._bad(f"'{name}' is {dataset.shape}, not (N, H, W, {CHANNELS[name]})")
            if dataset.shape[1] * dataset.shape[2] > PIXEL_LIMIT:
                raise self._bad(f"'{name}' claims images of {dataset.shape[2]} x {dataset.shape[1]} pixels")
        counts = {name: len(self._file[name]) for name in self._file}
        missing = [name for name in self._required if not counts.get(name)]
        if missing:
            raise self._bad(f"no {' and no '.join(missing)} in it")
        if len(set(counts.values())) != 1:
            shown = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise self._bad(f"counts differ, {shown}")
        sizes = {self._file[name].shape[1:3] for name in ("masks", "images", "fovs", "labels") if name in counts}
        if len(sizes) > 1:
            raise self._bad(f"masks and images differ in size: {sorted(sizes)}")
        # A file of masks may be the user's. Cut at half, these would be empty.
        for name in [name for name in ("masks", "fovs") if name in counts]:
            first = next((row for row in self._file[name] if row.any()), None)
            if first is not None and first.max() == 1:
                raise UserError(f"{self._path}: '{name}' are 0 and 1, and have to be 0 and 255: multiply them by 255")
        return max(counts.values(), default=0)

    def _attribute(self, name: str, value):
        try:
            return json.loads(value)
        except (TypeError, ValueError, RecursionError):  # no script of this project wrote it
            raise UserError(f"{self._path}: its attribute '{name}' is not in JSON, as all are in such a file; remove "
                            "the attribute") from None

    def _bad(self, what: str) -> UserError:
        return UserError(f"{self._path}: {what}; {self._remedy}")

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not -self._count <= index < self._count:
            raise IndexError(f"row {index} of {self._count}")
        try:
            return {name: self._file[name][index % self._count] for name in self._file}
        except OSError as error:
            raise self._bad(f"row {index} is damaged ({error})") from error

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> PairReader:
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self.close()

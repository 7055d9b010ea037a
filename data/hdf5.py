"""Whether an HDF5 file can be read: another process reads all of it first, with limits.

HDF5 believes the numbers in a file. Damaged ones make it loop for ever, ask for all memory, or crash Python, and
nothing in the same process can stop that. So every file that this project opens, whoever made it, was first read to
its end by

    python -m data.hdf5 FILE

which says "readable", or why not. It costs about 0.3 seconds, and 1 for 100 MB of images.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import h5py
import numpy as np

from data.errors import UserError
from data.system import resource

MEMORY = 3 << 30  # bytes of addresses: all of one network's weights, or a row of images
AT_ONCE = 1 << 29  # bytes that may be read at once: a row of 100 megapixels in colours has less, a layer's weights too
SECONDS = 5  # of processor time, and one more for each
BYTES_A_SECOND = 5_000_000  # of the file, of which a slow computer unpacks more
READABLE = "readable"


def check_hdf5(path: Path, remedy: str) -> None:
    """Raises UserError, which ends in the `remedy`, if the file is damaged, or has links or data outside of it."""
    status = path.stat()
    why = _verdict(path.resolve(), status.st_size, status.st_mtime_ns)
    if why != READABLE:
        raise UserError(f"{path}: not readable as HDF5, truncated or damaged ({why}); {remedy}")


@cache
def _verdict(path: Path, size: int, changed: int) -> str:
    """What the other process says of the file of this size and time."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8:backslashreplace"}
    child = subprocess.run([sys.executable, "-m", "data.hdf5", str(path)], cwd=Path(__file__).parents[1],
                           stdin=subprocess.DEVNULL, capture_output=True, env=environment)
    if child.returncode == -signal.SIGXCPU:
        return "reading it does not end"
    lines = child.stdout.decode(errors="replace").splitlines()
    return lines[-1] if child.returncode == 0 and lines else f"reading it crashes, status {child.returncode}"


def walk(path: Path) -> None:
    """Reads everything in the file: uint8, which are rows of images, row by row, and arrays of other kinds all
    together, as Keras does. Raises an error of h5py's, or ValueError, where that cannot be done."""
    arrays, visited = [], set()

    def read(item) -> None:
        address = h5py.h5o.get_info(item.id).addr
        if address in visited:
            return
        visited.add(address)
        for name in item.attrs:
            arrays.append(item.attrs[name])
        if isinstance(item, h5py.Dataset):
            arrays.extend(_pieces(item))
            return
        for name in item:
            # item[name] would open the other file that an external link names.
            if not isinstance(item.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"'{name}' is a link")
            read(item[name])

    with h5py.File(path, "r") as file:
        read(file)


def _pieces(dataset: h5py.Dataset) -> list[np.ndarray]:
    """What has to be in memory together, after the rest was read."""
    if dataset.is_virtual or dataset.external is not None:
        raise ValueError(f"'{dataset.name}' does not keep its data in this file")
    if dataset.dtype.kind == "O":
        raise ValueError(f"'{dataset.name}' holds {dataset.dtype}")
    rows = dataset.shape[0] if dataset.shape and dataset.dtype == np.uint8 else 0
    if dataset.nbytes // max(1, rows) > AT_ONCE:
        raise ValueError(f"'{dataset.name}' claims {dataset.nbytes // max(1, rows) >> 20} MiB at once")
    for row in range(rows):
        try:
            dataset[row]
        except OSError as error:
            raise ValueError(f"row {row} of '{dataset.name}' is damaged, {error}") from error
    return [] if rows else [dataset[()]]


def _limit(kind: int, most: int) -> None:
    """Where processor time is over, the signal of the lower limit says so; at the higher one comes SIGKILL."""
    try:
        resource.setrlimit(kind, (most, most + 1))
    except (OSError, ValueError):  # the system has none of this kind, as macOS of memory, or a lower one is set
        pass


def main() -> None:
    path = Path(sys.argv[1])
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CPU, int(time.process_time()) + SECONDS + path.stat().st_size // BYTES_A_SECOND)
    try:
        walk(path)
    except Exception as error:  # h5py raises KeyError, RuntimeError, OSError and more, depending on what is damaged
        print((str(error).splitlines() or [type(error).__name__])[0][:200])
    else:
        print(READABLE)


if __name__ == "__main__":
    main()

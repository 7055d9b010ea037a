"""HDF5 files that would hang, crash or fill the process that reads them are refused by one that reads them first."""
from __future__ import annotations

import resource
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from data.errors import UserError
from data.hdf5 import check_hdf5

pytestmark = pytest.mark.training
SHAPE = (4, 24, 24, 1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "Gefäße 1.h5"


def make(path, **options):
    with h5py.File(path, "w") as file:
        file.attrs["seed"] = "3"
        file.create_dataset("masks", SHAPE, np.uint8, chunks=(1, *SHAPE[1:]), compression="gzip",
                            data=np.arange(np.prod(SHAPE)).reshape(SHAPE) % 251, **options)


def refusal(path):
    with pytest.raises(UserError, match="call `make` again") as error:
        check_hdf5(path, "call `make` again")
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    return str(error.value)


def test_a_sound_file_passes_and_its_change_is_noticed(path):
    make(path)
    check_hdf5(path, "")
    check_hdf5(path, "")
    path.write_bytes(path.read_bytes()[:-100])
    assert "truncated" in refusal(path)


def test_a_row_is_named(path):
    make(path, fletcher32=True)
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        content[file["masks"].id.get_chunk_info(2).byte_offset + 9] ^= 1
    path.write_bytes(content)
    assert "row 2 of '/masks' is damaged" in refusal(path)


def test_a_group_inside_itself_is_read_once(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group["again"] = group
        file["root"] = file["/"]
    check_hdf5(path, "")


def test_a_loop_in_the_file_ends(path):
    """The list of free blocks of a heap of names, sent in a circle: h5py alone never comes back."""
    with h5py.File(path, "w", libver="earliest") as file:
        for number in range(4):
            file.create_group(f"group{number}")
    content = bytearray(path.read_bytes())
    heap = content.index(b"HEAP")
    free = int.from_bytes(content[heap + 16:heap + 24], "little")
    data = int.from_bytes(content[heap + 24:heap + 32], "little")
    content[data + free:data + free + 8] = free.to_bytes(8, "little")
    path.write_bytes(content)
    started = time.monotonic()
    assert "reading it does not end" in refusal(path)
    assert time.monotonic() - started < 60


def test_what_claims_all_memory_is_refused(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("kernel", (2 ** 20, 2 ** 20), np.float32, chunks=(64, 64))
    assert "claims" in refusal(path)
    with h5py.File(path, "w") as file:
        for number in range(20):  # each of them may be read, all of them may not
            file.create_dataset(f"kernel{number}", (2 ** 13, 2 ** 13), np.float32, chunks=(64, 64))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    refusal(path)
    assert max(before, 3 << 20) >= resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def test_objects_in_place_of_numbers_are_refused(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("names", (3,), h5py.string_dtype())
    assert "object" in refusal(path)


def test_the_process_that_reads_does_not_import_tensorflow():
    script = "import data.hdf5, sys; print(sum(name.startswith('tensorflow') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "0\n"

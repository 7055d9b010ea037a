"""A store of pairs: rows come back, and whatever stops its writer leaves nothing half-written."""
from __future__ import annotations

import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from data.errors import UserError
from data.files import RECORD
from data.pairs import PairReader, PairWriter, _Disk
from tests.data.examples import row


def test_rows_and_attributes_come_back(store):
    with PairReader(store) as reader:
        assert len(reader) == 5
        for number, found in enumerate(reader):
            assert found.keys() == row(number).keys()
            assert all(np.array_equal(found[name], row(number)[name]) for name in found)
        assert np.array_equal(reader[-1]["images"], row(4)["images"])
        assert reader.attributes == {"seed": 3, "pairs": "drive:Bilder für Ärzte"}


def test_layout_that_others_read(store):
    with h5py.File(store) as file:
        assert file["masks"].shape == (5, 16, 24, 1) and file["images"].shape == (5, 16, 24, 3)
        assert file["images"].dtype == np.uint8
        assert file["images"].chunks == (1, 16, 24, 3)
        assert (file["images"].compression, file["images"].compression_opts) == ("gzip", 4)
        assert json.loads(file.attrs["seed"]) == 3


def test_an_exception_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), PairWriter(tmp_path / "s.h5", {}) as writer:
        writer.append(**row(0))
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_an_exception_leaves_the_older_store(store):
    before = store.read_bytes()
    with pytest.raises(KeyError), PairWriter(store, {}) as writer:
        writer.append(**row(9))
        raise KeyError
    assert store.read_bytes() == before
    assert sorted(os.listdir(store.parent)) == [RECORD, store.name]


def test_a_store_of_the_user_is_not_replaced(tmp_path):
    path = tmp_path / "masks.h5"
    path.write_bytes(b"mine")
    with pytest.raises(UserError, match="masks.h5 is there already and was not made by this command"), \
            PairWriter(path, {}) as writer:
        writer.append(**row(0))
    assert path.read_bytes() == b"mine" and os.listdir(tmp_path) == ["masks.h5"]


def test_a_store_that_the_user_puts_there_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "masks.h5"
    with pytest.raises(UserError, match="masks.h5 is there already"), PairWriter(path, {}) as writer:
        writer.append(**row(0))
        path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine" and os.listdir(tmp_path) == ["masks.h5"]


def test_a_store_of_the_project_is_replaced_unless_it_was_changed(store):
    with PairWriter(store, {}) as writer:
        writer.append(**row(7))
    with PairReader(store) as reader:
        assert len(reader) == 1
    with h5py.File(store, "a") as file:
        file.attrs["note"] = json.dumps("the user's")
    changed = store.read_bytes()
    with pytest.raises(UserError, match="synthetic.h5 has been changed since it was made"), PairWriter(store, {}):
        pass
    assert store.read_bytes() == changed


def test_nothing_under_the_name_while_it_is_written(tmp_path):
    with PairWriter(tmp_path / "new" / "s.h5", {}) as writer:
        writer.append(**row(0))
        assert not (tmp_path / "new" / "s.h5").exists()
    assert len(PairReader(tmp_path / "new" / "s.h5")) == 1


@pytest.mark.training
def test_kill_leaves_no_store_and_the_next_run_cleans_up(tmp_path):
    script = """
import os, signal, sys
import numpy as np
from data.pairs import PairWriter
with PairWriter(sys.argv[1], {}) as writer:
    for _ in range(3):
        writer.append(masks=np.zeros((8, 8, 1), np.uint8))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "s.h5"
    subprocess.run([sys.executable, "-c", script, str(path)])
    assert not path.exists()
    with PairWriter(path, {}) as writer:
        writer.append(**row(0))
    assert sorted(os.listdir(tmp_path)) == [RECORD, "s.h5"]


def test_two_writers_of_a_store_are_not_mixed(tmp_path):
    path = tmp_path / "s.h5"
    with PairWriter(path, {}) as first:
        first.append(**row(0))
        with pytest.raises(UserError, match="s.h5: another process is writing it"), PairWriter(path, {}):
            pass
        first.append(**row(1))
    with PairReader(path) as reader:
        assert all(np.array_equal(reader[number]["masks"], row(number)["masks"]) for number in (0, 1))
    assert not list(tmp_path.glob(".partial*"))


def test_a_writer_that_opened_what_another_one_finished_leaves_it_alone(store, monkeypatch):
    """It opens the hidden file while the other one still writes it, and gets the lock after that was moved."""
    partial = store.with_name(f".partial-{store.name}")
    opened = _Disk.__init__

    def late(disk, path):
        os.link(store, path)
        opened(disk, path)
        partial.unlink()

    monkeypatch.setattr(_Disk, "__init__", late)
    before = store.read_bytes()
    with pytest.raises(UserError, match="another process"), PairWriter(store, {}):
        pass
    assert store.read_bytes() == before


def test_what_another_one_has_put_in_its_place_is_not_taken_for_its_own(tmp_path):
    path, partial = tmp_path / "s.h5", tmp_path / ".partial-s.h5"
    with pytest.raises(UserError, match="s.h5: .*partial-s.h5 was removed or replaced"), PairWriter(path, {}) as writer:
        writer.append(**row(0))
        partial.unlink()
        partial.write_bytes(b"half of another's")
    assert not path.exists() and partial.read_bytes() == b"half of another's"


@pytest.mark.training
def test_full_disk_stops_with_one_line(tmp_path):
    script = """
import resource, sys
import numpy as np
from data.errors import UserError
from data.pairs import PairWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
rng = np.random.default_rng(0)
rows = 0
try:
    with PairWriter(sys.argv[1], {}) as writer:
        while rows < 100:
            writer.append(masks=rng.integers(0, 256, (64, 64, 1), dtype=np.uint8))
            rows += 1
except UserError as error:
    print(f"{error} after {rows} rows")
"""
    path = tmp_path / "s.h5"
    shown = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert shown.returncode == 0 and shown.stderr == ""  # HDF5 alone would crash here
    assert shown.stdout.startswith(f"{path}: cannot be written (File too large)")
    assert int(shown.stdout.split()[-2]) < 30
    assert os.listdir(tmp_path) == []


@pytest.mark.training
def test_full_disk_for_the_last_bytes(tmp_path):
    """The tables that HDF5 writes on closing need room too."""
    script = """
import resource, sys
import numpy as np
from data.pairs import PairWriter
with PairWriter(sys.argv[1], {}) as writer:
    writer.append(masks=np.zeros((8, 8, 1), np.uint8))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
"""
    shown = subprocess.run([sys.executable, "-c", script, str(tmp_path / "s.h5")], capture_output=True, text=True)
    assert shown.returncode == 1 and "UserError" in shown.stderr
    assert os.listdir(tmp_path) == []


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"), PairWriter(tmp_path / "file" / "s.h5", {}):
        pass


def test_no_rows(tmp_path):
    with pytest.raises(UserError, match="not one row"), PairWriter(tmp_path / "s.h5", {}):
        pass
    assert os.listdir(tmp_path) == []


def test_rows_of_another_shape_or_kind(tmp_path):
    with PairWriter(tmp_path / "s.h5", {}) as writer:
        writer.append(**row(0))
        with pytest.raises(ValueError, match="rows of"):
            writer.append(masks=row(1)["masks"])
        with pytest.raises(ValueError, match="shape"):
            writer.append(**{name: array[:8] for name, array in row(1).items()})
        with pytest.raises(ValueError, match="uint8"):
            writer.append(**{name: array / 255 for name, array in row(1).items()})
        writer.append(**row(1))
    with PairReader(tmp_path / "s.h5") as reader:
        assert [len(reader), reader[1]["masks"].tolist()] == [2, row(1)["masks"].tolist()]

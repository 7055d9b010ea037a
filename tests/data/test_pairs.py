import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from data.errors import UserError
from data.files import RECORD
from data.pairs import PairReader, PairWriter


def row(number):
    rng = np.random.default_rng(number)
    return {"masks": rng.integers(0, 2, (16, 24, 1), dtype=np.uint8) * np.uint8(255),
            "images": rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)}


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "synthetic.h5"
    with PairWriter(path, {"seed": 3, "pairs": "drive:Bilder für Ärzte"}) as writer:
        for number in range(5):
            writer.append(**row(number))
    return path


def refusal(path):
    with pytest.raises(UserError) as error:
        PairReader(path)
    line = str(error.value)
    assert str(path) in line and "make stage2" in line and "\n" not in line
    return line


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


def test_absent(tmp_path):
    assert "no such file" in refusal(tmp_path / "s.h5")
    with pytest.raises(UserError, match="make stage1"):
        PairReader(tmp_path / "masks.h5", made_by="make stage1")


@pytest.mark.parametrize("kept", [0, 0.01, 0.5, 0.99])
def test_truncated(store, kept):
    whole = store.read_bytes()
    store.write_bytes(whole[:int(kept * len(whole))])
    refusal(store)


def test_flipped_bit_in_a_row(store):
    whole = bytearray(store.read_bytes())
    with h5py.File(store) as file:
        chunk = file["images"].id.get_chunk_info(2)
    whole[chunk.byte_offset + chunk.size // 2] ^= 8
    store.write_bytes(whole)
    assert "row 2 of '/images' is damaged" in refusal(store)


@pytest.mark.training
def test_damaged_tables_of_rows_are_noticed(store):
    """Without checksums, HDF5 takes a row whose entry is gone for an empty one."""
    whole = store.read_bytes()
    with h5py.File(store) as file:
        chunks = [file[name].id.get_chunk_info(number) for name in file for number in range(5)]
    data = {place for chunk in chunks for place in range(chunk.byte_offset, chunk.byte_offset + chunk.size)}
    tables = [place for place in range(64, len(whole) - 8) if not data & {*range(place, place + 8)}]
    for place in tables[::len(tables) // 25]:
        store.write_bytes(whole[:place] + b"\xff" * 8 + whole[place + 8:])
        try:
            with PairReader(store) as reader:
                found = [reader[number] for number in range(5)]
        except UserError:
            continue
        assert reader.attributes == {"seed": 3, "pairs": "drive:Bilder für Ärzte"}
        assert all(np.array_equal(found[number][name], array) for number in range(5)
                   for name, array in row(number).items())


def test_a_damaged_attribute_is_noticed(store):
    store.write_bytes(store.read_bytes().replace(b"drive:", b"drivf:"))
    assert "checksum" in refusal(store)


def test_a_row_that_is_damaged_while_the_file_is_open(store):
    with h5py.File(store) as file:
        chunk = file["images"].id.get_chunk_info(2)
    with PairReader(store) as reader:
        with open(store, "r+b") as file:
            file.seek(chunk.byte_offset + chunk.size // 2)
            file.write(bytes(chunk.size // 4))
        assert np.array_equal(reader[1]["images"], row(1)["images"])
        with pytest.raises(UserError, match="row 2 is damaged"):
            reader[2]


def test_counts_differ(store):
    with h5py.File(store, "a") as file:
        file["masks"].resize(4, axis=0)
    line = refusal(store)
    assert "4 masks" in line and "5 images" in line


def test_no_pairs_inside(store):
    with h5py.File(store, "a") as file:
        file["masks"].resize(0, axis=0)
        file["images"].resize(0, axis=0)
    assert "no masks" in refusal(store)


def test_what_is_required_is_the_callers(tmp_path):
    """single.h5 has photographs only; as a source of pairs it is refused, and it is checked as every store is."""
    path = tmp_path / "single.h5"
    with PairWriter(path, {"seed": 1}) as writer:
        for number in range(2):
            writer.append(images=row(number)["images"])
    with PairReader(path, required=("images",)) as reader:
        assert len(reader) == 2 and reader[1].keys() == {"images"}
        assert np.array_equal(reader[1]["images"], row(1)["images"])
    assert "no masks in it" in refusal(path)
    with pytest.raises(UserError, match="no masks and no fovs in it"):
        PairReader(path, required=("masks", "images", "fovs"))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UserError, match="call `make evidence` again"):
        PairReader(path, made_by="make evidence", required=("images",))


def test_other_kinds_of_data(store):
    for data in (np.zeros((5, 16, 24, 1)), np.zeros((5, 16, 24), np.uint8)):
        with h5py.File(store, "a") as file:
            del file["masks"]
            file["masks"] = data
        assert "not uint8 (N, H, W, C)" in refusal(store)
    with h5py.File(store, "a") as file:
        del file["masks"]
        file["masks"] = np.zeros((5, 8, 8, 1), np.uint8)
    assert "differ in size" in refusal(store)
    with h5py.File(store, "a") as file:
        del file["masks"]
        file.create_group("masks")
    refusal(store)


def test_one_row_that_claims_all_memory(tmp_path):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file.create_dataset("masks", (1, 10**6, 10**6, 1), np.uint8, chunks=(1, 64, 64, 1))
    assert "claims" in refusal(tmp_path / "s.h5")


def test_data_outside_the_file_is_refused(store, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(64)))
    shape = (1, 8, 8, 1)
    source = tmp_path / "source.h5"
    with h5py.File(source, "w") as file:
        file["masks"] = np.zeros(shape, np.uint8)
    layout = h5py.VirtualLayout(shape, np.uint8)
    layout[:] = h5py.VirtualSource(str(source), "masks", shape)
    for make in (lambda file: file.__setitem__("masks", h5py.ExternalLink(str(source), "masks")),
                 lambda file: file.__setitem__("masks", h5py.SoftLink("/elsewhere")),
                 lambda file: file.create_virtual_dataset("masks", layout),
                 lambda file: file.create_dataset("masks", shape, np.uint8, external=[(str(secret), 0, 64)])):
        with h5py.File(tmp_path / "s.h5", "w") as file:
            make(file)
        line = refusal(tmp_path / "s.h5")
        assert "is a link" in line or "does not keep its data in this file" in line

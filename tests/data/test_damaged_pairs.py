"""A store of pairs that is damaged, incomplete or not ours is refused."""
from __future__ import annotations

import h5py
import numpy as np
import pytest

from data.errors import UserError
from data.pairs import PairReader, PairWriter
from tests.data import examples
from tests.data.examples import row


def refusal(path):
    line = examples.refusal(PairReader, path)
    assert "make stage2" in line
    return line


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


@pytest.mark.parametrize("name, channels, right", [("masks", 3, 1), ("images", 1, 3), ("fovs", 2, 1)])
def test_other_channels_than_a_store_has(store, name, channels, right):
    """Of masks in RGB only red would count, and grey photographs end in a traceback of OpenCV."""
    with h5py.File(store, "a") as file:
        file.pop(name, None)
        file[name] = np.full((5, 16, 24, channels), 255, np.uint8)
    assert f"'{name}' is (5, 16, 24, {channels}), not (N, H, W, {right})" in refusal(store)


@pytest.mark.parametrize("value", ["drawn by me", 3, [1.5, 2]])
def test_an_attribute_of_the_users_is_no_damage_and_their_file_need_not_go(store, value):
    with h5py.File(store, "a") as file:
        file.attrs["author"] = value
    line = examples.refusal(PairReader, store)
    assert line.endswith("its attribute 'author' is not in JSON, as all are in such a file; remove the attribute")


@pytest.mark.parametrize("name", ["masks", "fovs"])
def test_masks_of_0_and_1_are_not_taken_for_empty_ones(store, name):
    """Stage-II renders any masks that lie in such a file. The first may show nothing."""
    with h5py.File(store, "a") as file:
        file.pop(name, None)
        file[name] = np.ones((5, 16, 24, 1), np.uint8)
        file[name][0] = 0
    line = examples.refusal(PairReader, store)
    assert f"'{name}' are 0 and 1, and have to be 0 and 255: multiply them by 255" in line and "remove" not in line
    with h5py.File(store, "a") as file:
        file[name][...] = file[name][...] * 255
    assert len(PairReader(store)) == 5


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

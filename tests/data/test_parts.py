"""Files that are made in parts: by several machines, and by one that was stopped."""
from __future__ import annotations

import numpy as np
import pytest

from data import parts
from data.errors import UserError
from data.pairs import PairReader, PairWriter
from data.parts import Parts, write_rows
from data.shards import shard_rows

COUNT = 11


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(parts, "PART", 3)


def row(number):
    random = np.random.default_rng(number)
    return {name: random.integers(256, size=(8, 8, channels), dtype=np.uint8)
            for name, channels in (("masks", 1), ("images", 3))}


def write(path, shard="", make=row, seed=1):
    path.parent.mkdir(exist_ok=True)
    shown = []
    write_rows(path, {"seed": seed, "odd": (1, 2)}, COUNT, make, shown.extend, shard)
    return shown


@pytest.fixture
def alone(tmp_path):
    """The bytes of the file that one run writes."""
    write(tmp_path / "alone" / "pairs.h5")
    return (tmp_path / "alone" / "pairs.h5").read_bytes()


@pytest.mark.parametrize("count, of", [(10, 3), (2, 5), (10_000, 16), (7, 7)])
def test_the_shares_are_all_rows_once_in_order(count, of):
    shares = [shard_rows(f"{number}/{of}", count) for number in range(1, of + 1)]
    assert [number for share in shares for number in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("shard", ["0/3", "4/3", "3", "a/b", "1/0", "-1/2", "1/2 "])
def test_what_is_no_share_is_refused(shard):
    with pytest.raises(UserError, match=f"--shard={shard} is no share"):
        shard_rows(shard, 10)


def test_shares_of_any_number_in_any_order_join_to_the_bytes_of_one_run(tmp_path, alone):
    path = tmp_path / "pairs.h5"
    for shard in ("4/4", "1/4", "2/3"):  # 1/4 and 2/3 overlap, and a row between the two last ones is missing
        write(path, shard)
        assert not path.exists()
    asked = []
    shown = write(path, make=lambda number: asked.append(number) or row(number))
    assert path.read_bytes() == alone
    assert asked and not {*asked} & {*shard_rows("4/4", COUNT), *shard_rows("1/4", COUNT), *shard_rows("2/3", COUNT)}
    assert [pair["images"].tolist() for pair in shown] == [row(number)["images"].tolist() for number in range(COUNT)]
    assert not (tmp_path / "pairs.parts").exists()


def test_a_few_rows_have_no_parts_and_the_same_bytes(tmp_path, alone, monkeypatch):
    monkeypatch.setattr(parts, "PART", COUNT)
    asked = []
    write(tmp_path / "pairs.h5", make=lambda number: asked.append((tmp_path / "pairs.parts").exists()) or row(number))
    assert (tmp_path / "pairs.h5").read_bytes() == alone and not any(asked)


def test_what_was_made_before_a_run_was_stopped_is_not_made_again(tmp_path, alone):
    asked = []

    def make(number):
        asked.append(number)
        if number == 7 and asked.count(7) == 1:
            raise KeyboardInterrupt
        return row(number)

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "pairs.h5", make=make)
    write(tmp_path / "pairs.h5", make=make)
    assert asked == [*range(8), 6, *range(7, COUNT)]
    assert (tmp_path / "pairs.h5").read_bytes() == alone


def test_parts_of_other_settings_are_refused_before_anything_is_made(tmp_path):
    write(tmp_path / "pairs.h5", "1/2")
    with pytest.raises(UserError, match="rows-00000000-00000002.h5 was made with other settings.*remove .*pairs.parts"):
        write(tmp_path / "pairs.h5", make=lambda number: pytest.fail("made"), seed=2)


def test_a_damaged_part_is_named(tmp_path):
    write(tmp_path / "pairs.h5", "1/2")
    part = tmp_path / "pairs.parts" / "rows-00000003-00000004.h5"
    part.write_bytes(part.read_bytes()[:-600])
    with pytest.raises(UserError, match="rows-00000003-00000004.h5"):
        write(tmp_path / "pairs.h5")
    assert not (tmp_path / "pairs.h5").exists()


def test_parts_of_another_machine_are_joined_and_kept(tmp_path, alone):
    write(tmp_path / "there" / "pairs.h5", "1/2")
    (tmp_path / "pairs.parts").mkdir()
    for copied in (tmp_path / "there" / "pairs.parts").glob("*.h5"):
        (tmp_path / "pairs.parts" / copied.name).write_bytes(copied.read_bytes())
    write(tmp_path / "pairs.h5")
    assert (tmp_path / "pairs.h5").read_bytes() == alone
    assert [path.name for path in sorted((tmp_path / "pairs.parts").glob("*.h5"))] == [
        "rows-00000000-00000002.h5", "rows-00000003-00000004.h5"]


def test_a_row_that_no_part_has_is_named(tmp_path):
    write(tmp_path / "pairs.h5", "1/2")
    there = Parts(tmp_path / "pairs.h5")
    assert np.array_equal(there[4]["masks"], row(4)["masks"]) and there.attributes == {"seed": 1, "odd": [1, 2]}
    with pytest.raises(UserError, match="no part with row 9"):
        there[9]


def test_a_file_of_the_user_among_the_parts_is_not_replaced(tmp_path):
    (tmp_path / "pairs.parts").mkdir()
    with PairWriter(tmp_path / "other.h5", {"mine": 1}) as writer:
        writer.append(**row(0))
    mine = tmp_path / "pairs.parts" / "rows-00000000-00000002.h5"
    mine.write_bytes((tmp_path / "other.h5").read_bytes())
    with pytest.raises(UserError, match="was made with other settings"):
        write(tmp_path / "pairs.h5")
    assert PairReader(mine).attributes == {"mine": 1}

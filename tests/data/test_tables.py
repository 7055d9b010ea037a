"""The layout csv: a table of files."""
from __future__ import annotations

import numpy as np
import pytest

from data.check import check_pairs
from data.errors import UserError
from data.images import write_image
from data.layouts import modality_of, samples, training


@pytest.fixture
def table(tmp_path):
    """Writes a table of text beside the files photos/NAME.png, vessels/NAME.png and round/NAME.png, NAME of a to f."""
    image = np.random.default_rng(0).integers(60, 200, (48, 64, 3), dtype=np.uint8)
    mask = np.where(np.arange(64) < 6, np.uint8(255), np.uint8(0))[None].repeat(48, axis=0)
    for name in "abcdef":
        for folder, picture in (("photos", image), ("vessels", mask), ("round", np.full_like(mask, 255))):
            write_image(tmp_path / folder / f"{name}.png", picture)

    def write(text, encoding="utf-8"):
        (tmp_path / "table.csv").write_bytes(text.encode(encoding))
        return f"csv:{tmp_path / 'table.csv'}"

    return write


def rows(columns, *lines):
    return "\n".join([columns, *lines]) + "\n"


def pairs(names, ending="", head="image,mask"):
    return rows(head, *(f"photos/{name}.png,vessels/{name}.png{ending}" for name in names))


def stems(spec, split, **options):
    return "".join(sample.stem for sample in samples(spec, split, **options))


def test_without_a_split_every_fifth_patient_tests(table):
    spec = table(pairs("abcdef"))
    assert (stems(spec, "train"), stems(spec, "test")) == ("abcdf", "e")
    check_pairs(samples(spec))
    spec = table(rows("patient,image,mask", *(f"{patient},photos/{name}.png,vessels/{name}.png"
                                              for patient, name in zip("112345", "abcdef"))))
    assert (stems(spec, "train"), stems(spec, "test")) == ("abcde", "f")
    assert [sample.patient for sample in samples(spec)] == list("112345")
    assert [sample.stem for sample in training(spec, 3)[1]] == list("cde")
    assert [stems(f"fold-{k}-of-5:{spec}", "test") for k in range(1, 6)] == ["ab", "c", "d", "e", "f"]


def test_all_columns(table):
    spec = table(rows("patient, FOV ,split,image,mask,age", "1,round/a.png,training,photos/a.png,vessels/b.png,9",
                      "2,round/b.png,Test,photos/b.png,vessels/a.png,8"))
    train, = samples(spec, "train")
    assert (train.patient, train.fov.parent.name, train.image.name, train.mask.name) == ("1", "round", "a.png", "b.png")
    assert stems(spec, "test") == "b" and modality_of(spec) == "fundus" == train.modality
    assert modality_of(table(pairs("ab")), "cells") == "cells" and modality_of("csv:nowhere") == "other"


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_tables_of_spreadsheets(table, separator):
    """With a mark at the beginning, other separators, quotes, ends of lines of Windows and empty lines."""
    text = "\ufeff" + pairs("abcde").replace(",", separator).replace("photos/b.png", '"photos/b.png"')
    assert stems(table(text.replace("\n", "\r\n") + "\r\n"), "train") == "abcd"


def test_empty_cells_at_the_end_of_a_line_and_separators_in_quotes_are_no_surplus(table):
    spec = table(rows("image,mask,patient", 'photos/a.png,vessels/a.png,"Doe, John"', "photos/b.png,vessels/b.png,, ,",
                      "photos/c.png,vessels/c.png"))
    assert [sample.patient for sample in samples(spec, "train")] == ["Doe, John", "b", "c"]


def test_photographs_need_no_masks(table):
    spec = table(rows("image", "photos/a.png", "photos/b.png"))
    assert stems(spec, "all", masks=False) == "ab"
    with pytest.raises(UserError, match="nothing in the column mask; .*this one image$"):
        samples(spec, "train")
    assert {sample.mask for sample in samples(table(pairs("ab")), "all", masks=False)} == {None}


def test_the_same_name_in_several_folders(table):
    spec = table(rows("image", "photos/a.png", "vessels/a.png", "photos/b.png"))
    assert [sample.stem for sample in samples(spec, masks=False)] == ["photos_a", "photos_b", "vessels_a"]


def test_masks_are_compared_over_the_whole_table_wherever_they_lie(table, tmp_path, warnings):
    """A folder for each patient, of whom one has no lesion."""
    def drawn(levels):
        for name, level in zip("abc", levels):
            column = np.where(np.arange(64) < 6, np.uint8(level), np.uint8(0))
            write_image(tmp_path / name / "mask.png", column[None].repeat(48, axis=0))
        return samples(table(rows("image,mask", *(f"photos/{name}.png,{name}/mask.png" for name in "abc"))), "train")

    check_pairs(drawn([255, 0, 255]))
    assert warnings == ["masks all background, 1 of 3: b"]
    with pytest.raises(UserError, match="table.csv: each of 3 masks is all background"):
        check_pairs(drawn([0, 0, 0]))
    with pytest.raises(UserError, match=r"table.csv: the masks have 3 levels .*/a/mask.png has 0 and 255"):
        check_pairs(drawn([255, 1, 255]))


@pytest.mark.parametrize("text, line", [
    ("", "nothing in the column image.*no rows"), (rows("image,mask"), "no rows"),
    (rows("picture,mask", "photos/a.png,vessels/a.png"), "column image.*this one picture, mask"),
    (pairs("ab") + "photos/c.png,\n,vessels/d.png\n", "no image or no mask in line 4, 5"),
    (pairs("ab") + "photos/g.png,vessels/a.png\n", "line 4 names photos/g.png, and there is no file"),
    (pairs("ab", ",val", "image,mask,split"), "split in line 2, 3 is not train or test"),
    (rows("image,mask,split", "photos/a.png,vessels/a.png,train", "photos/b.png,vessels/b.png,"), "no split in line 3"),
    (pairs("ab", ",Doe, John", "image,mask,patient"), "more cells than columns in line 2, 3; .*quotes"),
    (pairs("ab").replace("photos/b", '"photos/b'), "cannot be read as a table")])
def test_what_is_wrong_with_a_table_is_one_line(table, text, line):
    with pytest.raises(UserError, match=line) as error:
        samples(table(text), "train")
    assert "table.csv" in str(error.value) and "\n" not in str(error.value)


def test_other_encodings_and_folders(table, tmp_path):
    with pytest.raises(UserError, match="save it as CSV in UTF-8"):
        samples(table(rows("image", "photos/ä.png"), "latin-1"), masks=False)
    with pytest.raises(UserError, match="no file .*absent.csv"):
        samples(f"csv:{tmp_path}/absent.csv")
    with pytest.raises(UserError, match="cannot be read as a table"):
        samples(f"csv:{tmp_path}", masks=False)


@pytest.mark.parametrize("name", ["9" * 5000 + ".png", "~nobody-of-this-name/a.png", "a" + chr(0) + ".png"],
                         ids=["too long", "unknown user", "zero byte"])
def test_names_that_no_file_can_have(table, name):
    """They end in one line, which is not as long as the name."""
    with pytest.raises(UserError, match="line 2 names .*as seen from the table's folder") as error:
        samples(table(rows("image,mask", f"{name},vessels/a.png")), "train")
    assert len(str(error.value)) < 2100

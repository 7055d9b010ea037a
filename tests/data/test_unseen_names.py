"""Names and tables of the kinds that users have, which no other test has."""
from __future__ import annotations

import logging
import unicodedata
from itertools import product

import numpy as np
import pytest

from data import check as checking
from data import finding
from data.errors import UserError
from data.files import OutputFolder
from data.images import write_image
from data.layouts import samples
from data.members import find_sides


@pytest.fixture
def said(caplog):
    finding.say.cache_clear()
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def write(tmp_path):
    """write(image, mask): six pairs with these names, "{}" being their number."""
    def make(image, mask):
        mask_pixels = np.zeros((40, 40), np.uint8)
        mask_pixels[5] = 255
        for number in range(1, 7):
            picture = np.random.default_rng(number).integers(60, 200, (40, 40, 3), dtype=np.uint8)
            write_image(tmp_path / "images" / f"{image.format(number)}.png", picture)
            write_image(tmp_path / "masks" / f"{mask.format(number)}.png", mask_pixels)
        return tmp_path

    return make


@pytest.mark.parametrize("image, mask, rule", [
    ("{}", "mask_{}", "but for its beginning 'mask_': mask_1 for 1"), ("a{}", "GT-a{}", "beginning 'GT-'"),
    ("image_{}", "mask_{}", "but for its beginning 'mask_', but for the image's 'image_'"),
    ("{}.jpg", "{}.jpg.jpg", "ending '.jpg'")])
def test_beginnings_that_all_masks_share(write, said, image, mask, rule):
    found = samples(f"folder:{write(image, mask)}")
    assert [(sample.image.stem, sample.mask.stem) for sample in found] == [
        (image.format(number), mask.format(number)) for number in range(1, 7)]
    assert any(rule in line for line in said.messages)


@pytest.mark.parametrize("image, mask", [("img{}", "img{}1"), ("{}", "1{}")])
def test_no_rule_cuts_a_number_in_two(write, image, mask):
    with pytest.raises(UserError, match="image without mask: .*; mask without image: "):
        samples(f"folder:{write(image, mask)}")


def test_links_to_nothing_are_counted(write, said):
    root = write("{}", "{}")
    (root / "images" / "7.png").symlink_to("gone.png")
    assert len(samples(f"folder:{root}")) == 6
    assert any("1 left out" in line and "as links to nothing: 7.png" in line for line in said.messages)


@pytest.mark.parametrize("name", ["eye\n1.png", "eye\r1.png", "eye\\n1.png", "a\u2028b.png", "\\.png", "a\x85.png",
                                  unicodedata.normalize("NFD", "Äuge.png"), "\udce4.png"])
def test_any_name_of_a_result_is_known_again(tmp_path, name):
    for content in (b"first", b"second"):
        OutputFolder(tmp_path, "--out").write(name, content)
    assert OutputFolder(tmp_path, "--out").written().keys() == {name}
    OutputFolder(tmp_path, "--out").remove(name)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(UserError, match="has been changed"):
        OutputFolder(tmp_path, "--out").check([name])


@pytest.fixture
def table(write):
    root = write("{}", "{}")

    def make(text):
        (root / "table.csv").write_text(text, newline="")
        return f"csv:{root / 'table.csv'}"

    return make


LINES = [f"images/{number}.png,masks/{number}.png" for number in range(1, 7)]


@pytest.mark.parametrize("text", ["\n \nimage,mask\n" + "\n".join(LINES), "image,mask\n" + "\n,\n".join(LINES),
                                  "sep=;\r\nimage;mask\r\n" + "\r\n".join(LINES).replace(",", ";") + "\r\n;\r\n"])
def test_what_spreadsheets_put_around_a_table(table, text):
    assert [sample.stem for sample in samples(table(text))] == list("123456")


@pytest.mark.parametrize("text, line", [
    (["image,mask", *LINES, LINES[0]], "lines 2 and 8 name the same image, .*1.png; remove one of them"),
    (["", "image,mask", *LINES, "./images/../images/3.png,masks/1.png"], "lines 5 and 9 name the same image"),
    (["image,mask,Mask ", *(line + ",x" for line in LINES)], "two columns are called mask"),
    (["", "image,mask", *LINES, "images/7.png,masks/1.png"], "line 9 names images/7.png"),
    (["image,mask", *(line.replace("/", "\\") for line in LINES)], "with / between folders")])
def test_what_would_be_misread_is_refused(table, text, line):
    with pytest.raises(UserError, match=line):
        samples(table("\n".join(text)))


def test_one_mask_for_two_images_is_said(table, said):
    samples(table("\n".join(["image,mask", *LINES[:5], "images/6.png,masks/1.png"])))
    assert any("lines 2 and 7 name the same mask" in line for line in said.messages)


def test_a_patient_on_both_sides_of_the_split_is_named(table, monkeypatch):
    lines = []
    monkeypatch.setattr(checking.logging, "warning", lambda text, *values: lines.append(text % values))
    split = [f"{line},{'train' if number < 4 else 'test'},{number % 3}" for number, line in enumerate(LINES)]
    checking.main(table("\n".join(["image,mask,split,patient", *split])), "", "other")
    [line] = [line for line in lines if line.startswith("patients with training and with test images")]
    assert line.endswith(": 1, 2")


def test_images_that_are_numbered_alike_in_both_parts_are_of_two_people(tmp_path, monkeypatch):
    """A folder names no patients, so nobody is said to be on both sides."""
    lines = []
    monkeypatch.setattr(checking.logging, "warning", lambda text, *values: lines.append(text % values))
    for seed, (part, number) in enumerate(product(("train", "test"), (1, 2, 3))):
        picture = np.random.default_rng(seed).integers(60, 200, (40, 40, 3), dtype=np.uint8)
        write_image(tmp_path / part / "images" / f"{number}.png", picture)
        mask = np.where(picture[..., 0] > 180, np.uint8(255), np.uint8(0))
        write_image(tmp_path / part / "masks" / f"{number}.png", mask)
    checking.main(f"folder:{tmp_path}", "", "other")
    assert lines == []
    training, held_out = find_sides(f"folder:{tmp_path}", 1, "other", ())
    assert [sample.stem for sample in training + held_out] == [*"12", *"3", *"123"]
    assert len({sample.patient for sample in training + held_out}) == 6


def test_drive_whose_folder_of_test_masks_holds_no_mask(tmp_path):
    """A Mac leaves a file of its own there."""
    picture = np.random.default_rng(0).integers(60, 200, (40, 40, 3), dtype=np.uint8)
    for number in range(21, 27):
        write_image(tmp_path / "training/images" / f"{number}_training.tif", picture)
        write_image(tmp_path / "training/1st_manual" / f"{number}_manual1.gif", picture[..., 0])
    (tmp_path / "test/1st_manual").mkdir(parents=True)
    (tmp_path / "test/1st_manual/.DS_Store").write_bytes(b"x")
    assert [sample.stem for sample in samples(f"drive:{tmp_path}", "test")] == ["25"]


def test_the_rule_of_splits_is_told_of_layouts_that_have_it(write, tmp_path):
    root = write("{}", "{}")
    for number in range(3, 7):
        (root / "images" / f"{number}.png").unlink()
        (root / "masks" / f"{number}.png").unlink()
    with pytest.raises(UserError, match="no test samples.*so that 5 are needed.*`make folds`"):
        samples(f"folder:{root}", "test")
    for eye in ("01L", "01R"):
        write_image(tmp_path / "chase" / f"Image_{eye}.jpg", np.zeros((40, 40, 3), np.uint8))
        write_image(tmp_path / "chase" / f"Image_{eye}_1stHO.png", np.zeros((40, 40), np.uint8))
    with pytest.raises(UserError, match="no test samples.*on disk. `make folds`"):
        samples(f"chase_db1:{tmp_path / 'chase'}", "test")

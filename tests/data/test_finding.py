"""Files that are named or lie as users have them are found, and what was understood is said."""
from __future__ import annotations

import os

import numpy as np
import pytest

from data.check import check
from data.errors import UserError, listed
from data.finding import say
from data.fundus import load_views
from data.images import read_image, write_image
from data.layouts import modality_of, photographs, samples
from data.masks import read_mask

IMAGE = np.random.default_rng(0).integers(60, 200, (48, 64, 3), dtype=np.uint8)


@pytest.fixture
def said(caplog):
    """The lines that are said, from now on."""
    say.cache_clear()
    caplog.set_level("INFO", logger="data.finding")
    return caplog


@pytest.fixture
def write(tmp_path):
    """Writes images and masks of eyes; eye number k has k + 1 pixels of vessel, and a red level of k."""
    def make(*names):
        for eye, name in names:
            picture = IMAGE.copy()
            picture[0, 0] = eye
            mask = np.zeros(IMAGE.shape[:2], np.uint8)
            mask[5, :eye + 1] = 255
            fov = np.full(IMAGE.shape[:2], 255, np.uint8)
            write_image(tmp_path / name, picture if "images" in name else fov if "fov" in name else mask)
        return tmp_path

    return make


def each_has_its_own(found):
    for sample in found:
        assert (read_mask(sample.mask) > 0).sum() == read_image(sample.image)[0, 0, 0] + 1, sample
    return len(found)


@pytest.mark.parametrize("image, mask, rule", [
    ("{}", "{}_mask", "image, but for its ending '_mask': 1_mask for 1"), ("{}", "{}_manual1", "ending '_manual1'"),
    ("{}", "{} - vessels", "' - vessels'"), ("{}", "{}vessels", "'vessels'"), ("Eye{}", "eye{}", "image, in any case"),
    ("Eye{}", "eye{}_MASK", "'_MASK', in any case"), ("{}_training", "{}_manual1", "but for the image's '_training'"),
    ("{}_img", "{}_msk", "'_msk', but for the image's '_img'"), ("{}", "{}", None)])
def test_masks_whose_names_differ_from_the_images_by_one_rule(write, said, image, mask, rule):
    """Numbers that sort differently, and end alike."""
    eyes = (1, 2, 9, 10, 11, 21)
    root = write(*((eye, f"images/{image.format(eye)}.png") for eye in eyes),
                 *((eye, f"masks/{mask.format(eye)}.tif") for eye in eyes),
                 *((eye, f"fov/{image.format(eye)}_fov.png") for eye in eyes))
    found = samples(f"folder:{root}")
    assert each_has_its_own(found) == 6
    assert sorted(sample.stem for sample in found) == sorted(image.format(eye) for eye in eyes)
    lines = [line for line in said.messages if " a mask has the name of its image, " in line]
    assert len(lines) == (rule is not None) and (rule is None or rule in lines[0])
    assert any("a field of view has the name of its image, but for its ending '_fov'" in line for line in said.messages)


def test_an_ending_that_not_all_share_is_no_rule(write):
    root = write((1, "images/a.png"), (2, "images/b.png"), (1, "masks/a_mask.png"), (2, "masks/b_label.png"))
    with pytest.raises(UserError, match="image without mask: a, b; mask without image: a_mask, b_label"):
        samples(f"folder:{root}", "train")


def test_with_a_rule_orphans_are_still_named(write):
    root = write(*((eye, f"images/{eye}.png") for eye in range(9)),
                 *((eye, f"masks/{eye}_m.png") for eye in range(1, 9)))
    with pytest.raises(UserError, match=r"image without mask: 0; add"):
        samples(f"folder:{root}", "train")


def test_one_eye_is_not_paired_with_the_mask_of_another(write):
    root = write((1, "train/images/eye_1.png"), (2, "train/masks/eye_2.png"))
    with pytest.raises(UserError, match="image without mask: eye_1; mask without image: eye_2"):
        samples(f"folder:{root}", "train")


def test_lists_end_after_ten_names(write):
    root = write(*((1, f"images/{number:03d}.png") for number in range(40)), (1, "masks/other.png"))
    with pytest.raises(UserError) as error:
        samples(f"folder:{root}", "train")
    assert "image without mask: 000, 001" in str(error.value) and "009 and 30 more; mask" in str(error.value)
    assert listed("abc") == "a, b, c" and listed(range(11)).endswith("8, 9 and 1 more")


@pytest.mark.parametrize("names", [
    ("training", "test"), ("train", "testing"), ("Train", "Test"), ("TRAINING", "Testing")])
def test_other_names_of_the_splits(write, names):
    train, test = names
    root = write((1, f"{train}/images/a.png"), (1, f"{train}/Masks/a.png"), (2, f"{test}/images/b.png"),
                 (2, f"{test}/Masks/b.png"), (1, f"{train}/FOV/a.png"))
    spec = f"folder:{root}"
    assert [[sample.stem for sample in samples(spec, split)] for split in ("train", "test")] == [["a"], ["b"]]
    assert modality_of(spec) == "fundus" and samples(spec, "train")[0].fov


def test_without_test_images_one_line_says_what_is_needed(write):
    root = write(*((eye, f"{part}/{kind}/{eye}.png") for part, eyes in (("train", (1, 2, 3)), ("val", (4,)))
                   for eye in eyes for kind in ("images", "masks")))
    spec = f"folder:{root}"
    assert len(samples(spec, "train")) == 3
    with pytest.raises(UserError, match="no test samples.*test/.*every fifth.*5 are needed.*val/ is not read.*folds"):
        samples(spec, "test")
    assert [len(samples(f"fold-{k}-of-3:{spec}", "test")) for k in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize("count, tests", [(4, None), (5, ["5"])])
def test_five_images_are_enough(write, count, tests):
    root = write(*((eye, f"{kind}/{eye}.png") for eye in range(1, count + 1) for kind in ("images", "masks")))
    spec = f"folder:{root}"
    if tests:
        assert [sample.stem for sample in samples(spec, "test")] == tests
    else:
        with pytest.raises(UserError, match="5 are needed"):
            samples(spec, "test")
    folds = [samples(f"fold-{k}-of-{count}:{spec}", "test")[0].stem for k in range(1, count + 1)]
    assert folds == [str(eye) for eye in range(1, count + 1)]


@pytest.mark.parametrize("masks", [True, False])
def test_a_data_set_that_was_unpacked_too_deep_is_named(write, masks):
    outer = write(*((eye, f"download/DRIVE/{part}/{kind}/{eye}_{end}.png")
                    for part, eye in (("training", 21), ("test", 1))
                    for kind, end in (("images", part), ("1st_manual", "manual1"))))
    inner = outer / "download"
    (inner / "__MACOSX").mkdir()
    for name in ("drive", "fold-1-of-2:drive"):
        for folder in (inner, outer):  # one folder too deep, and two
            with pytest.raises(UserError, match=f"lies deeper, write drive:{inner}/DRIVE"):
                samples(f"{name}:{folder}", "train", masks)


def test_folders_that_are_links_are_followed_and_loops_are_not(write):
    root = write((1, "elsewhere/images/a.png"), (2, "elsewhere/images/b.png"), (3, "photos/part/images.png"))
    (root / "photos" / "Base11").symlink_to(root / "elsewhere", target_is_directory=True)
    (root / "photos" / "part" / "round").symlink_to(root / "photos", target_is_directory=True)
    (root / "elsewhere" / "itself").symlink_to(root / "elsewhere", target_is_directory=True)
    for layout in ("messidor", "folder"):
        assert [sample.stem for sample in samples(f"{layout}:{root / 'photos'}", masks=False)] == ["a", "b", "images"]


def test_what_is_left_out_is_counted_and_named(write, said):
    root = write((1, "images/a.png"), (1, "masks/a.png"))
    for name in ("images/b.webp", "images/.hidden.png", "images/Thumbs.db", "masks/notes.txt"):
        (root / name).write_bytes(b"x")
    (root / "images" / "more").mkdir()
    os.symlink(root / "nowhere.png", root / "images" / "broken.png")
    for _ in range(2):
        assert len(samples(f"folder:{root}", "train")) == 1
    lines = [line for line in said.messages if "left out" in line]
    assert len(lines) == 2 and "images: 5 left out" in lines[0] and "masks: 1 left out" in lines[1]
    assert ": .hidden.png, Thumbs.db, b.webp, broken.png, more" in lines[0]


def test_photographs_are_any_folder_and_show_what_the_pairs_show(eye, tmp_path):
    image, _, fov = eye(0, (300, 400), 260)
    write_image(tmp_path / "one" / "a.png", image)
    write_image(tmp_path / "b.png", image)
    spec = f"folder:{tmp_path}"
    found = photographs(spec, "chase_db1:nowhere")
    assert [(sample.stem, sample.modality, sample.mask) for sample in found] == [("a", "fundus", None),
                                                                                ("b", "fundus", None)]
    assert load_views(spec, "train", masks=False, modality="fundus")[0].box[3] < 340  # the rim is cut off
    assert photographs(spec, "chase_db1:nowhere", "cells")[0].modality == "cells"
    assert photographs("", "phantom") == []
    check(found)


def test_photographs_may_lie_in_folders_that_are_called_as_splits_are(eye, tmp_path):
    """Without images/ in them these are folders like any others. With it they have no others."""
    for number, name in enumerate(("train/a.png", "test/deeper/b.png")):
        write_image(tmp_path / name, eye(number)[0])
    spec = f"folder:{tmp_path}"
    assert [sample.stem for sample in photographs(spec, "phantom")] == ["a", "b"]
    write_image(tmp_path / "train/images/c.png", eye(2)[0])
    with pytest.raises(UserError, match="test/images: no such folder"):
        photographs(spec, "phantom")

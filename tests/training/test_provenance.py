"""A run is refused whose trainings saw other data than there are, or an image that it is tested on."""
from __future__ import annotations

import shutil

import numpy as np
import pytest

from data import layouts
from data.errors import UserError
from data.files import write_json
from data.images import write_image
from data.masks import read_mask
from training.provenance import check_run, seen


@pytest.fixture
def data(eye, tmp_path):
    """"folder:PATH" of nine images, of which the fifth tests."""
    for stem in range(1, 10):
        image, mask, _ = eye(stem, (80, 80), 70)
        for part, picture in (("images", image), ("masks", mask)):
            write_image(tmp_path / "data" / part / f"{stem}.png", picture)
    return f"folder:{tmp_path / 'data'}"


@pytest.fixture
def photos(eye, tmp_path):
    for stem in range(20, 23):
        image, mask, _ = eye(stem, (80, 80), 70)
        write_image(tmp_path / "photos" / f"{stem}.png", image)
        write_image(tmp_path / "photo_masks" / f"{stem}.png", mask)
    return f"messidor:{tmp_path / 'photos'}"


@pytest.fixture
def run(data, photos, tmp_path):
    """The records of a run, as the trainings write them."""
    masks = str(tmp_path / "photo_masks")
    for name, flags in (("stage1", {"validation": 2}), ("unet-real", {"validation": 2, "arm": "real"}),
                        ("stage2", {"validation": 2, "photos": photos, "photo_masks": masks, "add_pairs": True})):
        flags = {"pairs": data, **flags}
        (tmp_path / "run" / name).mkdir(parents=True)
        write_json(tmp_path / "run" / name / "config.json", {
            "version": 2, "flags": flags, "data": {"checksum": layouts.checksum(seen(flags, data, photos))}})
    return tmp_path / "run"


def test_what_each_training_sees(data, photos, tmp_path):
    def stems(**flags):
        return [sample.stem for sample in seen({"validation": 2, **flags}, data, photos)]

    train = ["1", "2", "3", "4", "6", "7"]
    assert stems() == train and stems(arm="real") == [*train, "8", "9"]
    given = {"photos": photos, "photo_masks": str(tmp_path / "photo_masks")}
    assert stems(**given) == ["20", "21", "22"] and stems(**given, add_pairs=True) == ["20", "21", "22", *train]


def test_a_run_on_the_data_as_they_are_passes(run, data, photos, tmp_path):
    check_run(run, data, photos)
    (run / "old").mkdir()
    write_json(run / "old" / "config.json", {"flags": {"pairs": data}})  # kept no checksum
    check_run(run, data, photos)
    moved = tmp_path / "elsewhere"
    shutil.copytree(data.partition(":")[2], moved)  # where data lie does not matter
    check_run(run, f"folder:{moved}", photos)


@pytest.mark.parametrize("change, named", [
    ("a mask is corrected", "stage1"), ("images are added", "stage1"), ("one is removed", "stage1"),
    ("a held-out mask is corrected", "unet-real"), ("photographs are labelled again", "stage2"),
    ("a photograph has no label", "stage2")])
def test_changed_data_are_refused_and_the_training_is_named(run, data, photos, tmp_path, change, named):
    masks, images = tmp_path / "data/masks", tmp_path / "data/images"
    if "corrected" in change:
        path = masks / ("9.png" if "held-out" in change else "3.png")
        write_image(path, read_mask(path).T.copy())
    elif "added" in change:
        for part in (masks, images):  # before the fifth: another image tests
            shutil.copy(part / "6.png", part / "0.png")
    elif "removed" in change:
        (masks / "7.png").unlink()
        (images / "7.png").unlink()
    elif "again" in change:
        write_image(tmp_path / "photo_masks/21.png", np.zeros((80, 80), np.uint8))
    else:
        (tmp_path / "photo_masks/21.png").unlink()
    with pytest.raises(UserError, match=f"run/{named} was trained on other data than .*make clean RUN=run"):
        check_run(run, data, photos)


def test_a_corrected_mask_of_a_test_image_mixes_nothing(run, data, photos, tmp_path):
    write_image(tmp_path / "data/masks/5.png", np.zeros((80, 80), np.uint8))
    check_run(run, data, photos)


def test_a_test_image_that_a_training_saw_is_refused(data, photos, tmp_path):
    """Two files show one eye, on either side of the split."""
    shutil.copy(tmp_path / "data/images/5.png", tmp_path / "data/images/2.png")
    run = tmp_path / "run"
    (run / "stage1").mkdir(parents=True)
    write_json(run / "stage1" / "config.json", {"flags": {"pairs": data}, "data": {}})
    with pytest.raises(UserError, match="images/2.png is a copy of .*images/5.png"):
        check_run(run, data, photos)

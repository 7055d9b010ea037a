"""The masks of a data set, compared with one another: polarity, labels, empty ones, and the flag that says which
labels are foreground."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from data.check import check_pairs, check_sample
from data.errors import UserError
from data.fundus import load_views
from data.images import write_image
from data.layouts import Sample, samples, training
from data.masks import read_mask
from tests.data.examples import grey, is_mask
from unet_eval import run


@pytest.fixture
def data_set(tmp_path, vessels):
    """Writes a data set in the layout `folder`: `mask(path, vessels, number)` writes each mask."""
    def make(mask, count=6, modality="other", foreground=()):
        image = np.random.default_rng(0).integers(60, 200, (*vessels.shape, 3), dtype=np.uint8)
        for number in range(count):
            write_image(tmp_path / "images" / f"{number}.png", image)
            (tmp_path / "masks").mkdir(exist_ok=True)
            mask(tmp_path / "masks" / f"{number}.png", vessels, number)
        return samples(f"folder:{tmp_path}", modality=modality, foreground=foreground)

    return make


def black_on_white(path, vessels, number):
    grey(path, np.where(vessels, np.uint8(0), np.uint8(255)))


def white_is_zero(path, vessels, number):
    tifffile.imwrite(path.with_suffix(".tif"), vessels)


def look_up_table(path, vessels, number):
    """ImageJ's inverting one: stored 255 is shown black."""
    mask = Image.fromarray(np.where(vessels, np.uint8(255), np.uint8(0)), mode="P")
    mask.putpalette([255 - level for level in range(256) for _ in range(3)])
    mask.save(path)


@pytest.mark.parametrize("mask", [black_on_white, white_is_zero, look_up_table])
def test_inverted_masks(data_set, mask, vessels):
    with pytest.raises(UserError, match=r"masks: 9\d% of the pixels of 6 masks are foreground.*--foreground=0"):
        check_pairs(data_set(mask))
    right = data_set(mask, foreground=("0",))
    check_pairs(right)
    assert all(is_mask(sample.mask, vessels, sample.foreground) for sample in right)


def test_the_flag_for_inverted_masks_has_their_levels(data_set, vessels):
    def sixteen(path, vessels, number):
        grey(path, np.where(vessels, np.uint16(7), np.uint16(65535)))

    with pytest.raises(UserError, match="--foreground=7, and if it is right, --foreground=65535"):
        check_pairs(data_set(sixteen))
    check_pairs(data_set(sixteen, foreground=("7",)))


def test_a_set_that_is_white_or_empty(data_set):
    def full(path, vessels, number):
        grey(path, np.full(vessels.shape, 255, np.uint8))

    with pytest.raises(UserError, match="100% of the pixels of 6 masks are foreground.*--foreground=255"):
        check_pairs(data_set(full))
    with pytest.raises(UserError, match="no other level than 1: .*--foreground=1$"):
        check_pairs(data_set(lambda path, vessels, number: grey(path, np.ones(vessels.shape, np.uint8))))
    check_pairs(data_set(full, foreground=("255",)))  # whoever says so is believed
    with pytest.raises(UserError, match="6 masks has none of --foreground=1: there are 255"):
        check_pairs(data_set(full, foreground=("1",)))
    with pytest.raises(UserError, match="6 masks is all background"):
        check_pairs(data_set(lambda path, vessels, number: grey(path, vessels.astype(np.uint8) * 0)))


def test_masks_that_are_all_background_are_counted(data_set, warnings):
    def some(path, vessels, number):
        grey(path, np.where(vessels & (number not in (2, 4)), np.uint8(255), np.uint8(0)))

    check_pairs(data_set(some))
    assert warnings == ["masks all background, 2 of 6: 2, 4"]


@pytest.mark.parametrize("modality", ["cells", "fundus"])
def test_large_foreground_is_an_error_where_it_cannot_be_and_else_a_warning(data_set, warnings, modality):
    def large(path, vessels, number):
        grey(path, np.where(np.arange(vessels.shape[1]) < 160, np.uint8(255), np.uint8(0))[None].repeat(240, axis=0))

    listed = data_set(large, modality=modality)
    if modality == "fundus":
        with pytest.raises(UserError, match="62% of the pixels of 6 masks are foreground.*--foreground=0"):
            check_pairs(listed)
    else:
        check_pairs(listed)
        assert "62% of the pixels of 6 masks are foreground" in warnings[-1] and "--foreground=0" in warnings[-1]


def test_one_mask_of_another_polarity(data_set, warnings):
    def mixed(path, vessels, number):
        grey(path, np.where(vessels == (number != 3), np.uint8(255), np.uint8(0)))

    with pytest.raises(UserError, match="more than half of 3.png is foreground.*invert"):
        check_pairs(data_set(mixed, modality="fundus"))
    warnings.clear()
    check_pairs(data_set(mixed))  # a large cell may fill its picture
    assert warnings == ["masks over half of which is foreground, 1 of 6: 3"]


def test_masks_of_two_levels_that_differ_between_files(data_set):
    """Void is in every third, in place of the vessels: alone, each file is a mask of two levels."""
    def void(path, vessels, number):
        grey(path, vessels.astype(np.uint8) * np.uint8(255 if number % 3 == 0 else 1))

    with pytest.raises(UserError, match=r"3 levels .*\(1.png has 0 and 1, 0.png has 0 and 255\).*--foreground=1"):
        check_pairs(data_set(void))
    right = data_set(void, foreground=("1",))
    check_pairs(right)
    assert [bool(read_mask(sample.mask, sample.foreground).any()) for sample in right] == [False, True, True] * 2


def test_foreground_is_of_the_masks_not_of_the_fields_of_view(data_set, vessels, tmp_path):
    def twos(path, vessels, number):
        grey(path, vessels.astype(np.uint8) * 2)

    listed = data_set(twos, count=1, foreground=("2",))
    grey(tmp_path / "fov.png", np.full(vessels.shape, 255, np.uint8))
    finding = check_sample(replace(listed[0], fov=tmp_path / "fov.png"))
    assert finding.share == vessels.mean() and finding.levels == ("0", "2")


def test_check_sample(tmp_path):
    image, mask, fov = (tmp_path / name for name in ("a.png", "m.png", "f.png"))
    write_image(image, np.full((40, 50, 3), 90, np.uint8))
    grey(mask, np.zeros((40, 50), np.uint8))
    grey(fov, np.full((40, 50), 255, np.uint8))
    finding = check_sample(Sample("a", image, mask, fov))
    assert (finding.shape, finding.remarks) == ((40, 50), ("images of one grey only", "masks all background"))
    grey(mask, np.zeros((60, 40), np.uint8))
    with pytest.raises(UserError, match=r"m.png.*40 x 60 pixels.*a.png is 50 x 40; both have to lie on the same grid$"):
        check_sample(Sample("a", image, mask))
    grey(fov, np.zeros((40, 50), np.uint8))
    with pytest.raises(UserError, match="f.png: the field of view is empty"):
        check_sample(Sample("a", image, None, fov))


@pytest.mark.parametrize("prefix", ["", "fold-1-of-2:", "few-2-of-draw-0:"])
def test_foreground_reaches_whatever_reads_a_mask(data_set, vessels, tmp_path, prefix):
    def labels(path, vessels, number):
        grey(path, np.where(vessels, np.uint8(1), np.uint8(2)))

    data_set(labels)
    spec = f"{prefix}folder:{tmp_path}"
    trained, held_out = training(spec, 1, foreground=("1",))
    assert all(is_mask(sample.mask, vessels, sample.foreground) for sample in trained + held_out)
    assert run.TestImage.load(samples(spec, "test", foreground=("1",))[0]).truth.mean() == vessels.mean()
    shares = [np.mean(load_views(spec, "train", foreground=foreground)[0].mask > 0) for foreground in ((), ("1",))]
    assert shares[0] > 0.8 and shares[1] < 0.2

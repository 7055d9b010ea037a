"""Masks as users have them: each is read as its maker meant it, or refused with the remedy."""
from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import tifffile
from absl import logging
from PIL import Image

from data.check import check_pairs, check_sample
from data.errors import UserError
from data.fundus import load_views
from data.images import write_image
from data.layouts import Sample, samples, training
from data.masks import decode_mask, read_mask
from unet_eval import run


@pytest.fixture
def vessels():
    """bool (240, 260): a thin tree on 7 % of the picture."""
    mask = np.zeros((240, 260), np.uint8)
    for x in range(20, 250, 60):
        cv2.line(mask, (130, 235), (x, 5), 1, 3)
    return mask > 0


@pytest.fixture
def warnings(monkeypatch):
    lines = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: lines.append(text % values))
    return lines


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


def grey(path, levels):
    assert cv2.imwrite(str(path), levels)


def refusal(path, foreground=()):
    """The one line with which a mask is refused; it names the file."""
    with pytest.raises(UserError) as error:
        read_mask(path, foreground)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    return str(error.value)


def is_mask(path, truth, foreground=()):
    return np.array_equal(read_mask(path, foreground) > 0, truth)


@pytest.mark.parametrize("low, high", [(0, 255), (0, 1), (3, 253), (100, 101)])
def test_two_levels_are_exact(tmp_path, vessels, low, high):
    grey(tmp_path / "m.png", np.where(vessels, np.uint8(high), np.uint8(low)))
    mask = decode_mask(tmp_path / "m.png")
    assert np.array_equal(mask.pixels, np.where(vessels, 255, 0))
    assert (mask.levels, mask.notes) == ((str(low), str(high)), ())


@pytest.mark.parametrize("high", [1, 100, 255, 257, 65535])
@pytest.mark.parametrize("name", ["m.png", "m.tif"])
def test_levels_of_16_bits_are_counted_before_they_become_8(tmp_path, vessels, name, high):
    grey(tmp_path / name, vessels.astype(np.uint16) * np.uint16(high))
    assert is_mask(tmp_path / name, vessels)


@pytest.mark.parametrize("kind", [np.int32, np.uint32, np.float32])
def test_whole_numbers_of_32_bits(tmp_path, vessels, kind):
    tifffile.imwrite(tmp_path / "m.tif", vessels.astype(kind))
    assert is_mask(tmp_path / "m.tif", vessels)
    tifffile.imwrite(tmp_path / "m.tif", vessels.astype(np.float32) / 3)
    assert "no whole numbers" in refusal(tmp_path / "m.tif")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("levels", [(0, 1, 2), (0, 127, 255), (0, 1, 255), (0, 80, 160, 240)])
def test_labels_are_not_cut(tmp_path, vessels, levels, kind):
    """Nearly all pixels of the first are at an end of the range; void lies along the vessels' outlines."""
    labels = vessels.astype(kind) * kind(levels[1])
    for place, level in enumerate(levels[2:]):
        labels[20 * place:20 * place + 9, ::3] = level
    grey(tmp_path / "m.png", labels)
    line = refusal(tmp_path / "m.png")
    assert f"{len(levels)} levels: 0 (" in line and f", {levels[-1]} (" in line
    assert f"--foreground={levels[1]}" in line
    assert is_mask(tmp_path / "m.png", labels == levels[1], (str(levels[1]),))
    assert is_mask(tmp_path / "m.png", labels > 0, tuple(map(str, levels[1:])))


@pytest.mark.parametrize("first", [1, 60])
def test_numbered_cells_are_labels_although_they_have_many_levels(tmp_path, first):
    cells = np.zeros((200, 200), np.uint16)
    for number in range(40):
        cv2.circle(cells, (20 + 40 * (number % 5), 14 + 24 * (number // 5)), 9, first + 7 * number, -1)
    grey(tmp_path / "m.png", cells)
    line = refusal(tmp_path / "m.png")
    assert "41 levels, of them 0 (" in line and "--foreground=" in line and len(line) < 500


def test_colours_are_labels(tmp_path, vessels):
    """Red arteries and blue veins, in RGB and with a palette."""
    labels = vessels.astype(np.uint8)
    labels[:, 130:] *= 2
    colours = np.uint8([[0, 0, 0], [255, 0, 0], [0, 0, 255]])
    Image.fromarray(colours[labels]).save(tmp_path / "rgb.png")
    palette = Image.fromarray(labels, mode="P")
    palette.putpalette(colours.tobytes())
    palette.save(tmp_path / "palette.png")
    for name in ("rgb.png", "palette.png"):
        line = refusal(tmp_path / name)
        assert "3 colours: 000000 (" in line and "ff0000 (" in line and "--foreground=0000ff" in line
        assert is_mask(tmp_path / name, labels == 1, ("FF0000",))
        assert is_mask(tmp_path / name, vessels, ("ff0000", "0000ff"))
        assert is_mask(tmp_path / name, labels == 0, ("0",))
    cv2.imwrite(str(tmp_path / "m.jpg"), colours[labels][..., ::-1])
    assert "save it as PNG" in refusal(tmp_path / "m.jpg", ("ff0000",))
    assert "--foreground=red" in refusal_of_flag(tmp_path / "rgb.png", ("red",))


def refusal_of_flag(path, foreground):
    with pytest.raises(UserError) as error:
        read_mask(path, foreground)
    return str(error.value)


def test_palette_mask_by_luminance(tmp_path, vessels):
    """Index 0 is the bright colour here: indices must not be taken for levels."""
    mask = Image.fromarray((~vessels).astype(np.uint8), mode="P")
    mask.putpalette([253, 253, 240, 3, 3, 3])
    mask.save(tmp_path / "m.gif")
    assert is_mask(tmp_path / "m.gif", vessels)


def test_grey_mask_in_rgb(tmp_path, vessels):
    write_image(tmp_path / "m.png", np.dstack([vessels.astype(np.uint8) * 255] * 3))
    assert is_mask(tmp_path / "m.png", vessels)


@pytest.mark.parametrize("level, expected", [(0, 0), (1, 255), (255, 255)])
def test_mask_of_one_level(tmp_path, level, expected):
    grey(tmp_path / "m.png", np.full((9, 9), level, np.uint8))
    assert (read_mask(tmp_path / "m.png") == expected).all()
    grey(tmp_path / "m.png", np.full((9, 9), 7, np.uint8))
    assert "--foreground=7" in refusal(tmp_path / "m.png")
    assert (read_mask(tmp_path / "m.png", ("7",)) == 255).all()


@pytest.mark.parametrize("quality", [40, 75, 90, 100])
def test_masks_as_jpg_are_cut_at_half(tmp_path, vessels, quality):
    truth = cv2.dilate(vessels.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    cv2.imwrite(str(tmp_path / "m.jpg"), np.where(truth, np.uint8(255), np.uint8(0)),
                [cv2.IMWRITE_JPEG_QUALITY, quality])
    mask = decode_mask(tmp_path / "m.jpg")
    assert (mask.pixels > 0)[truth].mean() > 0.95 and (mask.pixels > 0)[~truth].mean() < 0.01
    assert mask.notes == ("cut at half",) and mask.levels == ()


def test_a_jpg_saved_again_as_png(tmp_path):
    """Its black is 1 and its white 254, in areas."""
    cells = np.zeros((160, 160), np.uint8)
    for x, y in ((40, 40), (110, 60), (70, 120)):
        cv2.circle(cells, (x, y), 22, 255, -1)
    stored = cv2.imdecode(cv2.imencode(".jpg", cells, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_GRAYSCALE)
    grey(tmp_path / "m.png", np.clip(stored, 1, 254))
    assert (np.unique(stored)[[0, -1]] == (0, 255)).all()
    assert (read_mask(tmp_path / "m.png") == cells).mean() > 0.99


@pytest.mark.parametrize("scale", [2, 1.5, 0.5, 0.3, 0.15])
def test_thin_vessels_that_were_resized_smoothly_are_cut_at_half(tmp_path, vessels, scale):
    """At 0.15 a vessel is half a pixel wide, and nothing is near white."""
    small = cv2.resize(vessels.astype(np.uint8) * 255, None, fx=scale, fy=scale,
                       interpolation=cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA)
    grey(tmp_path / "m.png", small)
    mask = decode_mask(tmp_path / "m.png")
    assert mask.notes == ("cut at half",)
    assert np.array_equal(mask.pixels > 0, small > (int(small.min()) + int(small.max())) / 2)
    grey(tmp_path / "m.png", 255 - small)  # and black on white
    assert is_mask(tmp_path / "m.png", 255 - small <= (255 - int(small.max()) + 255) / 2, ("0",))


def test_what_is_no_mask(tmp_path):
    grey(tmp_path / "ramp.png", np.tile(np.arange(256, dtype=np.uint8), (9, 1)))
    assert "256 levels" in refusal(tmp_path / "ramp.png")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    grey(tmp_path / "photograph.png", cv2.GaussianBlur(noise, (0, 0), 2))
    assert "near either end" in refusal(tmp_path / "photograph.png")


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

    with pytest.raises(UserError, match="100% of the pixels of 6 masks are foreground.*--foreground"):
        check_pairs(data_set(full))
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
    assert (finding.shape, finding.remarks) == ((40, 50), ("masks all background",))
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

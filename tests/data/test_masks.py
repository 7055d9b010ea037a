"""A mask as users have it is read as its maker meant it, or refused with the remedy."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from data.errors import UserError
from data.images import write_image
from data.masks import decode_mask, read_mask
from tests.data.examples import grey, is_mask, refusal


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
    assert "no whole numbers" in refusal(read_mask, tmp_path / "m.tif")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("levels", [(0, 1, 2), (0, 127, 255), (0, 1, 255), (0, 80, 160, 240)])
def test_labels_are_not_cut(tmp_path, vessels, levels, kind):
    """Nearly all pixels of the first are at an end of the range; void lies along the vessels' outlines."""
    labels = vessels.astype(kind) * kind(levels[1])
    for place, level in enumerate(levels[2:]):
        labels[20 * place:20 * place + 9, ::3] = level
    grey(tmp_path / "m.png", labels)
    line = refusal(read_mask, tmp_path / "m.png")
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
    line = refusal(read_mask, tmp_path / "m.png")
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
        line = refusal(read_mask, tmp_path / name)
        assert "3 colours: 000000 (" in line and "ff0000 (" in line and "--foreground=0000ff" in line
        assert is_mask(tmp_path / name, labels == 1, ("FF0000",))
        assert is_mask(tmp_path / name, vessels, ("ff0000", "0000ff"))
        assert is_mask(tmp_path / name, labels == 0, ("0",))
    cv2.imwrite(str(tmp_path / "m.jpg"), colours[labels][..., ::-1])
    assert "save it as PNG" in refusal(read_mask, tmp_path / "m.jpg", ("ff0000",))
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


def test_a_palette_of_two_colours_is_not_grey_where_a_colour_is_asked_for(tmp_path, vessels):
    """Maps of labels as in PASCAL VOC; no file but the first has both classes."""
    both = vessels.astype(np.uint8)
    both[:, 130:] *= 2
    for name, labels in (("both", both), ("one", both % 2), ("two", both // 2 * 2), ("none", both * 0)):
        image = Image.fromarray(labels, mode="P")
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
        image.save(tmp_path / f"{name}.png")
        for number, colour in ((1, "800000"), (2, " 008000")):
            assert is_mask(tmp_path / f"{name}.png", labels == number, (colour,)), (name, colour)
        assert is_mask(tmp_path / f"{name}.png", labels > 0, ("800000", "008000")), name
    assert is_mask(tmp_path / "one.png", both == 1, ("38",)), "its luminance"


def test_grey_mask_in_rgb(tmp_path, vessels):
    write_image(tmp_path / "m.png", np.dstack([vessels.astype(np.uint8) * 255] * 3))
    assert is_mask(tmp_path / "m.png", vessels)


@pytest.mark.parametrize("level, expected", [(0, 0), (1, 255), (255, 255)])
def test_mask_of_one_level(tmp_path, level, expected):
    grey(tmp_path / "m.png", np.full((9, 9), level, np.uint8))
    assert (read_mask(tmp_path / "m.png") == expected).all()
    grey(tmp_path / "m.png", np.full((9, 9), 7, np.uint8))
    assert "--foreground=7" in refusal(read_mask, tmp_path / "m.png")
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
    assert "256 levels" in refusal(read_mask, tmp_path / "ramp.png")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    grey(tmp_path / "photograph.png", cv2.GaussianBlur(noise, (0, 0), 2))
    assert "near either end" in refusal(read_mask, tmp_path / "photograph.png")

"""Files of the kinds that users have, which no other test has: each is read as its maker meant it, or refused in one
line whose remedy is true."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from data.check import check_sample
from data.errors import UserError
from data.images import image_and_notes, write_image
from data.layouts import Sample
from data.masks import read_mask

SHAPE = (60, 80)


@pytest.fixture
def vessels():
    mask = np.zeros(SHAPE, np.uint8)
    for x in (10, 40, 70):
        cv2.line(mask, (40, 58), (x, 2), 1, 1)
    return mask


def refusal(read, *arguments):
    with pytest.raises(UserError) as error:
        read(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def is_mask(path, truth, *foreground):
    return np.array_equal(read_mask(path, foreground) > 0, truth > 0)


def test_16_bit_colours_of_labels(tmp_path, vessels):
    """Their upper 8 bits are all 0."""
    labels = vessels.astype(np.uint16)
    labels[:, 40:] *= 2
    colours = np.uint16([[0, 0, 0], [1, 0, 0], [0, 0, 200]])[labels]
    tifffile.imwrite(tmp_path / "m.tif", colours, photometric="rgb")
    assert "3 colours: 000000 (" in refusal(read_mask, tmp_path / "m.tif")
    assert is_mask(tmp_path / "m.tif", labels == 1, "010000")
    assert is_mask(tmp_path / "m.tif", vessels, "010000", "0000c8")
    tifffile.imwrite(tmp_path / "m.tif", colours * 257, photometric="rgb")
    assert is_mask(tmp_path / "m.tif", labels == 1, "010000")
    tifffile.imwrite(tmp_path / "m.tif", colours + np.uint16([0, 0, 1000]), photometric="rgb")
    assert "alike in 8 bits" in refusal(read_mask, tmp_path / "m.tif", ("010000",))


def test_a_mask_of_one_colour(tmp_path):
    """The background of a colour scale, where nothing was drawn."""
    write_image(tmp_path / "m.png", np.full((*SHAPE, 3), (68, 1, 84), np.uint8))
    assert "1 colour: 440154 (100.0%)" in refusal(read_mask, tmp_path / "m.png")
    assert not read_mask(tmp_path / "m.png", ("fde725",)).any()


def test_a_mask_drawn_over_its_photograph(tmp_path, vessels):
    photograph = np.random.default_rng(0).integers(50, 200, (*SHAPE, 3), dtype=np.uint8)
    photograph[:, :30] = 3  # the rim is the commonest colour
    write_image(tmp_path / "m.png", np.where(vessels[..., None] > 0, np.uint8([0, 255, 0]), photograph))
    line = refusal(read_mask, tmp_path / "m.png")
    assert "as a photograph has; if the mask is drawn over one, say in which, for example --foreground=00ff00" in line
    assert is_mask(tmp_path / "m.png", vessels, "00ff00")


def test_thin_labels_of_many_levels(tmp_path, vessels):
    """One pixel wide they lie in no areas, as the greys of a blurred edge do not; their range tells them apart."""
    labels = vessels * (1 + np.indices(SHAPE).sum(axis=0) % 6).astype(np.uint8)
    write_image(tmp_path / "m.png", labels)
    assert "7 levels from 0 to 6" in (line := refusal(read_mask, tmp_path / "m.png")) and "--foreground=5,6" in line
    assert is_mask(tmp_path / "m.png", vessels, *"123456") and is_mask(tmp_path / "m.png", labels > 4, "5", "6")


def test_probabilities_are_no_labels(tmp_path):
    """They are cut at half, or refused without a remedy that would take the brightest level only."""
    write_image(tmp_path / "m.png", np.tile(np.arange(240, dtype=np.uint8), (60, 1)))
    line = refusal(read_mask, tmp_path / "m.png", ("239",))
    assert "240 levels from 0 to 239" in line and "--foreground" not in line


def test_signed_16_bits(tmp_path, vessels):
    """As NumPy, MATLAB and ITK write labels."""
    tifffile.imwrite(tmp_path / "m.tif", vessels.astype(np.int16))
    assert is_mask(tmp_path / "m.tif", vessels)
    tifffile.imwrite(tmp_path / "m.tif", -vessels.astype(np.int16))
    assert "unusual kind" in refusal(read_mask, tmp_path / "m.tif")


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.uint64])
def test_kinds_of_tiff_that_pillow_does_not_know_are_said(tmp_path, vessels, kind):
    tifffile.imwrite(tmp_path / "m.tif", vessels.astype(kind))
    line = refusal(read_mask, tmp_path / "m.tif")
    assert f"the kind {np.dtype(kind)}" in line and "damaged" not in line and "save it as" in line


def test_float_colours_are_said_and_garbage_is_damaged(tmp_path, capfd):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((*SHAPE, 3), np.float32), photometric="rgb")
    assert "the kind float32" in refusal(image_and_notes, tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0\xff\xff" + bytes(200))
    assert "damaged" in refusal(image_and_notes, tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")


def test_a_mask_that_may_lie_on_the_stored_grid_of_a_turned_image(tmp_path, vessels):
    """Upside down, both grids have the same size."""
    exif = Image.Exif()
    exif[274] = 3
    image = np.random.default_rng(0).integers(60, 200, (*SHAPE, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png", exif=exif)
    remarks = {}
    for name, options in (("plain.png", {}), ("turned.png", {"exif": exif})):
        Image.fromarray(vessels * 255).save(tmp_path / name, **options)
        remarks[name] = check_sample(Sample("a", tmp_path / "a.png", tmp_path / name)).remarks
    assert [sum("as drawn on the upright view" in remark for remark in some) for some in remarks.values()] == [1, 0]


@pytest.mark.parametrize("extra, read", [("unspecified", True), ("unassalpha", False)])
def test_more_than_three_channels(tmp_path, extra, read):
    """A fourth channel is not colour; where it says that pixels are transparent, they are refused."""
    image = np.random.default_rng(0).integers(60, 200, (*SHAPE, 4), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", extrasamples=[extra])
    if read:
        assert np.array_equal(image_and_notes(tmp_path / "a.tif")[0], image[..., :3])
    else:
        assert "transparent" in refusal(image_and_notes, tmp_path / "a.tif")


def test_a_mask_page_of_a_kind_that_pillow_does_not_know(tmp_path):
    image = np.random.default_rng(0).integers(60, 200, (*SHAPE, 3), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(image, photometric="rgb")
        writer.write(np.ones((90, 90), bool), subfiletype=4, photometric="mask")
    read, notes = image_and_notes(tmp_path / "a.tif")
    assert np.array_equal(read, image) and notes == ("page 1 of several taken",)


def test_black_16_bits(tmp_path, recwarn):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((*SHAPE, 3), np.uint16))
    finding = check_sample(Sample("a", tmp_path / "a.png"))
    assert finding.remarks == ("images of one grey only",) and not recwarn


def test_labels_as_field_of_view(tmp_path, vessels):
    """--foreground is no remedy: it is for the masks."""
    write_image(tmp_path / "a.png", np.random.default_rng(0).integers(60, 200, (*SHAPE, 3), dtype=np.uint8))
    write_image(tmp_path / "fov.png", np.where(np.arange(80) < 30, 0, np.where(np.arange(80) < 60, 127, 255))[None]
                .repeat(60, axis=0).astype(np.uint8))
    line = refusal(check_sample, Sample("a", tmp_path / "a.png", None, tmp_path / "fov.png"))
    assert "fov.png: a field of view has two levels" in line and "--foreground" not in line

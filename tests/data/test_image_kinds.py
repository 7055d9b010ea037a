"""Bits, colours, planes, orientation and pages of images: converted with a note, or refused."""
from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from data.check import check, check_sample
from data.errors import UserError
from data.images import image_and_notes, read_image, write_image
from data.layouts import Sample
from data.masks import decode_mask, read_mask
from tests.data.examples import refusal


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_are_divided_by_257(tmp_path, name):
    grey = np.array([[0, 128, 129, 257], [30000, 65000, 65406, 65535]], np.uint16)
    expected = np.round(grey / 257).astype(np.uint8)
    colour = np.dstack([grey, grey[::-1], grey[:, ::-1]])
    cv2.imwrite(str(tmp_path / name), grey)
    assert np.array_equal(read_image(tmp_path / name), np.dstack([expected] * 3))
    cv2.imwrite(str(tmp_path / name), colour[..., ::-1])
    assert np.array_equal(read_image(tmp_path / name), np.round(colour / 257).astype(np.uint8))


def test_modes_that_convert(tmp_path, photograph):
    picture = Image.fromarray(photograph)
    for mode in ("1", "L", "LA", "P", "RGBA"):
        converted = picture.convert(mode)
        converted.save(tmp_path / f"{mode}.png")
        assert np.array_equal(read_image(tmp_path / f"{mode}.png"), np.array(converted.convert("RGB"))), mode


def test_modes_that_are_refused(tmp_path, photograph):
    picture = Image.fromarray(photograph)
    for mode, name in (("F", "float.tif"), ("I", "int.tif"), ("LAB", "lab.tif")):
        source = picture.convert("L") if mode in ("F", "I") else picture
        if mode == "LAB":
            Image.merge("LAB", picture.split()).save(tmp_path / name)
        else:
            source.convert(mode).save(tmp_path / name)
        assert mode in refusal(read_image, tmp_path / name)
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8)).save(tmp_path / "inverse.tif")
    black_is_zero, white_is_zero = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 0))
    data = (tmp_path / "inverse.tif").read_bytes()
    (tmp_path / "inverse.tif").write_bytes(data.replace(black_is_zero, white_is_zero))
    assert "white at zero" in refusal(read_image, tmp_path / "inverse.tif")
    picture.save(tmp_path / "pages.tif", save_all=True, append_images=[picture])
    assert "2 pages" in refusal(read_image, tmp_path / "pages.tif")
    glass = picture.convert("RGBA")
    glass.putpixel((3, 3), (9, 9, 9, 254))
    glass.save(tmp_path / "glass.png")
    assert "transparent" in refusal(read_image, tmp_path / "glass.png")


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_fewer_bits_in_16_are_stretched_and_say_so(tmp_path, photograph, name, bits):
    """Divided by 257, 12 bits are all below 16."""
    white = 2 ** bits - 1
    stored = np.round(photograph / 255 * white).astype(np.uint16)
    stored[0, 0] = white
    cv2.imwrite(str(tmp_path / name), stored[..., ::-1])
    image, notes = image_and_notes(tmp_path / name)
    assert np.abs(image[1:].astype(int) - photograph[1:]).max() <= 1
    assert notes == (f"of 16 bits that use 0 to {white}, stretched",)


def test_the_stated_range_counts_before_the_found_one(tmp_path, photograph):
    """A dark photograph of 12 bits has no value above 10 bits."""
    stored = photograph.astype(np.uint16) * 4
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extratags=[(281, "H", 3, (4095,) * 3, True)])
    image, notes = image_and_notes(tmp_path / "a.tif")
    assert np.array_equal(image, np.round(stored / 4095 * 255).astype(np.uint8)) and "4095" in notes[0]


@pytest.mark.parametrize("white", [1000, 4095, 65534])
def test_a_pgm_is_scaled_from_the_white_that_it_states(tmp_path, photograph, white):
    """A dark one is not made brighter. In a mask the levels are those of 16 bits."""
    grey = photograph[..., 0] // 8
    stored = np.round(grey / 255 * white).astype(">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 50 40 %d\n" % white + stored.tobytes())
    image, notes = image_and_notes(tmp_path / "a.pgm")
    assert np.array_equal(image, np.dstack([grey] * 3)) and notes == ()
    (tmp_path / "m.pgm").write_bytes(b"P5 50 40 %d\n" % white + (np.eye(40, 50) * white).astype(">u2").tobytes())
    assert decode_mask(tmp_path / "m.pgm").levels == ("0", "65535")
    assert np.array_equal(read_mask(tmp_path / "m.pgm"), np.eye(40, 50) * 255)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("planes", ["separate", "contig"])
def test_planes(tmp_path, photograph, kind, compression, planes):
    stored = photograph.astype(kind) * kind(np.iinfo(kind).max // 255)
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(stored, 2, 0) if planes == "separate" else stored,
                     photometric="rgb", planarconfig=planes, compression=compression)
    assert np.array_equal(read_image(tmp_path / "a.tif"), photograph)


# Orientation -> how viewers show what is stored (TIFF 6.0, tag 274).
TURNED = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: np.rot90(np.fliplr(a)),
          6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(np.fliplr(a), -1), 8: np.rot90}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("name", ["a.jpg", "8.png", "16.png", "8.tif", "16.tif", "planar.tif"])
def test_orientation_is_heeded_in_all_formats_alike(tmp_path, photograph, name, orientation):
    path = tmp_path / name
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = photograph.astype(np.uint16) * 257
    options = {"quality": 100, "subsampling": 0} if name == "a.jpg" else {}
    if name in ("a.jpg", "8.png"):
        Image.fromarray(photograph).save(path, exif=exif, **options)
    elif name == "16.png":
        cv2.imwrite(str(path), stored[..., ::-1])
        data = path.read_bytes()
        chunk = b"eXIf" + exif.tobytes()[6:]
        path.write_bytes(data[:33] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
                         + data[33:])
    else:
        planar = name == "planar.tif"
        array = photograph if name == "8.tif" else np.moveaxis(stored, 2, 0) if planar else stored
        tifffile.imwrite(path, array, photometric="rgb", planarconfig="separate" if planar else "contig",
                         extratags=[(274, "H", 1, orientation, True)])
    image, notes = image_and_notes(path)
    shown = TURNED[orientation](photograph)
    assert image.shape == shown.shape and np.abs(image.astype(int) - shown).max() <= (6 if name == "a.jpg" else 0)
    assert notes == (() if orientation == 1 else ("turned upright as their orientation tag says",))


def test_a_mask_drawn_on_the_turned_view_fits(tmp_path, photograph):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photograph).save(tmp_path / "a.jpg", exif=exif)
    drawn = np.zeros((50, 40), np.uint8)
    drawn[3:9, 4:20] = 255
    write_image(tmp_path / "m.png", drawn)
    sample = Sample("a", tmp_path / "a.jpg", tmp_path / "m.png")
    assert check_sample(sample).shape == (50, 40)
    write_image(tmp_path / "m.png", drawn.T)  # on the stored grid
    with pytest.raises(UserError, match="both have to lie on the same grid; one of them has an orientation tag"):
        check_sample(sample)


def test_the_first_picture_of_an_mpo(tmp_path, photograph):
    right = Image.fromarray(255 - photograph)
    Image.fromarray(photograph).save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[right], quality=95)
    image, notes = image_and_notes(tmp_path / "a.jpg")
    assert np.abs(image.astype(int) - photograph).mean() < 5 and notes == ("page 1 of several taken",)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("thumbnail_first", [False, True])
def test_a_thumbnail_page_is_not_the_picture(tmp_path, photograph, kind, thumbnail_first):
    stored = photograph.astype(kind) * kind(np.iinfo(kind).max // 255)
    pages = [(stored, 0), (np.ascontiguousarray(stored[::4, ::4]), 1)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for array, subfile in reversed(pages) if thumbnail_first else pages:
            writer.write(array, photometric="rgb", subfiletype=subfile)
    image, notes = image_and_notes(tmp_path / "a.tif")
    assert np.array_equal(image, photograph) and notes == (f"page {1 + thumbnail_first} of several taken",)


def test_cmyk_is_converted_without_a_profile(tmp_path, photograph):
    for name in ("a.jpg", "a.tif"):
        Image.fromarray(photograph).convert("CMYK").save(tmp_path / name, **({"quality": 100} if "jpg" in name else {}))
        image, notes = image_and_notes(tmp_path / name)
        assert np.abs(image.astype(int) - photograph).mean() < 3 and "CMYK" in notes[0], name


def test_check_names_what_was_converted_once(tmp_path, photograph, warnings):
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"{number:02d}.png"), photograph.astype(np.uint16) * 16)
    check([Sample(path.stem, path) for path in sorted(tmp_path.iterdir())])
    assert warnings == ["images of 16 bits that use 0 to 4095, stretched, 12 of 12: 00, 01, 02, 03, 04, 05, 06, 07, "
                        "08, 09 and 2 more"]

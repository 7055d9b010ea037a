import os
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from absl import logging
from PIL import Image

from data.check import check, check_sample
from data.errors import UserError
from data.images import encode_image, image_and_notes, read_image, write_image
from data.layouts import Sample
from data.masks import read_mask


@pytest.fixture
def photograph():
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


@pytest.fixture
def vessels():
    mask = np.zeros((96, 96), np.uint8)
    cv2.line(mask, (5, 5), (90, 80), 255, 7)
    return mask


def refusal(read, path):
    """The one line with which reading the file is refused; it names the file."""
    with pytest.raises(UserError) as error:
        read(path)
    line = str(error.value)
    assert str(path) in line
    assert "\n" not in line
    return line


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.ppm", "a.bmp"])
def test_colours_survive_writing_and_reading(tmp_path, photograph, name):
    write_image(tmp_path / "new folder" / name, photograph)
    assert np.array_equal(read_image(tmp_path / "new folder" / name), photograph)
    assert os.listdir(tmp_path / "new folder") == [name]


def test_jpg_and_gif(tmp_path, photograph, vessels):
    write_image(tmp_path / "a.JPG", photograph)
    assert np.abs(read_image(tmp_path / "a.JPG").astype(int) - photograph).mean() < 3
    write_image(tmp_path / "m.gif", vessels[..., None])
    assert np.array_equal(read_mask(tmp_path / "m.gif"), vessels)
    with pytest.raises(ValueError):
        write_image(tmp_path / "a.gif", photograph)


@pytest.mark.parametrize("name", ["a.png", "a.TIF", "a.jpg", "a.bmp"])
def test_encoded_bytes_are_those_of_the_file(tmp_path, photograph, name):
    write_image(tmp_path / name, photograph)
    assert encode_image(photograph, Path(name).suffix) == (tmp_path / name).read_bytes()


def test_what_cannot_be_encoded(photograph, vessels):
    assert encode_image(vessels[..., None], ".gif") == encode_image(vessels, ".gif")
    for array, suffix in ((photograph, ".gif"), (photograph, ".webp"), (photograph / 255, ".png"),
                          (photograph[..., :2], ".png")):
        with pytest.raises(ValueError, match="no way to write"):
            encode_image(array, suffix)


def test_spaces_and_other_alphabets(tmp_path, photograph):
    path = tmp_path / "Ärztliche Bilder 网膜" / "глаз 1.png"
    write_image(path, photograph)
    assert np.array_equal(read_image(path), photograph)


@pytest.mark.parametrize("name", ["a.jpg", "progressive.jpg", "a.png", "a.tif", "lzw.tif", "a.gif"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
def test_truncated(tmp_path, photograph, name, kept):
    path = tmp_path / name
    options = {"progressive": True} if "progressive" in name else {}
    options = {"compression": "tiff_lzw"} if "lzw" in name else options
    Image.fromarray(photograph[..., 0] if name.endswith("gif") else photograph).save(path, **options)
    read_image(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:int(kept * len(whole))])
    assert "truncated" in refusal(read_image, path)


def test_empty_and_missing_file(tmp_path):
    (tmp_path / "a.png").touch()
    assert "0 bytes" in refusal(read_image, tmp_path / "a.png")
    assert "No such file" in refusal(read_image, tmp_path / "b.png")


def test_pixel_limit_holds_before_decoding(tmp_path):
    """A 40000 x 40000 PNG of 200 kB is refused in little memory."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for name, side in (("bomb.png", 40000), ("large.png", 11000)):  # beyond Pillow's limit, and ours alone
        rows = zlib.compressobj(9)
        data = b"".join(rows.compress(bytes(side // 8 + 1)) for _ in range(side)) + rows.flush()
        header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data)
                                      + chunk(b"IEND", b""))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert "megapixels" in refusal(read_image, tmp_path / name)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


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


@pytest.mark.training
def test_no_warnings_of_pillow_beside_the_error(tmp_path, photograph):
    path = tmp_path / "a.tif"
    Image.fromarray(photograph).save(path, compression="tiff_lzw")
    path.write_bytes(path.read_bytes()[:5000])
    script = "import sys; from data.images import read_image; read_image(sys.argv[1])"
    shown = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert "UserError" in shown.stderr and "Warning" not in shown.stderr


def test_other_formats_are_not_opened(tmp_path, photograph):
    Image.fromarray(photograph).save(tmp_path / "a.png", "TGA")
    assert "unknown format" in refusal(read_image, tmp_path / "a.png")


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


def test_damaged_exif_spoils_no_pixels(tmp_path, photograph):
    Image.fromarray(photograph).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff damaged")
    assert read_image(tmp_path / "a.jpg").shape == photograph.shape


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


def test_check_names_what_was_converted_once(tmp_path, photograph, monkeypatch):
    lines = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: lines.append(text % values))
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"{number:02d}.png"), photograph.astype(np.uint16) * 16)
    check([Sample(path.stem, path) for path in sorted(tmp_path.iterdir())])
    assert lines == ["images of 16 bits that use 0 to 4095, stretched, 12 of 12: 00, 01, 02, 03, 04, 05, 06, 07, 08, "
                     "09 and 2 more"]


@pytest.mark.parametrize("height, width", [(31, 90), (90, 31)])
def test_small_images_are_refused(tmp_path, height, width):
    write_image(tmp_path / "a.png", np.zeros((height, width, 3), np.uint8))
    assert "32 a side" in refusal(lambda path: check_sample(Sample("a", path)), tmp_path / "a.png")


def test_who_reads_the_older_picture_goes_on_reading_it(tmp_path, photograph):
    path = tmp_path / "a.ppm"
    write_image(path, photograph)
    before = path.read_bytes()
    with open(path, "rb") as reader:
        write_image(path, 255 - photograph)
        assert reader.read() == before != path.read_bytes()


def test_errors_are_one_line():
    assert str(UserError("first\nsecond")) == "first second"


@pytest.mark.training
def test_full_disk_leaves_the_older_picture(tmp_path, photograph):
    path = tmp_path / "a.png"
    write_image(path, photograph)
    script = """
import resource, sys
import numpy as np
from data.check import check, check_sample
from data.errors import UserError
from data.images import write_image
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    write_image(sys.argv[1], np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8))
except UserError as error:
    print(error)
"""
    shown = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith(f"{path}: cannot be written")
    assert np.array_equal(read_image(path), photograph)
    assert os.listdir(tmp_path) == ["a.png"]


def test_folder_that_cannot_be_written(tmp_path, photograph):
    (tmp_path / "file").touch()
    assert "cannot be written" in refusal(lambda path: write_image(path, photograph), tmp_path / "file" / "a.png")


@pytest.mark.training
def test_read_only_folder(tmp_path):
    script = """
import os
import numpy as np
from data.check import check, check_sample
from data.errors import UserError
from data.images import write_image
picture = np.zeros((9, 9, 3), np.uint8)
write_image("older.png", picture)
os.chmod(".", 0o555)
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
try:
    write_image("a.png", picture)
except UserError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path,
                           env=environment)
    tmp_path.chmod(0o755)
    assert shown.stdout.startswith("a.png: cannot be written (Permission denied)")
    assert os.listdir(tmp_path) == ["older.png"]


@pytest.mark.parametrize("write", [Image.Image.save, lambda image, path: cv2.imwrite(str(path), np.array(image) * 257)],
                         ids=["8 bits", "16 bits"])
def test_one_flipped_bit_of_a_png_is_noticed_wherever_it_is(tmp_path, write):
    """Pillow alone makes other pixels of a tenth of them, and says nothing."""
    path = tmp_path / "a.png"
    pixels = np.random.default_rng(0).integers(0, 40, (40, 40, 3)).astype(np.uint16)
    write(Image.fromarray(pixels.astype(np.uint8)), path)
    sound, content = read_image(path), path.read_bytes()
    for place in range(8, len(content), 23):
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1:])
        with pytest.raises(UserError, match="a.png: cannot be read"):
            read_image(path)
    path.write_bytes(content + b"more")
    assert np.array_equal(read_image(path), sound)  # what comes after the end is no part of it

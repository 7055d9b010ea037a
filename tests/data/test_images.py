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
from absl import logging
from PIL import Image

from data.errors import UserError
from data.images import check_sample, encode_image, read_image, read_mask, write_image
from data.layouts import Sample


@pytest.fixture
def photograph():
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


@pytest.fixture
def vessels():
    mask = np.zeros((96, 96), np.uint8)
    cv2.line(mask, (5, 5), (90, 80), 255, 7)
    return mask


@pytest.fixture
def warnings(monkeypatch):
    lines = []
    monkeypatch.setattr(logging, "warning", lambda message, *arguments: lines.append(message))
    return lines


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
    for mode, name in (("CMYK", "cmyk.jpg"), ("F", "float.tif"), ("I", "int.tif"), ("LAB", "lab.tif")):
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


def test_orientation_in_exif_is_ignored(tmp_path, photograph):
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees to show"
    Image.fromarray(photograph).save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == photograph.shape


@pytest.mark.parametrize("low, high", [(0, 255), (0, 1), (3, 253), (100, 101)])
def test_two_levels_are_exact(tmp_path, vessels, warnings, low, high):
    write_image(tmp_path / "m.png", np.where(vessels > 0, high, low).astype(np.uint8))
    assert np.array_equal(read_mask(tmp_path / "m.png"), vessels)
    assert not warnings


def test_palette_mask_by_luminance(tmp_path, vessels):
    """Index 0 is the bright colour here: indices must not be taken for levels."""
    mask = Image.fromarray((vessels == 0).astype(np.uint8), mode="P")
    mask.putpalette([253, 253, 253, 3, 3, 3])
    mask.save(tmp_path / "m.gif")
    assert np.array_equal(read_mask(tmp_path / "m.gif"), vessels)


def test_grey_mask_in_rgb(tmp_path, vessels):
    write_image(tmp_path / "m.png", np.dstack([vessels] * 3))
    assert np.array_equal(read_mask(tmp_path / "m.png"), vessels)


@pytest.mark.parametrize("level, expected", [(0, 0), (1, 255), (255, 255)])
def test_mask_of_one_level(tmp_path, level, expected):
    write_image(tmp_path / "m.png", np.full((9, 9), level, np.uint8))
    assert (read_mask(tmp_path / "m.png") == expected).all()


def test_noisy_masks_are_cut_at_half_and_say_so_once(tmp_path, vessels, warnings):
    cv2.imwrite(str(tmp_path / "m.jpg"), vessels, [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert len(np.unique(read_image(tmp_path / "m.jpg"))) > 2
    assert np.array_equal(read_mask(tmp_path / "m.jpg"), vessels)
    read_mask(tmp_path / "m.jpg")
    assert len(warnings) == 1 and "m.jpg" in warnings[0]
    larger = cv2.resize(vessels, (192, 192), interpolation=cv2.INTER_LINEAR)
    write_image(tmp_path / "m.png", larger)
    assert np.array_equal(read_mask(tmp_path / "m.png"), np.where(larger > 127.5, 255, 0))
    assert len(warnings) == 2


def test_what_is_no_mask(tmp_path, vessels):
    write_image(tmp_path / "grey.png", np.tile(np.arange(256, dtype=np.uint8), (9, 1)))
    assert "256 levels" in refusal(read_mask, tmp_path / "grey.png")
    write_image(tmp_path / "colour.png", np.dstack([vessels, vessels, vessels // 2]))
    assert "coloured" in refusal(read_mask, tmp_path / "colour.png")
    labels = (vessels > 0).astype(np.uint8)
    labels[:2] = 2
    labels[30:] = 0  # two rare classes: nearly all pixels are at an end of the range
    write_image(tmp_path / "labels.png", labels)
    assert "3 levels" in refusal(read_mask, tmp_path / "labels.png")
    write_image(tmp_path / "flat.png", np.full((9, 9), 7, np.uint8))
    assert "every pixel" in refusal(read_mask, tmp_path / "flat.png")


def test_check_sample(tmp_path, photograph):
    image, mask, fov = (tmp_path / name for name in ("a.png", "m.png", "f.png"))
    write_image(image, photograph)
    write_image(mask, np.zeros((40, 50), np.uint8))
    write_image(fov, np.full((40, 50), 255, np.uint8))
    assert check_sample(Sample("a", image, mask, fov)) == ((40, 50), ["all background"])
    write_image(mask, np.zeros((50, 40), np.uint8))
    line = refusal(lambda path: check_sample(Sample("a", image, path)), mask)
    assert "40 x 50" in line and "50 x 40" in line
    write_image(fov, np.zeros((40, 50), np.uint8))
    assert "field of view is empty" in refusal(lambda path: check_sample(Sample("a", image, None, path)), fov)


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

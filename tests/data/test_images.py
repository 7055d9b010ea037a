"""Images are written and read back; what is damaged, too large or foreign is refused."""
from __future__ import annotations

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
from PIL import Image

from data.check import check_sample
from data.errors import UserError
from data.images import encode_image, read_image, write_image
from data.layouts import Sample
from data.masks import read_mask
from tests.data.examples import refusal


@pytest.fixture
def mask():
    mask = np.zeros((96, 96), np.uint8)
    cv2.line(mask, (5, 5), (90, 80), 255, 7)
    return mask


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.ppm", "a.bmp"])
def test_colours_survive_writing_and_reading(tmp_path, photograph, name):
    write_image(tmp_path / "new folder" / name, photograph)
    assert np.array_equal(read_image(tmp_path / "new folder" / name), photograph)
    assert os.listdir(tmp_path / "new folder") == [name]


def test_jpg_and_gif(tmp_path, photograph, mask):
    write_image(tmp_path / "a.JPG", photograph)
    assert np.abs(read_image(tmp_path / "a.JPG").astype(int) - photograph).mean() < 3
    write_image(tmp_path / "m.gif", mask[..., None])
    assert np.array_equal(read_mask(tmp_path / "m.gif"), mask)
    with pytest.raises(ValueError):
        write_image(tmp_path / "a.gif", photograph)


@pytest.mark.parametrize("name", ["a.png", "a.TIF", "a.jpg", "a.bmp"])
def test_encoded_bytes_are_those_of_the_file(tmp_path, photograph, name):
    write_image(tmp_path / name, photograph)
    assert encode_image(photograph, Path(name).suffix) == (tmp_path / name).read_bytes()


def test_what_cannot_be_encoded(photograph, mask):
    assert encode_image(mask[..., None], ".gif") == encode_image(mask, ".gif")
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


def test_damaged_exif_spoils_no_pixels(tmp_path, photograph):
    Image.fromarray(photograph).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff damaged")
    assert read_image(tmp_path / "a.jpg").shape == photograph.shape


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

"""Decodes image files without losing what a mask or a photograph needs: 16 bits stay 16 bits.

Files are read with Pillow, because OpenCV does not report a truncated JPG and does not read GIF. A file that can be
converted in several ways is refused, so that the user decides.
"""
from __future__ import annotations

import logging
import struct
import warnings
import zlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError

from data.errors import UserError
from data.finding import FORMATS, MEDICAL, suffix
from data.medical import read_dicom, read_nifti

PIXEL_LIMIT = 100_000_000  # twelve times an HRF photograph; the header of a small file can claim far more
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F")
BITS, PHOTOMETRIC, ORIENTATION, MAX_SAMPLE, PLANES = 258, 262, 274, 281, 284  # tags of TIFF and EXIF
MASK_PAGE = 4  # a value of PHOTOMETRIC
PAGE_LIMIT = 100  # pages of a TIFF that are looked at for the picture
TURNS = {2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.swapaxes(0, 1),
         6: lambda a: np.rot90(a, -1), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: np.rot90}  # by orientation

TURNED = "turned upright as their orientation tag says"  # a note

# What is wrong with a file is reported here, in one line; warnings of other libraries would repeat it.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Picture:
    """What a file holds.

    values: (H, W) grey or (H, W, 3) RGB; uint8 or uint16, or grey int32 or float32. white: the value that stands for
    white as the file says, 0 where it does not. palette: colours come from a palette. lossy: values are near those that
    were meant. notes: conversions that the user has to know. shown: uint8 of the same shape, where the file says how
    its values are to be shown; shown_notes: on that.
    """

    values: np.ndarray
    white: int
    palette: bool
    lossy: bool
    notes: tuple[str, ...]
    shown: np.ndarray | None = None
    shown_notes: tuple[str, ...] = ()


def decode(path: Path) -> Picture:
    """The picture in a file, turned upright as its orientation (EXIF, TIFF) says, as viewers show it.

    Raises UserError: the file cannot be read, is truncated, has more than PIXEL_LIMIT pixels, several pages of which
    none is the picture, transparent pixels, or an unusual kind of pixels.
    """
    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path}: the file is empty (0 bytes); copy it again from its source")
        if suffix(path) in MEDICAL:
            read = read_dicom if MEDICAL[suffix(path)] == "DICOM" else read_nifti
            values, shown, notes, shown_notes = read(path, PIXEL_LIMIT)
            return Picture(values, 0, False, False, tuple(notes), shown, tuple(shown_notes))
        # No other formats: for some, Pillow would start another program.
        with Image.open(path, formats=sorted(set(FORMATS.values()))) as image:
            if image.format == "PNG":
                _check_png(path)
            return _decode(path, image)
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path, "its header claims more than can be read") from error
    except UnidentifiedImageError as error:
        kind = _unusual_tiff(path)
        raise (refused(path, f"pixels of the kind {kind}") if kind else _unreadable(path, error)) from error
    except Exception as error:  # on damaged files Pillow raises many kinds, for example struct.error and KeyError
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: cannot be read, truncated, damaged or of an unknown format ({error}); "
                     "copy it again from its source, or save it as PNG")


def _unusual_tiff(path: Path) -> str:
    """The kind of pixels in a TIFF that Pillow does not know, such as float64; "" for all other files."""
    try:
        with tifffile.TiffFile(path) as file:
            kind = file.pages[0].dtype
    except Exception:  # it is no TIFF, or a damaged one
        return ""
    return str(kind) if kind is not None and (kind.itemsize > 2 or kind.kind == "f") else ""


def refused(path: Path, what: str) -> UserError:
    return UserError(f"{path}: {what}, which no one conversion suits; save it as 8-bit grey or RGB")


def _check_png(path: Path) -> None:
    """ValueError at the first part of a PNG whose checksum is wrong: Pillow does not compare those of the pixels, and
    makes other pixels of them. struct.error where the file ends too early."""
    content, place, kind = memoryview(path.read_bytes()), 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", content[place:place + 8])
        end = place + 8 + length
        if zlib.crc32(content[place + 4:end]) != int.from_bytes(content[end:end + 4], "big"):
            raise ValueError(f"the checksum of its part {kind.decode('latin-1')} at byte {place} is wrong")
        place = end + 4


def _decode(path: Path, image: Image.Image) -> Picture:
    notes, page = [], 0
    if _has_several(image):
        page = _page(path, image)
        image.seek(page)
        notes.append(f"page {page + 1} of several taken")
    tags = getattr(image, "tag_v2", {})
    sixteen = _is_sixteen_bit(image, tags)
    if image.width * image.height > PIXEL_LIMIT:
        raise _too_large(path, f"{image.width} x {image.height} pixels")
    if image.mode not in MODES and not sixteen:
        raise refused(path, f"pixels of the kind {image.mode}")
    if sixteen and tags.get(PHOTOMETRIC) == 0:
        raise refused(path, "16-bit pixels that are white at zero")
    orientation = tags.get(ORIENTATION, 1) if tags else _exif_orientation(image)
    if orientation in TURNS:
        notes.append(TURNED)
    if image.mode == "CMYK":
        notes.append("converted from CMYK without a colour profile")
    palette, lossy = image.mode in ("P", "PA"), image.format in ("JPEG", "MPO")
    image.load()  # turns a TIFF; shows damage, also where OpenCV reads the values
    values = _sixteen(path, image, tags, page, orientation) if sixteen else _eight(path, image)
    shown = None
    if image.format == "PPM" and image.mode == "I":  # the file says which value is white, and Pillow makes it 65535
        values = values.astype(np.uint16)
        shown = np.round(values / 257).astype(np.uint8)
    if not tags:
        values = TURNS.get(orientation, np.asarray)(values)
    stated = tags.get(MAX_SAMPLE, 0)
    white = max(stated) if isinstance(stated, tuple) else stated
    return Picture(np.ascontiguousarray(values), int(white), palette, lossy, tuple(notes), shown)


def _has_several(image: Image.Image) -> bool:
    try:
        return getattr(image, "n_frames", 1) > 1
    except SyntaxError:  # Pillow does not know the pixels of the last page, which may be a mask's
        return True


def _page(path: Path, image: Image.Image) -> int:
    """Of a file with several: the first of an MPO, and of a TIFF the one that is no thumbnail, smaller copy or mask."""
    if image.format == "MPO":
        return 0
    if image.format != "TIFF":
        raise refused(path, f"{image.n_frames} frames")
    with tifffile.TiffFile(path) as file:
        pages = list(islice(file.pages, PAGE_LIMIT + 1))
        sides = {number: page.imagewidth * page.imagelength for number, page in enumerate(pages)
                 if not page.subfiletype & 5 and page.photometric != MASK_PAGE}  # 1 is a smaller copy, 4 a mask
    largest = [number for number, pixels in sides.items() if pixels == max(sides.values())]
    if len(largest) != 1 or len(pages) > PAGE_LIMIT:
        raise refused(path, f"{len(pages)} pages, of which no one is the picture")
    return largest[0]


def _exif_orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # EXIF that is damaged spoils no pixels
        return 1


def _is_sixteen_bit(image: Image.Image, tags) -> bool:
    """Whether the file has 16 bits per value. Only tags or the decoder's raw mode show it, before pixels are loaded."""
    if tags:
        return 16 in tags.get(BITS, ())
    arguments = image.tile[0][3] if image.tile else ""
    raw = arguments if isinstance(arguments, str) else arguments[0]
    return ";16" in str(raw)


def _eight(path: Path, image: Image.Image) -> np.ndarray:
    if image.mode in ("I", "F"):
        return np.array(image)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getextrema()[3] != (255, 255):
            raise refused(path, "transparent pixels")
    return np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _sixteen(path: Path, image: Image.Image, tags, page: int, orientation: int) -> np.ndarray:
    """Read with OpenCV, because Pillow drops bits of colours; with tifffile where OpenCV mixes the planes."""
    planar = tags.get(PLANES) == 2 and len(tags.get(BITS, ())) > 1
    if planar or page:
        try:
            values = tifffile.imread(path, key=page)
        except (KeyError, ValueError) as error:  # tifffile reads some compressions with another package only
            raise UserError(f"{path}: 16-bit pixels in planes or pages, compressed in a way that is not read here "
                            f"({error}); save it without compression, or as PNG") from error
        values = TURNS.get(orientation, np.asarray)(np.moveaxis(values, 0, 2) if planar else values)
    else:  # turns a TIFF
        values = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        if values is not None and values.ndim == 3:
            values = values[..., [2, 1, 0, 3][:values.shape[2]]]
    if values is not None and values.dtype == np.int16 and values.min() >= 0:
        values = values.astype(np.uint16)
    if values is None or values.dtype != np.uint16 or values.ndim == 3 and values.shape[2] not in (3, 4):
        raise refused(path, "16-bit pixels of an unusual kind")
    if values.ndim == 3 and values.shape[2] == 4:
        if values[..., 3].min() < 65535:
            raise refused(path, "transparent pixels")
        values = values[..., :3]
    return values


def _too_large(path: Path, what: str) -> UserError:
    return UserError(f"{path}: {what}, the limit is {PIXEL_LIMIT // 10**6} megapixels; use a smaller copy")

"""Reads an image as 8-bit RGB, and writes one image or mask."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from data.decode import decode, refused
from data.files import write_error, write_file
from data.finding import FORMATS

DEPTHS = (8, 10, 12, 14, 16)  # bits per value of cameras


def read_image(path: Path | str) -> np.ndarray:
    """Reads an image: uint8 (H, W, 3) RGB in 0..255. Errors are those of `image_and_notes`."""
    return image_and_notes(Path(path))[0]


def image_and_notes(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """(uint8 (H, W, 3) RGB, conversions that the user has to know).

    Values of 16 bits are scaled from what the file states to be white; else from the least of DEPTHS that holds them,
    or a photograph of 12 bits would be black.

    Raises UserError: as `data.decode.decode`, or pixels are 32-bit or float, for which no value is white.
    """
    picture = decode(path)
    values, notes = picture.values if picture.shown is None else picture.shown, picture.notes + picture.shown_notes
    if values.dtype == np.uint16:
        top = int(values.max())
        white = picture.white if 0 < picture.white < 65535 and top <= picture.white else next(
            2 ** bits - 1 for bits in DEPTHS if top < 2 ** bits) if top else 65535
        if white < 65535:
            notes = (*notes, f"of 16 bits that use 0 to {white}, stretched")
        values = ((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)
    if values.dtype != np.uint8:
        raise refused(path, f"pixels of the kind {'F' if values.dtype.kind == 'f' else 'I'}, 32 bits")
    return cv2.cvtColor(values, cv2.COLOR_GRAY2RGB) if values.ndim == 2 else values, notes


def write_image(path: Path | str, array: np.ndarray) -> None:
    """Writes an array, as `encode_image` takes it, in the format of the path's suffix.

    A missing folder is made. The file appears complete or not at all.

    Raises:
      UserError: the file cannot be written.
    """
    path = Path(path)
    content = encode_image(array, path.suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    write_file(path, content)


def encode_image(array: np.ndarray, suffix: str) -> bytes:
    """uint8 (H, W), (H, W, 1) or (H, W, 3) RGB -> the bytes of a file in the format of `suffix`, such as ".png".

    GIF is for grey images only. Raises ValueError on another array or suffix.
    """
    form = FORMATS.get(suffix.lower())
    array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    grey = array.ndim == 2
    colour = array.ndim == 3 and array.shape[2] == 3 and form != "GIF"  # its palette would change the colours
    if form is None or array.dtype != np.uint8 or not (grey or colour):
        raise ValueError(f"no way to write {array.dtype} {array.shape} as '{suffix}'")
    encoded = io.BytesIO()
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "TIFF": {"compression": "tiff_adobe_deflate"}}.get(form, {})
    Image.fromarray(array).save(encoded, form, **options)
    return encoded.getvalue()

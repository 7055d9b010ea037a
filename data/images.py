"""Reads, checks and writes one image or mask.

Files are read with Pillow, because OpenCV does not report a truncated JPG, keeps only 8 of 16 bits and does not read
GIF. A file that can be converted to 8-bit RGB in several ways is refused, so that the user decides. The orientation in
EXIF is ignored on purpose: masks are drawn on the stored pixel grid.
"""

from __future__ import annotations

import functools
import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from absl import logging
from PIL import Image
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION

from data.errors import UserError
from data.files import write_error, write_file
from data.finding import FORMATS, Sample

PIXEL_LIMIT = 100_000_000  # twelve times an HRF photograph; the header of a small file can claim far more
NEAR = 0.10  # a pixel is "near" the darkest or brightest level of a mask within this share of the range between them
NEAR_SHARE = 0.95  # a mask with more than two levels is accepted if this share of its pixels is near either of them

# This module reports bad files itself, in one line; Pillow's warnings would repeat it.
warnings.filterwarnings("ignore", module=r"PIL\.")


def read_image(path: Path | str) -> np.ndarray:
    """Reads an image: uint8 (H, W, 3) RGB in 0..255. Values of 16-bit files are divided by 257.

    Raises:
      UserError: the file cannot be read, is truncated, has more than PIXEL_LIMIT pixels, several pages, transparent
        pixels, or float or CMYK pixels.
    """
    pixels, _ = _decode(Path(path))
    return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels


def read_mask(path: Path | str) -> np.ndarray:
    """Reads a mask: uint8 (H, W), 0 background and 255 foreground, the brighter of the two levels in the file.

    A mask with a few levels in between, from JPG compression or resizing, gets a threshold in the middle of its range
    and a warning, once per file.

    Raises:
      UserError: as `read_image`; or the mask has colours, or many pixels between its two levels.
    """
    mask, exact = _binary(Path(path))
    if not exact:
        _warn_once(f"{path}: the mask is not two-level (JPG noise or resizing?), cut at half of its range")
    return mask


def check_sample(sample: Sample) -> tuple[tuple[int, int], list[str]]:
    """Opens every file of a sample.

    Returns:
      (H, W) of the image, and remarks to warn about: "cut at half" (the mask has more than two levels, see
      `read_mask`), "all background".
    Raises:
      UserError: a file cannot be used, a mask or field of view differs from the image in size, or a field of view is
        empty.
    """
    height, width = _decode(sample.image)[0].shape[:2]
    remarks: list[str] = []
    for role, path in (("mask", sample.mask), ("field of view", sample.fov)):
        if path is None:
            continue
        mask, exact = _binary(path)
        if mask.shape != (height, width):
            raise UserError(f"{path}: the {role} is {mask.shape[1]} x {mask.shape[0]} pixels, its image "
                            f"{sample.image} is {width} x {height}; both have to lie on the same grid")
        if not exact:
            remarks.append("cut at half")
        if not mask.any():
            if role != "mask":
                raise UserError(f"{path}: the field of view is empty; paint it white or remove the file")
            remarks.append("all background")
    return (height, width), remarks


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


def _decode(path: Path) -> tuple[np.ndarray, bool]:
    """(uint8 pixels, (H, W) grey or (H, W, 3) RGB; whether the colours come from a palette)."""
    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path}: the file is empty (0 bytes); copy it again from its source")
        # No other formats: for some, Pillow would start another program.
        with Image.open(path, formats=sorted(set(FORMATS.values()))) as image:
            _check_header(path, image)
            sixteen, palette = _is_sixteen_bit(image), image.mode in ("P", "PA")
            image.load()
            if sixteen:
                return _sixteen_to_eight(path), False
            if "A" in image.getbands() or "transparency" in image.info:
                image = image.convert("RGBA")
                if image.getextrema()[3] != (255, 255):
                    raise _refused(path, "transparent pixels")
            return np.array(image.convert("L" if image.mode in ("1", "L") else "RGB")), palette
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path, "its header claims more than can be read") from error
    except Exception as error:  # on damaged files Pillow raises many kinds, for example struct.error and KeyError
        raise UserError(f"{path}: cannot be read, truncated, damaged or of an unknown format ({error}); "
                        "copy it again from its source, or save it as PNG") from error


def _check_header(path: Path, image: Image.Image) -> None:
    if image.width * image.height > PIXEL_LIMIT:
        raise _too_large(path, f"{image.width} x {image.height} pixels")
    if getattr(image, "n_frames", 1) > 1:
        raise _refused(path, f"{image.n_frames} pages or frames")
    sixteen = _is_sixteen_bit(image)
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA") and not sixteen:
        raise _refused(path, f"pixels of the kind {image.mode}")
    if sixteen and getattr(image, "tag_v2", {}).get(PHOTOMETRIC_INTERPRETATION) == 0:
        raise _refused(path, "16-bit pixels that are white at zero")


def _refused(path: Path, what: str) -> UserError:
    return UserError(f"{path}: {what}, which no one conversion suits; save it as 8-bit grey or RGB")


def _too_large(path: Path, what: str) -> UserError:
    return UserError(f"{path}: {what}, the limit is {PIXEL_LIMIT // 10**6} megapixels; use a smaller copy")


def _is_sixteen_bit(image: Image.Image) -> bool:
    """Whether the file has 16 bits per value. Only the decoder's raw mode shows it, before the pixels are loaded."""
    arguments = image.tile[0][3] if image.tile else ""
    raw = arguments if isinstance(arguments, str) else arguments[0]
    return ";16" in str(raw)


def _sixteen_to_eight(path: Path) -> np.ndarray:
    """Values divided by 257: uint8 (H, W) or (H, W, 3) RGB. Read with OpenCV, because Pillow drops bits of colours."""
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise _refused(path, "16-bit pixels of an unusual kind")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        if pixels[..., 3].min() < 65535:
            raise _refused(path, "transparent pixels")
        pixels = pixels[..., :3]
    eight = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return eight if eight.ndim == 2 else np.ascontiguousarray(eight[..., ::-1])


def _binary(path: Path) -> tuple[np.ndarray, bool]:
    """(mask, uint8 (H, W) 0/255; whether the file has no more than two levels)."""
    pixels, palette = _decode(path)
    grey, coloured = pixels, False
    if pixels.ndim == 3:
        coloured = bool((pixels != pixels[..., :1]).any())
        if coloured and not palette:
            raise UserError(f"{path}: the mask is coloured; save it with two grey levels, 0 and 255")
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    levels = np.flatnonzero(np.bincount(grey.ravel(), minlength=256))
    low, high = int(levels[0]), int(levels[-1])
    if len(levels) == 1:
        if low not in (0, 1) and low < 128:
            raise UserError(f"{path}: every pixel of the mask is {low}; background is 0, foreground 255")
        return np.full_like(grey, 255 if low else 0), True
    if len(levels) > 2:
        margin = NEAR * (high - low)
        near = ((grey <= low + margin) | (grey >= high - margin)).mean()
        # If the range is less than half of 0..255, or if there are colours, this is a map of labels, not a mask.
        if high - low < 128 or coloured or near < NEAR_SHARE:
            raise UserError(f"{path}: the mask has {len(levels)} levels from {low} to {high}, {near:.0%} of "
                            "pixels near either end; save it with two levels, 0 and 255")
    mask = np.where(grey > (low + high) / 2, np.uint8(255), np.uint8(0))
    return mask, len(levels) == 2


@functools.cache
def _warn_once(message: str) -> None:
    logging.warning(message)

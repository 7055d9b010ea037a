"""Views: images cropped to their field of view and scaled alike for all data sets.

All networks work at the scale of DRIVE, 540 pixels across the field of view, whatever the resolution of the camera.
Results are measured on the pixel grid of the file, the native grid, so each view stores where it lies there.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from data.images import read_image
from data.layouts import Sample, samples
from data.masks import read_mask

ACROSS = 540        # pixels across DRIVE's field of view
SAME_SCALE = 0.02   # a scale this close to 1 is not applied: DRIVE's fields of view differ by some pixels
DARK = 20           # grey levels; JPG noise outside of the field of view is darker
LEAST_SHARE = 0.4   # of the image; a smaller bright region is an object, not the field of view


@dataclass(frozen=True)
class View:
    """One image at the working scale.

    stem, patient: as in `Sample`; patient is "" where nobody was photographed.
    image: uint8 (h, w, 3) RGB, black outside the field of view.
    mask: uint8 (h, w), 0 or 255, or None.
    fov: uint8 (h, w), 255 inside the field of view, else 0.
    box: (top, left, bottom, right) of the view on the native grid, in pixels.
    native_shape: (H, W) of the image file.
    """

    stem: str
    image: np.ndarray
    mask: np.ndarray | None
    fov: np.ndarray
    box: tuple[int, int, int, int]
    native_shape: tuple[int, int]
    patient: str = ""


def find_field_of_view(image: np.ndarray) -> np.ndarray:
    """Finds the field of view of a fundus photograph: uint8 (H, W, 3) RGB -> uint8 (H, W), 255 inside, else 0.

    It is a large bright region, and the corners of the image are dark. Cameras cut it out as a disc, so what is dark
    between bright parts belongs to it: shadows at the rim, and vessels that leave it. If there is no such region, the
    whole image is the field of view.
    """
    height, width = image.shape[:2]
    whole = np.full((height, width), 255, np.uint8)
    step = max(1, max(height, width) // 1000)  # a thousand pixels are precise enough, and faster
    bright = cv2.medianBlur(np.ascontiguousarray(image[::step, ::step].max(axis=2)), 5)
    level = max(DARK, 0.15 * np.percentile(bright, 95))
    corner = max(2, min(bright.shape) // 50)
    corners = [bright[rows, columns] for rows in (slice(corner), slice(-corner, None))
               for columns in (slice(corner), slice(-corner, None))]
    if max(float(np.median(patch)) for patch in corners) > level:
        return whole
    contours, _ = cv2.findContours((bright > level).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea, default=None)
    if largest is None or cv2.contourArea(largest) < LEAST_SHARE * bright.size:
        return whole
    filled = cv2.fillConvexPoly(np.zeros_like(bright), cv2.convexHull(largest), 255)
    return cv2.resize(filled, (width, height), interpolation=cv2.INTER_NEAREST)


def resize(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(h, w) or (h, w, C) -> the same type at `shape` (height, width): area averages to shrink, cubic to enlarge."""
    shrinks = shape[0] < picture.shape[0]
    return cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def resize_mask(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """uint8 (h, w) 0/255 -> uint8 `shape` 0/255: a pixel is 255 if the interpolated value is at least half of that."""
    return np.where(resize(mask, shape) >= 128, 255, 0).astype(np.uint8)


def field_of_view(sample: Sample, image: np.ndarray) -> np.ndarray:
    """The field of view of a sample whose photograph is `image`, uint8 (H, W, 3) -> uint8 (H, W), 255 inside, else 0.

    It is read from the sample's file. Without a file it is searched for in fundus photographs; for other modalities
    it is the whole image. Raises UserError as `read_mask` does.
    """
    if sample.fov:
        return read_mask(sample.fov)
    if sample.modality == "fundus":
        return find_field_of_view(image)
    return np.full(image.shape[:2], 255, np.uint8)


def load_view(sample: Sample) -> View:
    """Reads a sample, crops it to the bounding box of the field of view, and scales the longer side to ACROSS pixels.

    Raises UserError as `read_image` and `read_mask` do.
    """
    image = read_image(sample.image)
    mask = read_mask(sample.mask, sample.foreground) if sample.mask else None
    fov = field_of_view(sample, image)
    native_shape = fov.shape
    left, top, width, height = cv2.boundingRect(fov)
    inside = np.s_[top:top + height, left:left + width]
    image, fov, mask = image[inside], fov[inside], None if mask is None else mask[inside]
    scale = ACROSS / max(height, width)
    if abs(scale - 1) > SAME_SCALE:
        shape = tuple(max(1, round(side * scale)) for side in (height, width))
        image, fov = resize(image, shape), resize_mask(fov, shape)
        mask = None if mask is None else resize_mask(mask, shape)
    image = np.where(fov[..., None] > 0, image, 0).astype(np.uint8)
    return View(sample.stem, image, mask, fov, (top, left, top + height, left + width), native_shape,
                sample.patient)


def load_views(spec: str, split: str, masks: bool = True, modality: str = "",
               foreground: tuple[str, ...] = ()) -> list[View]:
    """All views of a data set. Arguments are those of `layouts.samples`. Raises UserError as it and `load_view` do."""
    return [load_view(sample) for sample in samples(spec, split, masks, modality, foreground)]


def to_native(view: View, picture: np.ndarray) -> np.ndarray:
    """float32 (h, w) in [0, 1] on the grid of the view -> float32 (H, W) on the native grid, 0 outside the view."""
    top, left, bottom, right = view.box
    native = np.zeros(view.native_shape, np.float32)
    inside = cv2.resize(picture.astype(np.float32), (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)
    native[top:bottom, left:right] = np.clip(inside, 0, 1)
    return native


def square(picture: np.ndarray, size: int) -> np.ndarray:
    """(h, w) or (h, w, C) -> (size, size) or (size, size, C): padded with black to a square, then scaled.

    An array (h, w) has to be a mask, uint8 0/255, and remains one. Of C = 1 only (size, size) remains.
    """
    height, width = picture.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    border = [(top, side - height - top), (left, side - width - left)] + [(0, 0)] * (picture.ndim - 2)
    padded = np.pad(picture, border)
    return resize_mask(padded, (size, size)) if picture.ndim == 2 else resize(padded, (size, size))

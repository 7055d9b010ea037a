"""Finds copies of test images among the images of trainings, by what the pictures show and not by their names."""
from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from absl import logging
from PIL import Image

from data.errors import UserError, listed
from data.finding import FORMATS, Sample
from data.images import read_image

SIDE, BLUR, RIM = 64, 3.0, 4  # pixels, of the small pictures that are compared
# Correlation of two small pictures. Of all pairs of photographs in CHASE_DB1 and HRF it is 0.88 at most, and of a
# photograph and itself at a third of its size, as JPEG of quality 50, 0.99 at least.
ALIKE = 0.95


def copies(tests: Iterable[Sample], others: Iterable[Sample]) -> list[tuple[Sample, Sample]]:
    """(test sample, other sample) whose images have the same pixels, whatever their files are called. UserError as
    `read_image`."""
    found, tests, others = [], list(tests), list(others)
    sizes = {_size(test.image) for test in tests}
    suspects = [other for other in others if None in sizes or _size(other.image) in {None, *sizes}] if tests else []
    by_pixels = {}
    for other, pixels in zip(suspects, _each(_pixels, suspects)):
        by_pixels.setdefault(pixels, []).append(other)
    if suspects:
        for test, pixels in zip(tests, _each(_pixels, tests)):
            found += [(test, other) for other in by_pixels.get(pixels, [])]
    return found


def without_copies(samples: Iterable[Sample], of: Iterable[Sample]) -> list[Sample]:
    """The samples whose images are no copies of an image of `of`. UserError as `read_image`."""
    samples = list(samples)
    same = {sample.image for _, sample in copies(of, samples)}
    return [sample for sample in samples if sample.image not in same]


def warn_of_twins(samples: list[Sample]) -> None:
    """One warning that names images of two patients with the same pixels: one may be held out while the other trains.
    UserError as `read_image`."""
    first: dict[str, Sample] = {}
    twins = [(first.setdefault(pixels, sample), sample) for pixels, sample in zip(fingerprints(samples), samples)]
    shown = [f"{other.image} is a copy of {one.image}" for one, other in twins if one.patient != other.patient]
    if shown:
        logging.warning("%d training images count as other patients' though they are copies, so that --validation and "
                        "audit may take one for unseen: %s. Remove one of each two", len(shown), listed(shown))


def fingerprints(samples: Iterable[Sample]) -> list[str]:
    """Of each image sha256 (hex) over its size and pixels, whatever its file is called and how it is compressed.
    UserError as `read_image`."""
    return _each(_pixels, list(samples))


def refuse_copies(tests: list[Sample], others: list[Sample], where: str) -> None:
    """UserError where an image of `others`, which trainings see, is a copy of a test image; `where` says whose."""
    found = copies(tests, others)
    if found:
        shown = listed(f"{other.image} is a copy of {test.image}" for test, other in found)
        raise UserError(f"{where} holds test images, which no training may see: {shown}. Remove one of each two")


def warn_of_look_alikes(tests: list[Sample], others: list[Sample]) -> None:
    """One warning that names images of `others` that look as a test image does at another size or compression."""
    if not tests or not others:
        return
    one, other = (np.stack(list(_each(_small, samples))) for samples in (tests, others))
    pairs = np.argwhere(one @ other.T > ALIKE)
    if len(pairs):
        shown = listed(f"{others[j].image} like {tests[i].image}" for i, j in pairs)
        logging.warning("%d images that trainings see look like test images, as copies of another size or compression "
                        "do: %s", len(pairs), shown)


def _each(function: Callable, samples: list[Sample]):
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow and OpenCV work without holding Python's lock
        return list(pool.map(lambda sample: function(sample.image), samples))


def _size(path: Path) -> tuple[int, ...] | None:
    """Both sides, the shorter first: an image that is stored turned has the same. None where only `read_image` can say:
    of several pages, in a format that Pillow does not know, or damaged."""
    try:
        with Image.open(path, formats=sorted(set(FORMATS.values()))) as image:
            several = image.format != "MPO" and getattr(image, "n_frames", 1) > 1
            return None if several else tuple(sorted(image.size))
    except Exception:  # whatever Pillow raises: `read_image` says what is wrong
        return None


def _pixels(path: Path) -> str:
    image = read_image(path)
    return hashlib.sha256(np.array(image.shape).tobytes() + image.tobytes()).hexdigest()


def _small(path: Path) -> np.ndarray:
    """float32 (n,) of length 1: the picture at SIDE x SIDE without what is smooth in it, such as the light."""
    grey = cv2.resize(cv2.cvtColor(read_image(path), cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    fine = grey.astype(np.float32) - cv2.GaussianBlur(grey.astype(np.float32), (0, 0), BLUR)
    fine = fine[RIM:-RIM, RIM:-RIM].ravel()
    return fine / max(float(np.linalg.norm(fine)), 1e-6)

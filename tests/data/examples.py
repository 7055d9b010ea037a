"""Small files that several tests write, and how they read them."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from data.errors import UserError
from data.images import write_image
from data.layouts import samples
from data.masks import read_mask

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
MASK = np.where(IMAGE[..., 0] > 200, 255, 0).astype(np.uint8)


def write(root, *names):
    """A mask for names that say so, a photograph otherwise."""
    for name in names:
        is_mask = any(word in name.lower() for word in ("mask", "manual", "gold", "ho.", "label", "fov"))
        write_image(root / name, MASK if is_mask else IMAGE)


def stems(spec, split="train", **options):
    return [sample.stem for sample in samples(spec, split, **options)]


def refusal(read, path, *more):
    """The one line with which read(path, *more) refuses the file; it names the file."""
    with pytest.raises(UserError) as error:
        read(path, *more)
    line = str(error.value)
    assert str(path) in line
    assert "\n" not in line
    return line


def grey(path, levels):
    assert cv2.imwrite(str(path), levels)


def is_mask(path, truth, foreground=()):
    return np.array_equal(read_mask(path, foreground) > 0, truth)


def row(number):
    """A pair, as a store has them."""
    rng = np.random.default_rng(number)
    return {"masks": rng.integers(0, 2, (16, 24, 1), dtype=np.uint8) * np.uint8(255),
            "images": rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)}

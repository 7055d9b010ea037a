"""Procedural pairs as the training set of an arm: what is reached without any GAN.

    python -m data.phantom.pairs --kind=retina --out=checkpoints/quick/phantom.h5 --count=50 --seed=1000
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from data.errors import errors_in_one_line
from data.fundus import ACROSS, square
from data.pairs import PairWriter
from data.phantom import cells, datasets, retina

KINDS = ("retina", "cells")
SIZE = 512  # pixels, as Stage-II renders


def draw_pair(kind: str, seed: int, number: int) -> dict[str, np.ndarray]:
    """One row as synthetic.h5 has them: masks (512, 512, 1), images (512, 512, 3), fovs (512, 512, 1), all uint8.

    A retina is cropped to its field of view, as every photograph is before training; a cell fills the picture.
    The random numbers are never those of `make_phantoms`, whatever the seeds, so no row is one of its test pictures.
    """
    rng = np.random.default_rng([seed, len(datasets.COUNTS) + KINDS.index(kind), number])
    if kind == "cells":
        grey, mask = cells.cell(rng)
        image, fov = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.full_like(mask, 255)
    else:
        eye = retina.fundus(rng, (ACROSS + 44, ACROSS + 44), ACROSS)
        left, top, width, height = cv2.boundingRect(eye.fov)
        inside = np.s_[top:top + height, left:left + width]
        image, mask, fov = eye.image[inside], eye.vessels[inside], eye.fov[inside]
    image, mask, fov = (square(picture, SIZE) for picture in (image, mask, fov))
    return {"masks": np.minimum(mask, fov)[..., None], "fovs": fov[..., None],
            "images": np.where(fov[..., None] > 0, image, 0).astype(np.uint8)}


def write_pairs(out: Path | str, kind: str, count: int, seed: int) -> None:
    """Writes `count` pairs to `out`, complete or not at all; the same bytes of data for the same seed, and row i is
    the same for any count. Raises UserError where `out` cannot be written."""
    with PairWriter(out, {"seed": seed, "phantom": kind}) as writer:
        for number in range(count):
            writer.append(**draw_pair(kind, seed, number))


def main(out: str, kind: str, count: int, seed: int) -> None:
    with errors_in_one_line(out):
        write_pairs(out, kind, count, seed)
    print(f"{out}: {count} procedural pairs ({kind}), seed {seed}")


if __name__ == "__main__":
    from absl import app, flags

    OUT = flags.DEFINE_string("out", None, "The pairs (HDF5).", required=True)
    KIND = flags.DEFINE_enum("kind", None, KINDS, "What is drawn.", required=True)
    COUNT = flags.DEFINE_integer("count", 50, "Pairs to draw.", lower_bound=1)
    SEED = flags.DEFINE_integer("seed", 1000, "Of the random numbers.", lower_bound=0)
    app.run(lambda _: main(OUT.value, KIND.value, COUNT.value, SEED.value))

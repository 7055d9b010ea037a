"""Stage-II's training pairs, prepared once and kept in the run folder, so that thousands of photographs need no memory.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
from absl import logging

from data import layouts
from data.fundus import load_view, square
from data.pairs import PairReader, PairWriter
from stage2_pix2pix.inputs import Pair, Pairs

VERSION = 1  # of what is done to a sample; a file of another version is made again


def prepare(sample: layouts.Sample, size: int) -> Pair:
    """A sample at size x size pixels, nothing of its mask or photograph outside the field of view. UserError as
    `load_view`."""
    view = load_view(sample)
    photograph, fov = square(view.image, size), square(view.fov, size)
    photograph[fov == 0] = 0
    return Pair(square(np.minimum(view.mask, view.fov), size), fov, photograph)


def prepared(samples: list[layouts.Sample], size: int, path: Path, identity: dict, imitated: int = 0) -> Pairs:
    """The pairs of the samples, in their order, from the file `path`. It is written first unless it is there and of the
    same samples, size and `identity`.

    Args:
      identity: what the samples follow from: data sets with their checksum, and how they are read.
      imitated: as in `Pairs`.
    Raises:
      UserError: a sample cannot be read; `path` is damaged, cannot be written, or is a file that this project did not
        make.
    """
    attributes = {"version": VERSION, "size": size, **identity}
    if not path.exists() or _attributes(path) != attributes:
        logging.info("Stage-II: preparing %d pairs -> %s", len(samples), path)
        with PairWriter(path, attributes, compressed=False) as writer:
            for sample in samples:
                pair = prepare(sample, size)
                writer.append(masks=pair.mask[..., None], images=pair.photograph, fovs=pair.fov[..., None])
    return Pairs(path, imitated)


def _attributes(path: Path) -> dict:
    with PairReader(path) as reader:
        return reader.attributes

"""Renders masks and writes the pairs: masks of Stage-I or, if none are given, the real training masks, and in a file
of their own those that all trainings held out.

python -m stage2_pix2pix.generate --model=checkpoints/quick/stage2 --masks=checkpoints/quick/masks.h5 \
    --out=checkpoints/quick/synthetic.h5
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import tensorflow as tf
from absl import logging

from data.errors import UserError
from data.files import OutputFolder, checksum
from data.fundus import View, load_view, resize_mask, square
from data.images import encode_image
from data.layouts import training
from data.pairs import PairReader
from data.parts import Parts, write_rows
from data.randomness import numpy_generator
from data.rims import describe, draw
from data.shards import shard_rows
from stage2_pix2pix import architectures
from stage2_pix2pix.config import PairsConfig, Stage2Config
from stage2_pix2pix.grain import BINS, grain
from stage2_pix2pix.inputs import COLOURS, FOVS
from stage2_pix2pix.sheet import contact_sheet
from training.cli import run
from training.run_folder import read_config, read_record
from training.weights import load_array, load_weights

HELD_OUT = 10  # renderings of held-out masks, in turn: each is drawn in several colours
REMEDY = "train Stage-II first (make stage2)"


def load_codes(folder: Path, architecture: ModuleType, remedy: str = REMEDY) -> np.ndarray:
    """float32 (N, K): colours for renderings. Raises UserError where they are missing or damaged, with the remedy, or
    of another version."""
    path = folder / "codes.npy"
    codes = load_array(path, remedy)
    if codes.shape[1:] != (architecture.CODE,):
        raise UserError(f"{folder} is of another version of this program, which described colours by other numbers: "
                        "train Stage-II again, in a new folder (another RUN, or make clean)")
    if not len(codes) or codes.dtype != np.float32:
        raise UserError(f"{path} is damaged (it holds {len(codes)} colours, {codes.dtype}): {remedy}")
    return codes


def load_power(folder: Path) -> np.ndarray:
    """float32 (BINS, 3): the power of grain. UserError where it is missing or damaged."""
    path = folder / "grain.npy"
    power = load_array(path, REMEDY)
    if power.shape != (BINS, 3) or power.dtype != np.float32 or power.min() < 0:
        raise UserError(f"{path} is damaged ({power.dtype} {power.shape}, not powers of {BINS} frequencies): {REMEDY}")
    return power


class Renderer:
    """A trained Stage-II: renderer(row, mask, fov) -> photograph, all of whose random numbers follow from seed and row.

    mask, fov: uint8 (S, S), 0 or 255. photograph: uint8 (S, S, 3) RGB, black outside of the field of view. config: its
    options. networks, codes: what renders, and colours of which each rendering has some (stage2_pix2pix.architectures).
    Raises UserError if the model is missing or damaged.
    """

    def __init__(self, folder: Path | str, seed: int):
        folder = Path(folder)
        self.config, self._seed = read_config(folder, Stage2Config, REMEDY), seed
        self._architecture = architectures.load(self.config.architecture)
        self.networks = self._architecture.networks(self.config)
        for name, network in self.networks.items():
            load_weights(network, folder / f"{name}.h5", REMEDY)
        self.codes = load_codes(folder, self._architecture)
        self._power = load_power(folder) if self.config.grain else None

    def __call__(self, row: int, mask: np.ndarray, fov: np.ndarray) -> np.ndarray:
        random = numpy_generator(self._seed, row, COLOURS)
        code = self.codes[random.integers(len(self.codes))]
        image = self._architecture.render(self.networks, self.config, mask, fov, code, self._seed, row)
        return image if self._power is None else with_grain(image, fov, self._power, random)

    def traced(self, mask: tf.Tensor, fov: tf.Tensor, code: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """As the architecture's `traced`: float32 (S, S, 3) in [-1, 1], without grain."""
        return self._architecture.traced(self.networks, self.config, mask, fov, code, self._seed, row)


def generate(config: PairsConfig) -> None:
    """Writes the pairs to config.out (HDF5), and a contact sheet beside it (PNG); with config.shard, the parts of this
    share (data/parts.py).

    Where the real training masks are rendered, OUT_held_out.h5 beside it gets renderings of those that were held out
    (--validation), if there are any: Stage-II has not seen these masks, nor the U-Nets their photographs. Raises
    UserError if the model or the masks are missing or damaged, or if an output file exists that this project did not
    write.
    """
    out, renderer = Path(config.out), Renderer(config.model, config.seed)
    stage2 = renderer.config
    folder, sheet, unseen = OutputFolder(out.parent, "--out"), f"{out.stem}.png", f"{out.stem}_held_out.h5"
    annotated, held_out = training(stage2.pairs, stage2.validation, stage2.modality, stage2.foreground)
    held_out = [] if config.masks else held_out
    folder.check([out.name, sheet, *([unseen] if held_out else [])])

    def write(path, count, masks, first_row=0, finish=lambda rows: None, shard=""):
        def make(row):
            mask, fov = masks(row)
            return {"masks": mask[..., None], "images": renderer(first_row + row, mask, fov), "fovs": fov[..., None]}

        write_rows(path, attributes, count, make, finish, shard)
        if not shard:
            logging.info("%d pairs in %s", count, path)

    def finish(rows):  # before config.out appears, which make takes for a sign that all is there
        shown = contact_sheet([row["masks"][..., 0] for row in rows], [row["images"] for row in rows])
        folder.write(sheet, encode_image(shown, ".png"))
        logging.info("contact sheet in %s", folder.path / sheet)

    stage1, count, masks = masks_to_render(config, [load_view(sample) for sample in annotated], stage2.size)
    weights = {name: checksum(Path(config.model) / f"{name}.h5") for name in renderer.networks}
    attributes = {"seed": config.seed, "stage1": stage1, "weights": weights,
                  "stage2": read_record(config.model, REMEDY)}
    if held_out and not config.shard:  # first, for the same reason
        *_, few = masks_to_render(config, [load_view(sample) for sample in held_out], stage2.size)
        write(folder.path / unseen, HELD_OUT, few, config.count)
    write(out, count, masks, 0, finish, config.shard)


def masks_to_render(config: PairsConfig, views: list[View], size: int) \
        -> tuple[dict | None, int, Callable[[int], tuple[np.ndarray, np.ndarray]]]:
    """(attributes of the file of masks or None, the number of masks, number -> mask and field of view, both uint8
    (size, size) 0/255).

    With config.masks, these are the masks of that file, each with a field of view that is drawn as those of the `views`
    are (data/rims.py); with a shard, its parts will do. Without it, they are the masks and fields of view of the
    `views`, in turn, config.count pairs.
    """
    if not config.masks:
        masks = [square(np.minimum(view.mask, view.fov), size) for view in views]
        fovs = [square(view.fov, size) for view in views]
        return None, config.count, lambda row: (masks[row % len(masks)], fovs[row % len(fovs)])
    if config.shard and not Path(config.masks).exists():
        reader, count = Parts(config.masks), config.count
        for row in shard_rows(config.shard, count)[:1]:  # raises where it is not there
            reader[row]
    else:
        reader = PairReader(config.masks, made_by="make stage1")
        count = len(reader)

    rims = describe([view.fov for view in views])

    def drawn(row):
        return in_field_of_view(reader[row]["masks"][..., 0], rims, size, config.seed, row)

    return reader.attributes, count, drawn


def in_field_of_view(mask: np.ndarray, rims: np.ndarray, size: int, seed: int, row: int) \
        -> tuple[np.ndarray, np.ndarray]:
    """A drawn mask, uint8 (h, w) -> (mask, fov), uint8 (size, size) 0/255: in a field of view that seed and row choose,
    and without what lies out of it. rims: as data/rims.py describes fields of view."""
    fov = draw(rims, size, numpy_generator(seed, row, FOVS))
    return np.minimum(resize_mask(mask, fov.shape), fov), fov


def with_grain(image: np.ndarray, fov: np.ndarray, power: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """uint8 (S, S, 3) -> the same with `grain` inside the field of view, uint8 (S, S).

    The strength of the grain varies at random from 0.5 to 1.5 times that of `power`.
    """
    noise = grain(power, len(image), random) * random.uniform(0.5, 1.5)
    return np.where(fov[..., None] > 0, np.clip(np.round(image + noise), 0, 255), 0).astype(np.uint8)


if __name__ == "__main__":
    run(generate, PairsConfig)

"""Draws masks with a trained Stage-I, or photographs with a single GAN.

python -m stage1_dcgan.generate --model=checkpoints/quick/stage1 --count=50 --out=checkpoints/quick/masks.h5
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from absl import logging

from data import layouts
from data.files import OutputFolder, checksum
from data.fundus import load_view, resize, square
from data.images import encode_image
from data.parts import Row, write_rows
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage1_dcgan.drawing import measured
from stage1_dcgan.inputs import draw_z, grey
from stage1_dcgan.networks import generator
from training import nearest
from training.cli import run
from training.pictures import grid
from training.run_folder import read_config, read_record
from training.weights import load_weights

REMEDY = "train it first (make stage1, or make evidence for the single GAN)"


class Drawer:
    """A trained Stage-I: drawer(seed, number) -> float32 (s, s, C) in [-1, 1].

    config: its options. network: its generator. Raises UserError if the model is missing or damaged.
    """

    def __init__(self, folder: Path | str):
        self.config = read_config(folder, Stage1Config, REMEDY)
        self.network = generator(self.config.size, self.config.base, self.config.channels)
        load_weights(self.network, Path(folder) / "generator.h5", REMEDY)

    def __call__(self, seed: int, number: int) -> np.ndarray:
        return self.network(draw_z(seed, number)[None], training=False).numpy()[0]


def generate(config: MasksConfig) -> None:
    """Draws masks or photographs to config.out (HDF5), and a contact sheet beside it (PNG); with config.shard, the
    parts of this share (data/parts.py).

    Raises UserError if the model is missing or damaged, or if an output file exists that this project did not write.
    """
    drawer, out = Drawer(config.model), Path(config.out)
    folder, sheet = OutputFolder(out.parent, "--out"), f"{out.stem}.png"
    folder.check([out.name, sheet])

    def draw(number):
        return drawer(config.seed, number)

    of = of_masks if drawer.config.draw == "masks" else of_photographs
    make, pictures, how = of(draw, config, drawer.config)

    def finish(rows):  # before config.out appears, which make takes for a sign that all is there
        folder.write(sheet, encode_image(grid(pictures(rows), columns=4), ".png"))
        logging.info("%d %s in %s, contact sheet in %s", config.count, drawer.config.draw, out, folder.path / sheet)

    attributes = {"seed": config.seed, **how, "weights": checksum(Path(config.model) / "generator.h5"),
                  "stage1": read_record(config.model, REMEDY)}
    write_rows(out, attributes, config.count, make, finish, config.shard)


def of_masks(draw: Callable[[int], np.ndarray], config: MasksConfig, stage1: Stage1Config) \
        -> tuple[Callable[[int], Row], Callable[[list[Row]], list[np.ndarray]], dict]:
    """(number -> a row of masks.h5, rows -> pictures for the contact sheet, what masks.h5 records of how it was made).

    `draw`: number -> float32 (s, s, 1) in [-1, 1].
    """
    samples, _ = layouts.training(stage1.pairs, stage1.validation, stage1.modality, stage1.foreground)
    views = [load_view(sample) for sample in samples]
    recipe = measured(draw, config, stage1, views, samples[0].modality == "fundus")
    training = [square(np.minimum(view.mask, view.fov), config.mask_size) for view in views]

    def make(number):
        drawn = draw(number)
        return {"masks": recipe.mask(drawn[..., 0], config.seed, number)[..., None], "raw": grey(drawn)}

    return make, lambda rows: beside_nearest([row["masks"][..., 0] for row in rows], training), recipe.record


def beside_nearest(masks: list[np.ndarray], training: list[np.ndarray]) -> list[np.ndarray]:
    """Each mask, and right of it the nearest training mask, mirrored, turned and shifted as it was found (paper,
    Figure 4): uint8 (S, S) 0/255 -> uint8 (256, 512)."""
    bank = nearest.Bank(training)
    matches = [nearest.find(mask, bank) for mask in masks]
    # Shrunk as grey pictures are: as masks, their thin vessels would break into dashes.
    return [square(np.hstack([mask, nearest.apply(match, training[match.training])])[..., None], 512)[128:384]
            for mask, match in zip(masks, matches)]


def of_photographs(draw: Callable[[int], np.ndarray], config: MasksConfig, _: Stage1Config) \
        -> tuple[Callable[[int], Row], Callable[[list[Row]], list[np.ndarray]], dict]:
    """As `of_masks`, of photographs; `draw` gives float32 (s, s, 3) in [-1, 1]."""
    size = (config.mask_size, config.mask_size)
    return (lambda number: {"images": grey(resize(draw(number), size))},
            lambda rows: [square(row["images"], 256) for row in rows], {})


if __name__ == "__main__":
    run(generate, MasksConfig)

"""Draws masks with a trained Stage-I, or photographs with a single GAN.

python -m stage1_dcgan.generate --model=checkpoints/quick/stage1 --count=50 --out=checkpoints/quick/masks.h5
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from absl import logging

from data import layouts
from data.files import OutputFolder
from data.fundus import load_view, resize, square
from data.images import encode_image
from data.pairs import PairWriter
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage1_dcgan.drawing import measured
from stage1_dcgan.inputs import draw_z, grey
from stage1_dcgan.networks import generator
from training import nearest
from training.cli import run
from training.pictures import grid
from training.run_folder import read_config, read_record
from training.weights import load_weights

SHEET = 24        # pictures on the contact sheet
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
    """Draws masks or photographs to config.out (HDF5), and a contact sheet beside it (PNG).

    Raises UserError if the model is missing or damaged, or if an output file exists that this project did not write.
    """
    drawer, out = Drawer(config.model), Path(config.out)
    folder, sheet = OutputFolder(out.parent, "--out"), f"{out.stem}.png"
    folder.check([out.name, sheet])

    def draw(number):
        return drawer(config.seed, number)

    def show(pictures):
        folder.write(sheet, encode_image(grid(pictures, columns=4), ".png"))

    write = write_masks if drawer.config.draw == "masks" else write_photographs
    write(draw, show, config, drawer.config)
    logging.info("%d %s in %s, contact sheet in %s", config.count, drawer.config.draw, out, folder.path / sheet)


def write_masks(draw: Callable[[int], np.ndarray], show: Callable[[list[np.ndarray]], None], config: MasksConfig,
                stage1: Stage1Config) -> None:
    """Writes masks, and the pictures that they were made from, to config.out.

    Args:
      draw: number -> float32 (s, s, 1) in [-1, 1].
      show: writes pictures, as `beside_nearest`, to the contact sheet. It is called before config.out appears, which
        make takes for a sign that all is there.
    """
    samples, _ = layouts.training(stage1.pairs, stage1.validation, stage1.modality, stage1.foreground)
    views = [load_view(sample) for sample in samples]
    recipe = measured(draw, config, stage1, views, samples[0].modality == "fundus")
    shown = []
    attributes = {"seed": config.seed, **recipe.record, "stage1": read_record(config.model, REMEDY)}
    with PairWriter(config.out, attributes) as writer:
        for number in range(config.count):
            drawn = draw(number)
            mask = recipe.mask(drawn[..., 0], config.seed, number)
            writer.append(masks=mask[..., None], raw=grey(drawn))
            if number < SHEET:
                shown.append(mask)
        show(beside_nearest(shown, [square(np.minimum(view.mask, view.fov), config.mask_size) for view in views]))


def beside_nearest(masks: list[np.ndarray], training: list[np.ndarray]) -> list[np.ndarray]:
    """Each mask, and right of it the nearest training mask, mirrored, turned and shifted as it was found (paper,
    Figure 4): uint8 (S, S) 0/255 -> uint8 (256, 512)."""
    bank = nearest.Bank(training)
    matches = [nearest.find(mask, bank) for mask in masks]
    return [square(np.hstack([mask, nearest.apply(match, training[match.training])]), 512)[128:384]
            for mask, match in zip(masks, matches)]


def write_photographs(draw: Callable[[int], np.ndarray], show: Callable[[list[np.ndarray]], None], config: MasksConfig,
                      _: Stage1Config) -> None:
    """Writes photographs to config.out, as `write_masks`; `draw` gives float32 (s, s, 3) in [-1, 1], and `show` gets
    uint8 (256, 256, 3)."""
    shown = []
    with PairWriter(config.out, {"seed": config.seed, "stage1": read_record(config.model, REMEDY)}) as writer:
        for number in range(config.count):
            photograph = grey(resize(draw(number), (config.mask_size, config.mask_size)))
            writer.append(images=photograph)
            if number < SHEET:
                shown.append(square(photograph, 256))
        show(shown)


if __name__ == "__main__":
    run(generate, MasksConfig)

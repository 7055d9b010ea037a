"""Draws masks with a trained Stage-I, or photographs with a single GAN.

python -m stage1_dcgan.generate --model=checkpoints/quick/stage1 --count=50 --out=checkpoints/quick/masks.h5
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from absl import logging

from data import layouts
from data.errors import UserError
from data.files import OutputFolder, checksum
from data.fundus import load_view, resize, square
from data.images import encode_image
from data.parts import Row, write_rows
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage1_dcgan.encoding import Cut, decode, level_for_share, without_specks
from stage1_dcgan.inputs import draw_z, grey
from stage1_dcgan.networks import generator
from stage1_dcgan.tree import FAINT, draw_tree, grow, scale_for_share
from stage1_dcgan.variety import draw_variation, vary
from training import nearest
from training.cli import run
from training.pictures import grid
from training.run_folder import read_config, read_record
from training.weights import load_weights

MEASURED = 32     # pictures that --match_share is measured on, whatever --count is
REMEDY = "train it first (make stage1, or make evidence for the single GAN)"


def generate(config: MasksConfig) -> None:
    """Draws masks or photographs to config.out (HDF5), and a contact sheet beside it (PNG); with config.shard, the
    parts of this share (data/parts.py).

    Raises UserError if the model is missing or damaged, or if an output file exists that this project did not write.
    """
    stage1 = read_config(config.model, Stage1Config, REMEDY)
    model = generator(stage1.size, stage1.base, stage1.channels)
    weights = Path(config.model) / "generator.h5"
    load_weights(model, weights, REMEDY)
    out = Path(config.out)
    folder, sheet = OutputFolder(out.parent, "--out"), f"{out.stem}.png"
    folder.check([out.name, sheet])

    def draw(number):
        return model(draw_z(config.seed, number)[None], training=False).numpy()[0]

    make, pictures, how = (of_masks if stage1.draw == "masks" else of_photographs)(draw, config, stage1)

    def finish(rows):  # before config.out appears, which make takes for a sign that all is there
        folder.write(sheet, encode_image(grid(pictures(rows), columns=4), ".png"))
        logging.info("%d %s in %s, contact sheet in %s", config.count, stage1.draw, out, folder.path / sheet)

    attributes = {"seed": config.seed, **how, "weights": checksum(weights), "stage1": read_record(config.model, REMEDY)}
    write_rows(out, attributes, config.count, make, finish, config.shard)


def of_masks(draw: Callable[[int], np.ndarray], config: MasksConfig, stage1: Stage1Config) \
        -> tuple[Callable[[int], Row], Callable[[list[Row]], list[np.ndarray]], dict]:
    """(number -> a row of masks.h5, rows -> pictures for the contact sheet, what masks.h5 records of how it was made).

    `draw`: number -> float32 (s, s, 1) in [-1, 1].
    """
    samples, _ = layouts.training(stage1.pairs, stage1.validation, stage1.modality, stage1.foreground)
    views = [load_view(sample) for sample in samples]
    training = [square(np.minimum(view.mask, view.fov), config.mask_size) for view in views]
    share = np.mean(training) / 255
    fundus = samples[0].modality == "fundus"  # nothing else is a tree, or has a left and a right eye
    amount = config.vary if fundus else 0.0
    measured = [another_eye(draw(number)[..., 0], number, config, amount)
                for number in range(MEASURED if config.match_share else 0)]
    if fundus and config.decoder == "tree":
        if stage1.encoding != "signed_distance":
            raise UserError(f"--decoder=tree needs drawn distances, and {config.model} was trained with --encoding="
                            f"{stage1.encoding}: use --decoder=cut")
        inside = np.mean([square(view.fov, config.mask_size) for view in views], axis=0) > 127
        decoded, how = _trees(measured, config, amount, inside, share)
    else:
        decoded, how = _cuts(measured, config, share)

    def make(number):
        drawn = draw(number)
        mask = decoded(another_eye(drawn[..., 0], number, config, amount), number)
        return {"masks": mask[..., None], "raw": grey(drawn)}

    return make, lambda rows: beside_nearest([row["masks"][..., 0] for row in rows], training), {"vary": amount, **how}


def beside_nearest(masks: list[np.ndarray], training: list[np.ndarray]) -> list[np.ndarray]:
    """Each mask, and right of it the nearest training mask, mirrored, turned and shifted as it was found (paper,
    Figure 4): uint8 (S, S) 0/255 -> uint8 (256, 512)."""
    bank = nearest.Bank(training)
    matches = [nearest.find(mask, bank) for mask in masks]
    return [square(np.hstack([mask, nearest.apply(match, training[match.training])]), 512)[128:384]
            for mask, match in zip(masks, matches)]


def another_eye(drawn: np.ndarray, number: int, config: MasksConfig, amount: float) -> np.ndarray:
    """Drawing `number`, float32 (s, s), varied by `amount` and enlarged to config.mask_size; as it is if that is 0."""
    if not amount:
        return drawn
    fine = cv2.resize(drawn, (config.mask_size, config.mask_size), interpolation=cv2.INTER_CUBIC)
    return vary(fine, draw_variation(config.seed, number, amount))


def _cuts(measured, config, share):
    """A function of (field, number) that cuts masks, and what masks.h5 records of it.

    share: of foreground, matched on the fields `measured`, unless there are none.
    """
    cut = Cut(bridge=config.bridge, speck=config.speck)
    if measured:
        cut = replace(cut, level=level_for_share(measured, config.mask_size, cut, share))
    return lambda field, number: decode(field, config.mask_size, cut), {"cut": vars(cut)}


def _trees(measured, config, amount, inside, share):
    """As `_cuts`, of trees in the field of view `inside`, boolean (mask_size, mask_size).

    At which level vessels end changes from training to training. Where a plain cut has the training masks' share is
    therefore 0 for the tree. Widths are another matter, and matched for themselves.
    """
    level, scale = 0.0, 1.0

    def tree(field, number):
        variation = draw_variation(config.seed, number, amount)
        # A thicker field has more faint ridges, too, which are thin. Half of them are left out, so that widths differ.
        return grow(field - np.float32(level), inside, FAINT + variation.fainter + variation.thicker / 2)

    def make(field, number):
        mask = np.where(inside, draw_tree(tree(field, number), config.mask_size, scale), 0).astype(np.uint8)
        return without_specks(mask, config.speck)

    if measured:
        level = level_for_share(measured, config.mask_size, Cut(), share)
        trees = [tree(field, number) for number, field in enumerate(measured)]
        scale = scale_for_share(trees, config.mask_size, share)
    return make, {"tree": {"level": level, "scale": scale, "speck": config.speck}}


def of_photographs(draw: Callable[[int], np.ndarray], config: MasksConfig, _: Stage1Config) \
        -> tuple[Callable[[int], Row], Callable[[list[Row]], list[np.ndarray]], dict]:
    """As `of_masks`, of photographs; `draw` gives float32 (s, s, 3) in [-1, 1]."""
    size = (config.mask_size, config.mask_size)
    return (lambda number: {"images": grey(resize(draw(number), size))},
            lambda rows: [square(row["images"], 256) for row in rows], {})


if __name__ == "__main__":
    run(generate, MasksConfig)

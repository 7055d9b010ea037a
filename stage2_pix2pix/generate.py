"""Renders masks to a data set of pairs: Stage-I's, or the real training masks where none are given.

python -m stage2_pix2pix.generate --model=checkpoints/quick/stage2 --masks=checkpoints/quick/masks.h5 \
    --out=checkpoints/quick/synthetic.h5
"""
from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from absl import logging

from data.files import OutputFolder
from data.fundus import View, load_view, resize_mask, square
from data.images import encode_image
from data.layouts import training
from data.pairs import PairReader, PairWriter
from stage2_pix2pix import architectures
from stage2_pix2pix.config import PairsConfig, Stage2Config
from stage2_pix2pix.grain import grain
from stage2_pix2pix.sheet import contact_sheet
from training.cli import run
from training.run_folder import read_config, read_record
from training.weights import load_array, load_weights

SHEET = 24  # pairs on the contact sheet
REMEDY = "train Stage-II first (make stage2)"


def generate(config: PairsConfig) -> None:
    """Writes config.out, the pairs, and beside it a contact sheet (PNG). Raises UserError."""
    model_folder, out = Path(config.model), Path(config.out)
    trained = read_config(model_folder, Stage2Config, REMEDY)
    architecture = architectures.load(trained.architecture)
    model = architecture.generator(trained)
    load_weights(model, model_folder / "generator.h5", REMEDY)
    codes = load_array(model_folder / "codes.npy", REMEDY)
    power = load_array(model_folder / "grain.npy", REMEDY) if trained.grain else None
    folder, sheet = OutputFolder(out.parent, "--out"), f"{out.stem}.png"
    folder.check([out.name, sheet])

    annotated, _ = training(trained.pairs, trained.validation, trained.modality)
    random = np.random.default_rng(config.seed)
    stage1, masks = masks_to_render(config, [load_view(sample) for sample in annotated], trained.size, random)
    attributes = {"seed": config.seed, "stage1": stage1, "stage2": read_record(model_folder, REMEDY)}
    shown = []
    with PairWriter(out, attributes) as writer:
        for count, (mask, fov) in enumerate(masks, 1):
            first, second = codes[random.integers(len(codes), size=2)]
            code = first + random.random() * (second - first)
            image = architecture.render(model, trained, mask, fov, code, seed=config.seed * 1_000_003 + count - 1)
            if trained.grain:
                image = with_grain(image, fov, power, random)
            writer.append(masks=mask[..., None], images=image, fovs=fov[..., None])
            if count <= SHEET:
                shown.append((mask, image))
    folder.write(sheet, encode_image(contact_sheet(*zip(*shown)), ".png"))
    logging.info("%d pairs in %s, contact sheet in %s", count, out, folder.path / sheet)


def masks_to_render(config: PairsConfig, views: list[View], size: int, random: np.random.Generator) \
        -> tuple[dict | None, Iterable[tuple[np.ndarray, np.ndarray]]]:
    """(what made the masks, pairs of mask and field of view, uint8 (size, size) each).

    Stage-I's masks from the file config.masks, each in one of the views' fields of view, or without a file the masks of
    the `views` themselves, config.count in turn.
    """
    fovs = [square(view.fov, size) for view in views]
    if not config.masks:
        masks = [square(np.minimum(view.mask, view.fov), size) for view in views]
        return None, islice(cycle(zip(masks, fovs)), config.count)
    reader = PairReader(config.masks, made_by="make stage1")

    def drawn():
        for row in range(len(reader)):
            fov = fovs[random.integers(len(fovs))]
            yield np.minimum(resize_mask(reader[row]["masks"][..., 0], fov.shape), fov), fov
    return reader.attributes, drawn()


def with_grain(image: np.ndarray, fov: np.ndarray, power: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """uint8 (S, S, 3) -> the same with `grain` inside uint8 (S, S), of half to one and a half times its strength."""
    noise = grain(power, len(image), random) * random.uniform(0.5, 1.5)
    return np.where(fov[..., None] > 0, np.clip(np.round(image + noise), 0, 255), 0).astype(np.uint8)


if __name__ == "__main__":
    run(generate, PairsConfig)

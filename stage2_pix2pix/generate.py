"""Renders masks and writes the pairs: masks of Stage-I or, if none are given, the real training masks, and in a file
of their own those that all trainings held out.

python -m stage2_pix2pix.generate --model=checkpoints/quick/stage2 --masks=checkpoints/quick/masks.h5 \
    --out=checkpoints/quick/synthetic.h5
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from absl import logging

from data.files import OutputFolder
from data.fundus import View, load_view, resize_mask, square
from data.images import encode_image
from data.layouts import training
from data.pairs import PairReader, PairWriter
from data.randomness import numpy_generator
from stage2_pix2pix import architectures
from stage2_pix2pix.config import PairsConfig, Stage2Config
from stage2_pix2pix.grain import grain
from stage2_pix2pix.inputs import COLOURS, FOVS
from stage2_pix2pix.sheet import contact_sheet
from training.cli import run
from training.run_folder import read_config, read_record
from training.weights import load_array, load_weights

SHEET = 24     # pairs on the contact sheet
HELD_OUT = 10  # renderings of held-out masks, in turn: each is drawn in several colours
REMEDY = "train Stage-II first (make stage2)"


def generate(config: PairsConfig) -> None:
    """Writes the pairs to config.out (HDF5), and a contact sheet beside it (PNG).

    Where the real training masks are rendered, OUT_held_out.h5 beside it gets renderings of those that were held out
    (--validation), if there are any: Stage-II has not seen these masks, nor the U-Nets their photographs. Raises
    UserError if the model or the masks are missing or damaged, or if an output file exists that this project did not
    write.
    """
    model_folder, out = Path(config.model), Path(config.out)
    stage2 = read_config(model_folder, Stage2Config, REMEDY)
    architecture = architectures.load(stage2.architecture)
    networks = architecture.networks(stage2)
    for name, network in networks.items():
        load_weights(network, model_folder / f"{name}.h5", REMEDY)
    codes = load_array(model_folder / "codes.npy", REMEDY)
    power = load_array(model_folder / "grain.npy", REMEDY) if stage2.grain else None
    folder, sheet, unseen = OutputFolder(out.parent, "--out"), f"{out.stem}.png", f"{out.stem}_held_out.h5"
    annotated, held_out = training(stage2.pairs, stage2.validation, stage2.modality, stage2.foreground)
    held_out = [] if config.masks else held_out
    folder.check([out.name, sheet, *([unseen] if held_out else [])])

    def render(row, mask, fov):
        random = numpy_generator(config.seed, row, COLOURS)
        first, second = codes[random.integers(len(codes), size=2)]
        code = first + random.random() * (second - first)
        image = architecture.render(networks, stage2, mask, fov, code, config.seed, row)
        return with_grain(image, fov, power, random) if stage2.grain else image

    def write(path, masks, first_row, sheet=None):
        shown = []
        with PairWriter(path, attributes) as writer:
            for row, (mask, fov) in enumerate(masks, first_row):
                image = render(row, mask, fov)
                writer.append(masks=mask[..., None], images=image, fovs=fov[..., None])
                if len(shown) < SHEET:
                    shown.append((mask, image))
            if sheet and shown:  # before config.out appears, which make takes for a sign that all is there
                folder.write(sheet, encode_image(contact_sheet(*zip(*shown)), ".png"))
        logging.info("%d pairs in %s", row + 1 - first_row, path)

    stage1, masks = masks_to_render(config, [load_view(sample) for sample in annotated], stage2.size)
    attributes = {"seed": config.seed, "stage1": stage1, "stage2": read_record(model_folder, REMEDY)}
    if held_out:  # first, for the same reason
        _, few = masks_to_render(replace(config, count=HELD_OUT), [load_view(s) for s in held_out], stage2.size)
        write(folder.path / unseen, few, config.count)
    write(out, masks, 0, sheet)
    logging.info("contact sheet in %s", folder.path / sheet)


def masks_to_render(config: PairsConfig, views: list[View], size: int) \
        -> tuple[dict | None, Iterable[tuple[np.ndarray, np.ndarray]]]:
    """(attributes of the file of masks or None, pairs of mask and field of view, both uint8 (size, size) 0/255).

    With config.masks, these are the masks of that file, each with the field of view of a random view. Without it, they
    are the masks and fields of view of the `views`, in turn, config.count pairs.
    """
    fovs = [square(view.fov, size) for view in views]
    if not config.masks:
        masks = [square(np.minimum(view.mask, view.fov), size) for view in views]
        return None, islice(cycle(zip(masks, fovs)), config.count)
    reader = PairReader(config.masks, made_by="make stage1")

    def drawn():
        for row in range(len(reader)):
            fov = fovs[numpy_generator(config.seed, row, FOVS).integers(len(fovs))]
            yield np.minimum(resize_mask(reader[row]["masks"][..., 0], fov.shape), fov), fov
    return reader.attributes, drawn()


def with_grain(image: np.ndarray, fov: np.ndarray, power: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """uint8 (S, S, 3) -> the same with `grain` inside the field of view, uint8 (S, S).

    The strength of the grain varies at random from 0.5 to 1.5 times that of `power`.
    """
    noise = grain(power, len(image), random) * random.uniform(0.5, 1.5)
    return np.where(fov[..., None] > 0, np.clip(np.round(image + noise), 0, 255), 0).astype(np.uint8)


if __name__ == "__main__":
    run(generate, PairsConfig)

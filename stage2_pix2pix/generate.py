"""Renders masks and writes the pairs: masks of Stage-I or, if none are given, the real training masks, and in a file
of their own those that all trainings held out.

python -m stage2_pix2pix.generate --model=checkpoints/quick/stage2 --masks=checkpoints/quick/masks.h5 \
    --out=checkpoints/quick/synthetic.h5
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from absl import logging

from data.files import OutputFolder, checksum
from data.fundus import View, load_view, resize_mask, square
from data.images import encode_image
from data.layouts import training
from data.pairs import PairReader
from data.parts import Parts, write_rows
from data.randomness import numpy_generator
from data.shards import shard_rows
from stage2_pix2pix import architectures
from stage2_pix2pix.config import PairsConfig, Stage2Config
from stage2_pix2pix.grain import grain
from stage2_pix2pix.inputs import COLOURS, FOVS
from stage2_pix2pix.sheet import contact_sheet
from training.cli import run
from training.run_folder import read_config, read_record
from training.weights import load_array, load_weights

HELD_OUT = 10  # renderings of held-out masks, in turn: each is drawn in several colours
REMEDY = "train Stage-II first (make stage2)"


def generate(config: PairsConfig) -> None:
    """Writes the pairs to config.out (HDF5), and a contact sheet beside it (PNG); with config.shard, the parts of this
    share (data/parts.py).

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

    def write(path, count, masks, first_row=0, finish=lambda rows: None, shard=""):
        def make(row):
            mask, fov = masks(row)
            return {"masks": mask[..., None], "images": render(first_row + row, mask, fov), "fovs": fov[..., None]}

        write_rows(path, attributes, count, make, finish, shard)
        if not shard:
            logging.info("%d pairs in %s", count, path)

    def finish(rows):  # before config.out appears, which make takes for a sign that all is there
        shown = contact_sheet([row["masks"][..., 0] for row in rows], [row["images"] for row in rows])
        folder.write(sheet, encode_image(shown, ".png"))
        logging.info("contact sheet in %s", folder.path / sheet)

    stage1, count, masks = masks_to_render(config, [load_view(sample) for sample in annotated], stage2.size)
    weights = {name: checksum(model_folder / f"{name}.h5") for name in networks}
    attributes = {"seed": config.seed, "stage1": stage1, "weights": weights,
                  "stage2": read_record(model_folder, REMEDY)}
    if held_out and not config.shard:  # first, for the same reason
        *_, few = masks_to_render(config, [load_view(sample) for sample in held_out], stage2.size)
        write(folder.path / unseen, HELD_OUT, few, config.count)
    write(out, count, masks, 0, finish, config.shard)


def masks_to_render(config: PairsConfig, views: list[View], size: int) \
        -> tuple[dict | None, int, Callable[[int], tuple[np.ndarray, np.ndarray]]]:
    """(attributes of the file of masks or None, the number of masks, number -> mask and field of view, both uint8
    (size, size) 0/255).

    With config.masks, these are the masks of that file, each with the field of view of a random view; with a shard, its
    parts will do. Without it, they are the masks and fields of view of the `views`, in turn, config.count pairs.
    """
    fovs = [square(view.fov, size) for view in views]
    if not config.masks:
        masks = [square(np.minimum(view.mask, view.fov), size) for view in views]
        return None, config.count, lambda row: (masks[row % len(masks)], fovs[row % len(fovs)])
    if config.shard and not Path(config.masks).exists():
        reader, count = Parts(config.masks), config.count
        for row in shard_rows(config.shard, count)[:1]:  # raises where it is not there
            reader[row]
    else:
        reader = PairReader(config.masks, made_by="make stage1")
        count = len(reader)

    def drawn(row):
        fov = fovs[numpy_generator(config.seed, row, FOVS).integers(len(fovs))]
        return np.minimum(resize_mask(reader[row]["masks"][..., 0], fov.shape), fov), fov

    return reader.attributes, count, drawn


def with_grain(image: np.ndarray, fov: np.ndarray, power: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """uint8 (S, S, 3) -> the same with `grain` inside the field of view, uint8 (S, S).

    The strength of the grain varies at random from 0.5 to 1.5 times that of `power`.
    """
    noise = grain(power, len(image), random) * random.uniform(0.5, 1.5)
    return np.where(fov[..., None] > 0, np.clip(np.round(image + noise), 0, 255), 0).astype(np.uint8)


if __name__ == "__main__":
    run(generate, PairsConfig)

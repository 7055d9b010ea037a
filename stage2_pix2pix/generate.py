"""Renders masks to a data set of pairs: Stage-I's, or the real training masks where none are given.

python -m stage2_pix2pix.generate --model=checkpoints/quick/stage2 --masks=checkpoints/quick/masks.h5 \
    --out=checkpoints/quick/synthetic.h5
"""
from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import flags, logging

from data.fundus import View, load_view, resize_mask, square
from data.images import DataError, write_image
from data.layouts import training
from data.pairs import PairReader, PairWriter
from stage2_pix2pix.gan import black_outside, colour
from stage2_pix2pix.grain import grain
from stage2_pix2pix.inputs import Renderer, known
from stage2_pix2pix.networks import generator
from training.board import grid
from training.cli import run
from training.run_folder import read_json, settings
from training.weights import load_weights

FLAGS = flags.FLAGS
SHOWN = 24  # pairs on the contact sheet


def render(model, renderer: Renderer, mask, fov, code, seed: int) -> np.ndarray:
    """uint8 (S, S) mask and field of view, float32 (6,) colour code -> uint8 (S, S, 3) RGB, black outside."""
    told = known(tf.constant(mask[None]), tf.constant(fov[None]), renderer)
    noise = tf.random.stateless_normal((1, renderer.size, renderer.size, renderer.noise), (seed, 2))
    photograph = model([tf.concat([told, noise], -1), tf.zeros((1, 2), tf.int32)], training=False)
    if renderer.colour_code:
        photograph = colour(photograph, tf.constant(code[None], tf.float32))
    photograph = black_outside(photograph, tf.cast(fov[None, ..., None] > 0, tf.float32))
    return np.clip(np.round(photograph[0].numpy() * 127.5 + 127.5), 0, 255).astype(np.uint8)


def with_grain(image, fov, power, random) -> np.ndarray:
    """uint8 (S, S, 3) -> the same with `grain` inside uint8 (S, S), of half to one and a half times its strength."""
    noise = grain(power, len(image), random) * random.uniform(0.5, 1.5)
    return np.where(fov[..., None] > 0, np.clip(np.round(image + noise), 0, 255), 0).astype(np.uint8)


def contact_sheet(masks, rendered, photographs=()) -> np.ndarray:
    """Rows of masks, renderings and, where given, the true photographs; each picture 192 pixels wide."""
    rows = [[square(np.squeeze(picture), 192) for picture in row] for row in (masks, rendered, photographs) if len(row)]
    columns = min(8, len(masks))
    rest = [np.full((192, 192), 128, np.uint8)] * (-len(masks) % columns)  # below a mask is its own rendering
    rows = [row + rest for row in rows]
    return grid([picture for start in range(0, len(masks), columns) for row in rows
                 for picture in row[start:start + columns]], columns)


def numbers(path: Path, remedy: str) -> np.ndarray:
    """The array that training saved in `path`; DataError with the `remedy` where there is none."""
    try:
        return np.load(path)  # which refuses pickles
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} is missing or damaged ({error}): {remedy}") from None


def masks_to_render(path: str | None, count: int, views: list[View], size: int, random):
    """(what made the masks, an iterable of mask and field of view, uint8 (size, size) each).

    Stage-I's masks from the file `path`, each in one of the views' fields of view, or without a file the masks of the
    `views` themselves, `count` in turn.
    """
    fovs = [square(view.fov, size) for view in views]
    if not path:
        masks = [square(np.minimum(view.mask, view.fov), size) for view in views]
        return None, islice(cycle(zip(masks, fovs)), count)
    reader = PairReader(path, made_by="make stage1")

    def drawn():
        for k in range(len(reader)):
            fov = fovs[random.integers(len(fovs))]
            yield np.minimum(resize_mask(reader[k]["masks"][..., 0], fov.shape), fov), fov
    return reader.attributes, drawn()


def main():
    remedy = "train Stage-II first (make stage2)"
    renderer = settings(Path(FLAGS.model), Renderer, remedy)
    model = generator(renderer.size, renderer.base, renderer.planes + renderer.noise, renderer.norm, renderer.dropout,
                      renderer.upsampling)
    load_weights(model, Path(FLAGS.model) / "generator.h5", remedy)
    config = read_json(Path(FLAGS.model) / "config.json", remedy)
    annotated, _ = training(config["data"]["pairs"], config["flags"].get("validation", 0))
    views = [load_view(sample) for sample in annotated]
    codes = numbers(Path(FLAGS.model) / "codes.npy", remedy)
    power = numbers(Path(FLAGS.model) / "grain.npy", remedy) if renderer.grain else None
    random = np.random.default_rng(FLAGS.seed)
    out, shown = Path(FLAGS.out), []
    stage1, masks = masks_to_render(FLAGS.masks, FLAGS.count, views, renderer.size, random)
    with PairWriter(out, {"seed": FLAGS.seed, "stage1": stage1, "stage2": config}) as writer:
        for k, (mask, fov) in enumerate(masks):
            one, other = codes[random.integers(len(codes), size=2)]
            code = one + random.random() * (other - one)
            image = render(model, renderer, mask, fov, code, seed=FLAGS.seed * 1_000_003 + k)
            if renderer.grain:
                image = with_grain(image, fov, power, random)
            writer.append(masks=mask[..., None], images=image, fovs=fov[..., None])
            if k < SHOWN:
                shown.append((mask, image))
    write_image(out.with_suffix(".png"), contact_sheet(*zip(*shown)))
    logging.info("%d pairs in %s, contact sheet in %s", k + 1, out, out.with_suffix(".png"))


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Run folder of Stage-II.", required=True)
    flags.DEFINE_string("masks", None, "Masks to render (HDF5), from stage1_dcgan.generate; none: the real training "
                        "masks, which shows what Stage-II alone loses.")
    flags.DEFINE_string("out", None, "The synthetic pairs (HDF5); the contact sheet lies beside it.", required=True)
    flags.DEFINE_integer("count", 50, "Pairs to make of the real training masks, each as often as that takes.", 1)
    flags.DEFINE_integer("seed", 1, "Seed of fields of view, colours and noise.", 0)
    run(main)

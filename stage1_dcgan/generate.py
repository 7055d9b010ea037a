"""Draws masks with a trained Stage-I, or photographs with a single GAN.

python -m stage1_dcgan.generate --model=checkpoints/quick/stage1 --count=50 --out=checkpoints/quick/masks.h5
"""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from absl import flags, logging

from data import layouts
from data.fundus import load_view, resize, square
from data.images import write_image
from data.pairs import PairWriter
from stage1_dcgan.encoding import Cut, decode, level_for_share
from stage1_dcgan.inputs import Artist, draw_z
from stage1_dcgan.networks import generator
from training.board import grid
from training.cli import run
from training.run_folder import read_json, settings
from training.weights import load_weights

FLAGS = flags.FLAGS
SHOWN = 24        # pictures on the contact sheet
MEASURED = 32     # pictures that --match_share is measured on, whatever --count is
COARSE = 64       # pixels; masks are compared at this size, blurred


def nearest(mask: np.ndarray, training: list[np.ndarray]) -> int:
    """Index of the training mask nearest to `mask`, all uint8 (S, S): mean squared difference, blurred (Figure 4)."""
    def coarse(picture):
        return cv2.GaussianBlur(cv2.resize(picture, (COARSE, COARSE), interpolation=cv2.INTER_AREA), (0, 0), 1.5) / 255
    return int(np.argmin([np.mean((coarse(mask) - coarse(other)) ** 2) for other in training]))


def grey(drawn: np.ndarray) -> np.ndarray:
    """float32 in [-1, 1], or a little beyond -> uint8, of any shape."""
    return np.clip(np.round(127.5 * (drawn + 1)), 0, 255).astype(np.uint8)


def write_masks(draw, config: dict, out: Path) -> list[np.ndarray]:
    """Writes masks and what they are cut from; the first SHOWN, each beside its nearest training mask."""
    trained, _ = layouts.training(config["data"]["pairs"], config["flags"]["validation"])
    views = [load_view(sample) for sample in trained]
    training = [square(np.minimum(view.mask, view.fov), FLAGS.mask_size) for view in views]
    cut = Cut(bridge=FLAGS.bridge, speck=FLAGS.speck)
    if FLAGS.match_share:
        measured = [draw(number)[..., 0] for number in range(MEASURED)]
        level = level_for_share(measured, FLAGS.mask_size, cut, np.mean(training) / 255)
        cut = replace(cut, level=level)
    masks = []
    with PairWriter(out, {"seed": FLAGS.seed, "cut": vars(cut), "stage1": config}) as writer:
        for number in range(FLAGS.count):
            drawn = draw(number)
            mask = decode(drawn[..., 0], FLAGS.mask_size, cut)
            writer.append(masks=mask[..., None], raw=grey(drawn))
            if number < SHOWN:
                masks.append(mask)
    return [square(np.hstack([mask, training[nearest(mask, training)]]), 512)[128:384] for mask in masks]


def write_photographs(draw, config: dict, out: Path) -> list[np.ndarray]:
    """Writes photographs; the first SHOWN."""
    shown = []
    with PairWriter(out, {"seed": FLAGS.seed, "stage1": config}) as writer:
        for number in range(FLAGS.count):
            photograph = grey(resize(draw(number), (FLAGS.mask_size, FLAGS.mask_size)))
            writer.append(images=photograph)
            if number < SHOWN:
                shown.append(square(photograph, 256))
    return shown


def main():
    remedy = "train it first (make stage1, or make evidence for the single GAN)"
    artist = settings(Path(FLAGS.model), Artist, remedy)
    model = generator(artist.size, artist.base, artist.channels)
    load_weights(model, Path(FLAGS.model) / "generator.h5", remedy)
    config = read_json(Path(FLAGS.model) / "config.json", remedy)
    out = Path(FLAGS.out)

    def draw(number):
        return model(draw_z(FLAGS.seed, number)[None], training=False).numpy()[0]

    write = write_masks if artist.draw == "masks" else write_photographs
    write_image(out.with_suffix(".png"), grid(write(draw, config, out), columns=4))
    logging.info("%d %s in %s, contact sheet in %s", FLAGS.count, artist.draw, out, out.with_suffix(".png"))


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Run folder of Stage-I, or of a single GAN.", required=True)
    flags.DEFINE_string("out", None, "What is drawn (HDF5); its contact sheet lies beside it, masks with their nearest "
                        "training masks.", required=True)
    flags.DEFINE_integer("count", 50, "Pictures to draw; the paper renders 50 masks.", 1)
    flags.DEFINE_integer("mask_size", 512, "Pixels of the masks, or photographs, square.", 64, 1024)
    flags.DEFINE_bool("match_share", False, "Cut masks where the share of foreground is that of the training masks.")
    flags.DEFINE_float("bridge", 0.0, "Join dashes of masks on faint ridges, down to so far below the cut.", 0.0, 1.0)
    flags.DEFINE_integer("speck", 0, "Drop connected components of fewer pixels from masks.", 0)
    flags.DEFINE_integer("seed", 1, "Seed of the noise z.", 0)
    run(main)

"""Draws masks with a trained Stage-I.

python -m stage1_dcgan.generate --model=checkpoints/quick/stage1 --count=50 --out=checkpoints/quick/masks.h5
"""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from absl import flags, logging

from data.fundus import load_view, square
from data.images import write_image
from data.layouts import samples
from data.pairs import PairWriter
from stage1_dcgan.encoding import Cut, decode, level_for_share
from stage1_dcgan.inputs import Artist, draw_z
from stage1_dcgan.networks import generator
from training.board import grid
from training.cli import run
from training.run_folder import read_json, settings
from training.weights import load_weights

FLAGS = flags.FLAGS
SHOWN = 24        # masks beside their nearest training masks
MEASURED = 32     # pictures that --match_share is measured on
COARSE = 64       # pixels; masks are compared at this size, blurred


def nearest(mask: np.ndarray, training: list[np.ndarray]) -> int:
    """Index of the training mask nearest to `mask`, all uint8 (S, S): mean squared difference, blurred (Figure 4)."""
    def coarse(picture):
        return cv2.GaussianBlur(cv2.resize(picture, (COARSE, COARSE), interpolation=cv2.INTER_AREA), (0, 0), 1.5) / 255
    return int(np.argmin([np.mean((coarse(mask) - coarse(other)) ** 2) for other in training]))


def main():
    remedy = "train Stage-I first (make stage1)"
    artist = settings(Path(FLAGS.model), Artist, remedy)
    model = generator(artist.size, artist.base)
    load_weights(model, Path(FLAGS.model) / "generator.h5", remedy)
    config = read_json(Path(FLAGS.model) / "config.json", remedy)
    views = [load_view(sample) for sample in samples(config["data"]["pairs"], "train")]
    training = [square(np.minimum(view.mask, view.fov), FLAGS.mask_size) for view in views]

    def draw(number):
        return model(draw_z(FLAGS.seed, number)[None], training=False).numpy()[0, ..., 0]

    cut = Cut(bridge=FLAGS.bridge, speck=FLAGS.speck)
    if FLAGS.match_share:
        measured = [draw(FLAGS.count + k) for k in range(MEASURED)]
        level = level_for_share(measured, FLAGS.mask_size, cut, np.mean(training) / 255)
        cut = replace(cut, level=level)
    out, masks = Path(FLAGS.out), []
    with PairWriter(out, {"seed": FLAGS.seed, "cut": vars(cut), "stage1": config}) as writer:
        for number in range(FLAGS.count):
            drawn = draw(number)
            mask = decode(drawn, FLAGS.mask_size, cut)
            raw = np.clip(np.round(127.5 * (drawn + 1)), 0, 255).astype(np.uint8)
            writer.append(masks=mask[..., None], raw=raw[..., None])
            if number < SHOWN:
                masks.append(mask)
    beside = [square(np.hstack([mask, training[nearest(mask, training)]]), 512)[128:384] for mask in masks]
    write_image(out.with_suffix(".png"), grid(beside, columns=4))
    logging.info("%d masks in %s; each beside its nearest training mask in %s", FLAGS.count, out,
                 out.with_suffix(".png"))


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Run folder of Stage-I.", required=True)
    flags.DEFINE_string("out", None, "The masks (HDF5); their picture lies beside it.", required=True)
    flags.DEFINE_integer("count", 50, "Masks to draw; the paper renders 50.", 1)
    flags.DEFINE_integer("mask_size", 512, "Pixels of the masks, square.", 64, 1024)
    flags.DEFINE_bool("match_share", False, "Cut where the share of foreground is that of the training masks.")
    flags.DEFINE_float("bridge", 0.0, "Join dashes on faint ridges, down to so far below the cut.", 0.0, 1.0)
    flags.DEFINE_integer("speck", 0, "Drop connected components of fewer pixels.", 0)
    flags.DEFINE_integer("seed", 1, "Seed of the noise z.", 0)
    run(main)

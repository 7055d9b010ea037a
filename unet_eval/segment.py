"""Turns any images into masks with a trained U-Net.

python -m unet_eval.segment --model=checkpoints/quick/unet-real --images=FOLDER --out=MASKS
"""
from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import logging
from skimage.measure import block_reduce
from tensorflow import keras

from data.check import check
from data.errors import UserError
from data.few import whole
from data.files import OutputFolder
from data.fundus import View, load_view, to_native
from data.images import encode_image
from data.layouts import DATA_SETS, Sample, folder_of, photographs
from data.shards import shard_rows
from training.cli import run
from training.run_folder import read_config
from training.warm import read_seen
from training.weights import load_weights
from unet_eval.config import SegmentConfig, UnetConfig
from unet_eval.inputs import picture
from unet_eval.networks import trust_pictures, unet_of

TILES = 4  # a side of the grid that features are taken on
REMEDY = "train it first (make stage2 or make eval), or give another folder than {}"
Answer = Callable[[np.ndarray], tf.Tensor]


def _input(view: View, kind: str, halvings: int) -> np.ndarray:
    """float32 (1, H, W, 1) in [0, 1], sides padded to multiples of 2^halvings with black, as it is beyond a field of
    view: where the edge of one was mirrored, U-Nets found a vessel (docs/trials.md)."""
    height, width = view.fov.shape
    multiple = 2 ** halvings
    x = picture(view.image, kind).astype(np.float32)[None, ..., None] / 255
    return np.pad(x, ((0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)))


def as_graph(model: keras.Model) -> Answer:
    """The model's answer to float32 (B, H, W, 1), computed as a graph: there, TensorFlow joins convolutions with what
    follows them. On an AVX2 core it takes two thirds of the time."""
    return tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec((None, None, None, 1))])


def probability(answer: Answer, view: View, config: UnetConfig) -> np.ndarray:
    """float32 (h, w) in [0, 1] on the view's grid, 0 outside the field of view; `answer` is a U-Net's (as_graph)."""
    height, width = view.fov.shape
    x = _input(view, config.input, config.halvings)
    axes = [(), (1,), (2,), (1, 2)] if config.test_flips else [()]
    answers = [np.flip(answer(np.flip(x, axis)).numpy(), axis) for axis in axes]
    return np.where(view.fov > 0, np.mean(answers, axis=0)[0, :height, :width, 0], 0).astype(np.float32)


def bottleneck(model) -> keras.Model:
    """The U-Net down to its deepest double convolution."""
    up = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose))
    return keras.Model(model.input, up.input)


def features(encoder: Answer, view: View, kind: str, halvings: int, tiles: int = TILES) -> np.ndarray:
    """float32 (n, C), n <= tiles^2: the channels of a U-Net's bottleneck, averaged over the tiles of a regular grid.

    `kind` is what the U-Net sees of a photograph, as in inputs.picture, and `halvings` how often it halves it.

    Each is the mean inside the field of view; a tile of which it covers less than half is left out. Where it covers
    half of none, as a strip in a square may, the tiles that it covers most are taken.
    """
    deep = encoder(_input(view, kind, halvings)).numpy()[0].astype(np.float32)
    side = 2 ** halvings
    covered = block_reduce(view.fov > 0, (side, side), np.mean)[..., None]  # of each pixel of `deep`
    both = np.concatenate([deep * covered, covered], axis=-1)
    parts = [tile.mean(axis=(0, 1)) for row in np.array_split(both, tiles, axis=0)
             for tile in np.array_split(row, tiles, axis=1)]
    least = min(0.5, max(part[-1] for part in parts))
    return np.float32([part[:-1] / part[-1] for part in parts if part[-1] >= least > 0]).reshape(-1, deep.shape[-1])


class Segmenter:
    """A trained U-Net from its run folder: built by code, its weights alone are read.

    Raises UserError where the folder has no finished training.
    """

    def __init__(self, folder: str | Path):
        remedy = REMEDY.format(folder)
        self._config = read_config(folder, UnetConfig, remedy)
        self._weights = Path(folder) / "weights.h5", remedy
        model = self._trained()
        if self._config.own_statistics:
            trust_pictures(model, len(read_seen(Path(folder), remedy)))
        self._answer = as_graph(model)

    def _trained(self) -> keras.Model:
        model = unet_of(self._config)
        load_weights(model, *self._weights)
        return model

    @cached_property
    def _encoder(self) -> Answer:
        """Of a network of its own: features are to tell pictures apart, so nothing of a picture is taken off."""
        return as_graph(bottleneck(self._trained()))

    def probability(self, view: View) -> np.ndarray:
        """float32 (h, w) in [0, 1] on the view's grid, 0 outside the field of view."""
        return probability(self._answer, view, self._config)

    def features(self, view: View) -> np.ndarray:
        """float32 (n, C), n <= TILES^2: what the bottleneck makes of each part of the view, as `features`."""
        return features(self._encoder, view, self._config.input, self._config.halvings)


def spec_of(config: SegmentConfig) -> str:
    """The images as layout:path; `messidor` is the layout that is just a folder of photographs."""
    known = whole(config.images).partition(":")[0] in DATA_SETS
    return config.images if known else f"messidor:{config.images}"


def images(config: SegmentConfig) -> list[Sample]:
    """All images, whatever the share is. Raises UserError as `Segmenter` and `photographs`."""
    trained = read_config(config.model, UnetConfig, REMEDY.format(config.model))
    return photographs(spec_of(config), trained.pairs, config.modality or trained.modality)


def segment(config: SegmentConfig) -> None:
    """Writes config.out/STEM.png, one mask an image. Raises UserError, before any work where a file is in the way."""
    segmenter, listed = Segmenter(config.model), images(config)
    rows = shard_rows(config.shard, len(listed))
    listed = listed[rows.start:rows.stop]
    check(listed)
    if folder_of(spec_of(config)).resolve() in Path(config.out).resolve().parents:
        raise UserError(f"--out={config.out} lies in the folder of the images, where the next command would take masks "
                        "for images: choose another --out")
    folder = OutputFolder(config.out, "--out")
    folder.check(f"{sample.stem}.png" for sample in listed)
    folder.refuse_foreign()
    for sample in listed:
        view = load_view(sample)
        mask = to_native(view, segmenter.probability(view)) >= config.probability
        folder.write(f"{sample.stem}.png", encode_image(np.where(mask, 255, 0).astype(np.uint8), ".png"))
    logging.info("%d masks written to %s", len(listed), config.out)


if __name__ == "__main__":
    run(segment, SegmentConfig)

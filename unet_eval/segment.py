"""Turns any images into masks with a trained U-Net.

python -m unet_eval.segment --model=checkpoints/quick/unet-real --images=FOLDER --out=MASKS
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import flags, logging
from skimage.measure import block_reduce
from tensorflow import keras

from data.fundus import View, load_view, to_native
from data.images import write_image
from data.layouts import LAYOUTS, check, samples
from training.cli import run
from training.run_folder import settings
from training.weights import load_weights
from unet_eval.inputs import picture
from unet_eval.networks import unet

TILES = 4  # a side of the grid that features are taken on


@dataclass(frozen=True)
class Network:
    """The flags of train.py that decide which U-Net it is and what it sees."""

    base: int
    poolings: int
    input: str
    test_flips: bool


def _input(view, network):
    """float32 (1, H, W, 1) in [0, 1], sides padded to multiples of 2^poolings."""
    height, width = view.fov.shape
    multiple = 2 ** network.poolings
    x = picture(view.image, network.input).astype(np.float32)[None, ..., None] / 255
    return np.pad(x, ((0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)), "reflect")


def probability(model, view: View, network: Network) -> np.ndarray:
    """float32 (h, w) in [0, 1] on the view's grid, 0 outside the field of view."""
    height, width = view.fov.shape
    x = _input(view, network)
    axes = [(), (1,), (2,), (1, 2)] if network.test_flips else [()]
    answers = [np.flip(model(np.flip(x, axis), training=False).numpy(), axis) for axis in axes]
    return np.where(view.fov > 0, np.mean(answers, axis=0)[0, :height, :width, 0], 0).astype(np.float32)


def bottleneck(model) -> keras.Model:
    """The U-Net down to its deepest double convolution."""
    up = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose))
    return keras.Model(model.input, up.input)


def features(encoder, view: View, network: Network, tiles: int = TILES) -> np.ndarray:
    """float32 (n, C), n <= tiles^2: the bottleneck's channels, averaged over the tiles of a regular grid.

    Each is the mean inside the field of view; a tile of which it covers less than half is left out.
    """
    deep = encoder(_input(view, network), training=False).numpy()[0].astype(np.float32)
    side = 2 ** network.poolings
    covered = block_reduce(view.fov > 0, (side, side), np.mean)[..., None]  # of each pixel of `deep`
    both = np.concatenate([deep * covered, covered], axis=-1)
    parts = [tile.mean(axis=(0, 1)) for row in np.array_split(both, tiles, axis=0)
             for tile in np.array_split(row, tiles, axis=1)]
    return np.float32([part[:-1] / part[-1] for part in parts if part[-1] >= 0.5]).reshape(-1, deep.shape[-1])


class Segmenter:
    """A trained U-Net from its run folder: built by code, its weights alone are read.

    Raises DataError where the folder has no finished training.
    """

    def __init__(self, folder: str | Path):
        remedy = f"train it first (make stage2 or make eval), or give another folder than {folder}"
        self._network = settings(Path(folder), Network, remedy)
        self._model = unet(self._network.base, self._network.poolings)
        load_weights(self._model, Path(folder) / "weights.h5", remedy)
        self._encoder = bottleneck(self._model)

    def probability(self, view: View) -> np.ndarray:
        """float32 (h, w) in [0, 1] on the view's grid, 0 outside the field of view."""
        return probability(self._model, view, self._network)

    def features(self, view: View) -> np.ndarray:
        """float32 (n, C), n <= TILES^2: what the bottleneck makes of each part of the view, as `features`."""
        return features(self._encoder, view, self._network)


def main():
    segmenter = Segmenter(flags.FLAGS.model)
    spec = flags.FLAGS.images
    if spec.split(":")[0] not in LAYOUTS:
        spec = f"messidor:{spec}"  # the layout that is just a folder of photographs
    found = samples(spec, "all", masks=False)
    check(found)
    out = Path(flags.FLAGS.out)
    out.mkdir(parents=True, exist_ok=True)
    for sample in found:
        view = load_view(sample)
        mask = to_native(view, segmenter.probability(view)) >= flags.FLAGS.probability
        write_image(out / f"{sample.stem}.png", np.where(mask, 255, 0).astype(np.uint8))
    logging.info("%d masks written to %s", len(found), out)


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Run folder of a trained U-Net.", required=True)
    flags.DEFINE_string("images", None, "layout:path, or any folder of images.", required=True)
    flags.DEFINE_string("out", None, "Folder for the masks, one PNG an image, on its own pixel grid.", required=True)
    flags.DEFINE_float("probability", 0.5, "Probability from which a pixel is foreground.", 0.0, 1.0)
    run(main)

"""The project from Python: docs/api.md shows how.

    from configs.api import evaluate, generate, train

    for image, mask, fov in generate("checkpoints/quick", count=50):
        ...
"""
from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tensorflow import keras

from data import layouts
from data.errors import UserError
from data.files import read_json
from data.fundus import load_view
from data.pairs import PairReader
from data.rims import NUMBERS, describe, draw
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.drawing import Recipe
from stage1_dcgan.generate import Drawer
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.generate import Renderer, in_field_of_view
from training.config import TrainingConfig
from training.run_folder import read_config
from unet_eval.config import EvaluateConfig, UnetConfig

DRAWING = "drawing.json"
LARGEST = 1024  # pixels a side of masks
TRAININGS = {Stage1Config: "stage1_dcgan.train", Stage2Config: "stage2_pix2pix.train", UnetConfig: "unet_eval.train"}
Pair = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Source:
    """What the pairs of a run follow from, beside weights and options.

    masks: the attributes of masks.h5: seed, and how drawings became masks. size: pixels of a mask. seed: of the
    renderings. rims: what the fields of view of the annotated training images are like (data/rims.py).
    """

    masks: dict
    size: int
    seed: int
    rims: np.ndarray


def read_source(run: Path) -> Source:
    """Of a run, or of packed networks (configs/pretrained.py), which have them in a file. UserError where the run has
    no pairs yet, or its data set is gone."""
    if (run / DRAWING).exists():
        return _packed(run / DRAWING)
    with PairReader(run / "masks.h5", "make stage1") as masks, PairReader(run / "synthetic.h5") as pairs:
        made, size, seed = masks.attributes, len(masks[0]["masks"]), pairs.attributes["seed"]
    stage2 = read_config(run / "stage2", Stage2Config, "train Stage-II first (make stage2)")
    annotated, _ = layouts.training(stage2.pairs, stage2.validation, stage2.modality, stage2.foreground)
    return Source(made, size, seed, describe([load_view(sample).fov for sample in annotated]))


def _packed(path: Path) -> Source:
    remedy = "get the folder again"
    record = read_json(path, remedy)
    try:
        masks = {**record["masks"], "seed": int(record["masks"]["seed"])}
        source = Source(masks, int(record["size"]), int(record["seed"]), np.array(record["rims"], np.float32))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path} is damaged ({error}): {remedy}") from None
    shares = source.rims.shape == (2, NUMBERS) and ((source.rims >= 0) & (source.rims <= 1)).all()  # NaN is none
    if not shares or not 0 < source.size <= LARGEST or min(source.seed, masks["seed"]) < 0:
        raise UserError(f"{path} is damaged: {remedy}")
    return source


def generate(run: str | Path, count: int = 50, seed: int | None = None) -> Iterator[Pair]:
    """Draws and renders pairs with the trained networks of a run, one at a time.

    Pair number k is row k of the file that `make synthetic` writes, to the bit: it depends on the seed and k only.

    Args:
      run: the folder of a run whose `make stage2` is done, such as checkpoints/quick, or of packed networks, such as
        checkpoints/pretrained/NAME.
      count: how many pairs.
      seed: of masks and renderings; by default that of the run, --seed of its FLAGS or 1.
    Yields:
      (image, mask, fov): image uint8 (S, S, 3) RGB, black outside of the field of view; mask and fov uint8 (S, S),
      0 or 255; S as Stage-II was trained.
    Raises:
      UserError: at once, where count or seed is negative, or the seed too large; where networks, pairs or the data set
        of the run are missing or damaged. Packed networks need no data set.
    """
    if count < 0 or not 0 <= (seed or 0) < 2 ** 31:
        raise UserError(f"count={count}, seed={seed}: take a count of 0 or more, and a seed from 0 to {2 ** 31 - 1}")
    run = Path(run)
    source = read_source(run)
    drawer = Drawer(run / "stage1")
    recipe = Recipe.from_record(source.masks, source.size, draw(source.rims, source.size) > 0)
    first, second = (source.masks["seed"], source.seed) if seed is None else (seed, seed)
    render = Renderer(run / "stage2", second)

    def pairs():
        for number in range(count):
            drawn = recipe.mask(drawer(first, number)[..., 0], first, number)
            mask, fov = in_field_of_view(drawn, source.rims, render.config.size, second, number)
            yield render(number, mask, fov), mask, fov

    return pairs()


def train(config: TrainingConfig) -> Path:
    """Trains one network, or goes on where it stopped; the folder with its weights, config.out.

    Args:
      config: a Stage1Config, a Stage2Config or a UnetConfig.
    Raises:
      UserError: as the script of the same training.
      training.cli.Stopped: a signal came, and all is saved.
    """
    try:
        importlib.import_module(TRAININGS[type(config)]).train(config)
    finally:  # what this process draws and measures next is what the commands give, whatever the training computed in
        keras.mixed_precision.set_global_policy("float32")
    return Path(config.out)


def evaluate(config: EvaluateConfig) -> dict:
    """Measures the U-Nets of a run on the real test images and writes the report; what results.json holds
    (unet_eval/README.md). UserError where an input is missing."""
    return importlib.import_module("unet_eval.evaluate").evaluate(config)

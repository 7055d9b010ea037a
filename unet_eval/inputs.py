"""What the U-Net sees: views as single-channel pictures, crops of them for training."""
from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import tensorflow as tf

from data import augment
from data.fundus import ACROSS, View, resize, resize_mask
from data.pairs import PairReader
from data.pipeline import examples, read
from data.randomness import key, uniform
from training.fit import Schedule
from unet_eval.config import UnetConfig

PLACE, CHANGE = 0, 1  # streams of random numbers
KEPT = 512  # pairs in memory; a store of 100,000 is read as it is used


def picture(image: np.ndarray, kind: str) -> np.ndarray:
    """uint8 (h, w, 3) RGB -> uint8 (h, w).

    "grey" is the luminance; "green_clahe" the green channel, where vessels stand out most, with its contrast
    equalised locally (CLAHE, clip limit 2 on 8 x 8 tiles).
    """
    if kind == "grey":
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.createCLAHE(2.0, (8, 8)).apply(np.ascontiguousarray(image[..., 1]))


def pair_views(reader: PairReader, rows: Iterable[int]) -> Iterator[View]:
    """Rows of a synthetic.h5 as views, at the scale at which arms are trained on them."""
    shape = (ACROSS, ACROSS)
    for index in rows:
        row = reader[index]
        yield View(f"pair {index}", resize(row["images"], shape), resize_mask(row["masks"][..., 0], shape),
                   resize_mask(row["fovs"][..., 0], shape), (0, 0, *shape), shape)


class RealPairs:
    """Annotated views as (picture uint8 (h, w), mask uint8 (h, w) 0/255) by index. Masks end at the field of view, as
    those of made pairs do: beyond it the picture is black."""

    def __init__(self, views: list[View], kind: str):
        self._pairs = [(picture(view.image, kind), np.minimum(view.mask, view.fov)) for view in views]

    def __len__(self):
        return len(self._pairs)

    def __getitem__(self, index):
        return self._pairs[index]


class SyntheticPairs:
    """The same from `rows` of a synthetic.h5, brought to the scale of the real views. Where it has soft labels, these
    stand in for the masks, uint8 (h, w) 0..255."""

    def __init__(self, reader: PairReader, kind: str, rows: Sequence[int]):
        self._reader, self._kind, self._rows = reader, kind, rows
        self._read = lru_cache(KEPT)(self._read_one)

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        return self._read(self._rows[index])

    def _read_one(self, index):
        row = self._reader[index]
        shape = (ACROSS, ACROSS)
        label = resize(row["labels"], shape) if "labels" in row else resize_mask(row["masks"][..., 0], shape)
        return picture(resize(row["images"], shape), self._kind), label


class Mixture:
    """Real and made pairs, of which `real_share` are real: both come as often as that takes, each at least once."""

    def __init__(self, real: RealPairs, made: SyntheticPairs, real_share: float):
        self.real, self.made = real, made
        for_one = real_share / (1 - real_share)  # real pairs for one that was made
        self._made = len(made) * math.ceil(max(1, len(real) / (len(made) * for_one)))
        self._real = max(1, round(self._made * for_one))

    def __len__(self):
        return self._real + self._made

    def __getitem__(self, index):
        return (self.real[index % len(self.real)] if index < self._real
                else self.made[(index - self._real) % len(self.made)])


def margin(config: UnetConfig) -> int:
    """Pixels cut beyond a training crop on each side, for turning and bending to bring in."""
    return (round(0.21 * config.crop) if config.rotate else 0) + math.ceil(config.elastic)


def dataset(pairs, config: UnetConfig, schedule: Schedule, first_step: int = 0) -> tf.data.Dataset:
    """Batches of crops: (pictures float32 (B, S, S, 1) in [0, 1], masks float32 (B, S, S, 1)).

    Masks are 0 or 1, soft labels in [0, 1].
    """
    border = margin(config)
    side = config.crop + 2 * border

    def cut(index, place):
        grey, mask = pairs[index]
        beyond = border + max(0, config.crop - min(grey.shape))  # pixels of black that a crop may have at its side
        starts = [int(p * (length + 2 * beyond - side + 1)) - beyond for p, length in zip(place, grey.shape)]
        part = tuple(slice(max(0, start), start + side) for start in starts)
        both = np.stack([grey[part], mask[part]], axis=-1)
        before = [max(0, -start) for start in starts]
        return np.pad(both, [*((first, side - first - length) for first, length in zip(before, both.shape)), (0, 0)])

    def example(index, number):
        both = read(cut, [index, uniform(schedule.seed, number, PLACE, (2,))], tf.uint8)
        return tf.ensure_shape(both, (side, side, 2)), number

    def change(both, numbers):
        seeds = augment.split(key(schedule.seed, numbers[0], CHANGE), 4)
        both = tf.cast(both, tf.float32) / 255
        hard = tf.reduce_all(tf.abs(both[..., 1:] - 0.5) == 0.5, axis=[1, 2, 3])
        both = augment.bend(both, seeds[0], config.rotate, config.elastic)
        if config.augmentation != "none":
            both = augment.flip(both, seeds[1])
        keep = slice(border, border + config.crop)
        pictures, masks = both[:, keep, keep, :1], both[:, keep, keep, 1:]
        masks = augment.choose(hard, tf.round(masks), masks)  # a mask is still one after it was bent
        if config.augmentation == "strong":
            pictures = augment.appearance(pictures, seeds[2])
        if config.texture:
            pictures = augment.texture(pictures, seeds[3], config.texture)
        return pictures, masks

    source = examples(len(pairs), schedule.batch_size, schedule.steps, schedule.seed, first_step)
    batched = source.map(example, num_parallel_calls=2).batch(schedule.batch_size, drop_remainder=True)
    return batched.map(change, num_parallel_calls=1).prefetch(2)


def in_turn(mixture: Mixture, config: UnetConfig, schedule: Schedule, first_step: int = 0) -> tf.data.Dataset:
    """As `dataset`, but made pairs only for the share config.synthetic_first of the steps, then real ones only."""
    turn = max(1, round(config.synthetic_first * schedule.steps))
    beginning = replace(schedule, epochs=1, steps_per_epoch=turn)
    return dataset(mixture.made, config, beginning, min(first_step, turn)).concatenate(
        dataset(mixture.real, config, schedule, max(first_step, turn)))

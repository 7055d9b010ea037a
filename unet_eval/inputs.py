"""What the U-Net sees: views as single-channel pictures, crops of them for training."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import tensorflow as tf

from data import augment
from data.fundus import ACROSS, View, resize, resize_mask
from data.pairs import PairReader
from data.pipeline import examples, uniform
from training.fit import Schedule

INPUTS = ("green_clahe", "grey")
AUGMENTATIONS = ("none", "light", "strong")
KEPT = 512  # pairs in memory; a store of 100,000 is read as it is used


def picture(image: np.ndarray, kind: str) -> np.ndarray:
    """uint8 (h, w, 3) RGB -> uint8 (h, w).

    "grey" is the luminance; "green_clahe" the green channel, where vessels stand out most, with its contrast
    equalised locally (CLAHE, clip limit 2 on 8 x 8 tiles).
    """
    if kind == "grey":
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.createCLAHE(2.0, (8, 8)).apply(np.ascontiguousarray(image[..., 1]))


class RealPairs:
    """Annotated views as (picture uint8 (h, w), mask uint8 (h, w) 0/255) by index."""

    def __init__(self, views: list[View], kind: str):
        self._pairs = [(picture(view.image, kind), view.mask) for view in views]

    def __len__(self):
        return len(self._pairs)

    def __getitem__(self, index):
        return self._pairs[index]


class SyntheticPairs:
    """The same from `rows` of a synthetic.h5, brought to the scale of the real views."""

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
        return picture(resize(row["images"], shape), self._kind), resize_mask(row["masks"][..., 0], shape)


class Mixture:
    """Real and made pairs, of which `real_share` are real: the real ones come as often as that takes."""

    def __init__(self, real: RealPairs, made: SyntheticPairs, real_share: float):
        self.real, self.made = real, made
        self._times = max(1, round(len(made) * real_share / (1 - real_share)))

    def __len__(self):
        return self._times + len(self.made)

    def __getitem__(self, index):
        return self.real[index % len(self.real)] if index < self._times else self.made[index - self._times]


@dataclass(frozen=True)
class Crops:
    """How training crops are cut: `size` pixels square, `augmentation` one of AUGMENTATIONS, turned by up to `rotate`
    degrees, deformed by up to `elastic` pixels."""

    size: int
    augmentation: str
    rotate: float
    elastic: float

    @property
    def margin(self) -> int:
        """Pixels cut beyond the crop, that turning and bending have something to bring in."""
        return (round(0.21 * self.size) if self.rotate else 0) + int(np.ceil(self.elastic))


def dataset(pairs, crops: Crops, schedule: Schedule, first_step: int = 0) -> tf.data.Dataset:
    """Batches of (pictures float32 (B, S, S, 1) in [0, 1], masks float32 (B, S, S, 1), 0 or 1)."""
    side = crops.size + 2 * crops.margin

    def cut(index, place):
        grey, mask = pairs[index]
        pad = crops.margin + max(0, crops.size - min(grey.shape))
        both = np.pad(np.stack([grey, mask], axis=-1), ((pad, pad), (pad, pad), (0, 0)))
        top, left = (int(p * (length - side + 1)) for p, length in zip(place, both.shape))
        return both[top:top + side, left:left + side]

    def example(index, number):
        both = tf.numpy_function(cut, [index, uniform(schedule.seed, number, (2,))], tf.uint8)
        return tf.ensure_shape(both, (side, side, 2)), number

    def change(both, numbers):
        seeds = augment.split(tf.stack([tf.constant(schedule.seed, tf.int64), numbers[0]]), 3)
        both = tf.cast(both, tf.float32) / 255
        if crops.augmentation != "none":
            both = augment.flip(augment.bend(both, seeds[0], crops.rotate, crops.elastic), seeds[1])
        keep = slice(crops.margin, crops.margin + crops.size)
        pictures, masks = both[:, keep, keep, :1], tf.round(both[:, keep, keep, 1:])
        if crops.augmentation == "strong":
            pictures = augment.appearance(pictures, seeds[2])
        return pictures, masks

    source = examples(len(pairs), schedule.batch_size, schedule.steps, schedule.seed, first_step)
    batched = source.map(example, num_parallel_calls=2).batch(schedule.batch_size, drop_remainder=True)
    return batched.map(change, num_parallel_calls=1).prefetch(2)


def in_turn(mixture: Mixture, crops: Crops, schedule: Schedule, made_first: float, first_step: int = 0):
    """As `dataset`, but of made pairs only for the share `made_first` of the steps, then of real ones only."""
    turn = round(made_first * schedule.steps)
    begin = replace(schedule, epochs=1, steps_per_epoch=turn)
    return dataset(mixture.made, crops, begin, min(first_step, turn)).concatenate(
        dataset(mixture.real, crops, schedule, max(first_step, turn)))

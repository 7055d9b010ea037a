"""The inputs of the Stage-II networks: arrays, batches, and the colour code."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data.fundus import View, square
from data.pipeline import batches, examples
from data.randomness import key, normal, uniform
from stage2_pix2pix.config import Stage2Config
from training.fit import Schedule

# Streams of random numbers (data/randomness.py). Each dropout layer takes one, beginning with DROPOUT.
NOISE, FLIPS, RENDERING, COLOURS, FOVS, DROPOUT = range(6)


@dataclass(frozen=True)
class Pairs:
    """N training pairs at S x S pixels.

    masks, fovs: uint8 (N, S, S), 0 or 255. photographs: uint8 (N, S, S, 3) RGB, black outside the field of view.
    codes: float32 (N, 6), see `colour_code`. imitated: the last so many pairs are those that renderings imitate, the
    annotated ones where there are some; 0: all pairs.
    """

    masks: np.ndarray
    fovs: np.ndarray
    photographs: np.ndarray
    codes: np.ndarray
    imitated: int

    @classmethod
    def from_views(cls, views: list[View], size: int, imitated: int = 0) -> Pairs:
        photographs = np.stack([square(view.image, size) for view in views])
        fovs = np.stack([square(view.fov, size) for view in views])
        masks = np.stack([square(np.minimum(view.mask, view.fov), size) for view in views])
        photographs[fovs == 0] = 0
        return cls(masks, fovs, photographs, np.stack([colour_code(p, f) for p, f in zip(photographs, fovs)]),
                   imitated)

    def __len__(self):
        return len(self.masks)

    @property
    def imitated_rows(self) -> np.ndarray:
        """int (M,): indices of the pairs that renderings imitate."""
        return np.arange(len(self))[-self.imitated:]


def colour_code(photograph: np.ndarray, fov: np.ndarray) -> np.ndarray:
    """uint8 (S, S, 3) -> float32 (6,): means of R, G, B in the field of view, then their standard deviations.

    They are those of the photograph scaled to [-1, 1].
    """
    pixels = photograph[fov > 0] / 127.5 - 1
    return np.concatenate([pixels.mean(axis=0), pixels.std(axis=0)]).astype(np.float32)


def known(masks: tf.Tensor, fovs: tf.Tensor, config: Stage2Config) -> tf.Tensor:
    """Masks and fields of view, uint8 (B, S, S) -> float32 (B, S, S, config.known_planes) in [-1, 1].

    Without config.tell_fov it holds the masks only.
    """
    return _signed(tf.stack([masks, fovs] if config.tell_fov else [masks], axis=-1))


def _signed(pixels: tf.Tensor) -> tf.Tensor:
    """uint8 0..255 -> float32 in [-1, 1], the scale of the authors' code."""
    return (tf.cast(pixels, tf.float32) - 127.5) / 127.5


def dataset(pairs: Pairs, config: Stage2Config, schedule: Schedule, first_step: int = 0):
    """Batches for `Pix2Pix.train_step`, from step `first_step` on.

    With config.flips each pair is mirrored at random along both axes.
    """
    noise_shape = (config.size, config.size, config.noise)

    def example(index, number):
        planes = tf.concat([arrays["masks"][index][..., None], arrays["fovs"][index][..., None],
                            arrays["photographs"][index]], axis=-1)
        if config.flips:
            chance = uniform(schedule.seed, number, FLIPS, (2,))
            planes = tf.where(chance[0] < 0.5, tf.reverse(planes, [0]), planes)
            planes = tf.where(chance[1] < 0.5, tf.reverse(planes, [1]), planes)
        return {"masks": planes[..., 0], "fovs": planes[..., 1], "photographs": planes[..., 2:],
                "codes": arrays["codes"][index], "noise": normal(schedule.seed, number, NOISE, noise_shape),
                "keys": key(schedule.seed, number, DROPOUT)}

    def batch(rows):
        inputs = {"known": known(rows["masks"], rows["fovs"], config), "noise": rows["noise"], "keys": rows["keys"]}
        if config.colour_code:
            inputs["codes"] = rows["codes"]
        return {**inputs, "photograph": _signed(rows["photographs"]),
                "inside": tf.cast(rows["fovs"] > 0, tf.float32)[..., None]}

    arrays = {name: tf.constant(value) for name, value in vars(pairs).items()}
    source = examples(len(pairs), schedule.batch_size, schedule.steps, schedule.seed, first_step)
    return batches(source.map(example, num_parallel_calls=2), schedule.batch_size).map(batch)

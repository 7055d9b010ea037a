"""What Stage-II is told about each picture, for training and for rendering."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data.fundus import View, square
from data.pipeline import batches, examples, uniform
from stage2_pix2pix.config import Stage2Config
from training.fit import Schedule


@dataclass(frozen=True)
class Pairs:
    """masks uint8 (N, S, S), fovs uint8 (N, S, S), photographs uint8 (N, S, S, 3), codes float32 (N, 6)."""

    masks: np.ndarray
    fovs: np.ndarray
    photographs: np.ndarray
    codes: np.ndarray

    @classmethod
    def from_views(cls, views: list[View], size: int) -> Pairs:
        photographs = np.stack([square(view.image, size) for view in views])
        fovs = np.stack([square(view.fov, size) for view in views])
        masks = np.stack([square(np.minimum(view.mask, view.fov), size) for view in views])
        photographs[fovs == 0] = 0
        return cls(masks, fovs, photographs, np.stack([colour_code(p, f) for p, f in zip(photographs, fovs)]))

    def __len__(self):
        return len(self.masks)


def colour_code(photograph: np.ndarray, fov: np.ndarray) -> np.ndarray:
    """uint8 (S, S, 3) -> float32 (6,): means and deviations of R, G, B in the field of view, in [-1, 1]."""
    pixels = photograph[fov > 0] / 127.5 - 1
    return np.concatenate([pixels.mean(axis=0), pixels.std(axis=0)]).astype(np.float32)


def known(masks: tf.Tensor, fovs: tf.Tensor, config: Stage2Config) -> tf.Tensor:
    """uint8 (B, S, S) twice -> float32 (B, S, S, config.known_planes) in [-1, 1]."""
    return _signed(tf.stack([masks, fovs] if config.tell_fov else [masks], axis=-1))


def _signed(pixels: tf.Tensor) -> tf.Tensor:
    """uint8 0..255 -> float32 [-1, 1], as the authors scale."""
    return (tf.cast(pixels, tf.float32) - 127.5) / 127.5


def dataset(pairs: Pairs, config: Stage2Config, schedule: Schedule, first_step: int = 0):
    """Batches as `Pix2Pix.train_step` takes them; with config.flips each pair is shown in one of four mirrorings."""
    noise_shape = (config.size, config.size, config.noise)

    def example(index, number):
        planes = tf.concat([pairs_of["masks"][index][..., None], pairs_of["fovs"][index][..., None],
                            pairs_of["photographs"][index]], axis=-1)
        if config.flips:
            chance = uniform(schedule.seed, number, (2,), stream=1)
            planes = tf.where(chance[0] < 0.5, tf.reverse(planes, [0]), planes)
            planes = tf.where(chance[1] < 0.5, tf.reverse(planes, [1]), planes)
        seeds = tf.cast(tf.stack([number, schedule.seed]), tf.int32)
        return {"masks": planes[..., 0], "fovs": planes[..., 1], "photographs": planes[..., 2:], "seeds": seeds,
                "codes": pairs_of["codes"][index], "noise": tf.random.stateless_normal(noise_shape, seeds)}

    def batch(rows):
        told = {"known": known(rows["masks"], rows["fovs"], config), "noise": rows["noise"], "seeds": rows["seeds"]}
        if config.colour_code:
            told["codes"] = rows["codes"]
        return {**told, "photograph": _signed(rows["photographs"]),
                "inside": tf.cast(rows["fovs"] > 0, tf.float32)[..., None]}

    pairs_of = {name: tf.constant(value) for name, value in vars(pairs).items()}
    source = examples(len(pairs), schedule.batch_size, schedule.steps, schedule.seed, first_step)
    return batches(source.map(example, num_parallel_calls=2), schedule.batch_size).map(batch)

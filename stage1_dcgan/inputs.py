"""What the DCGAN sees of the training masks, or photographs."""
from __future__ import annotations

import numpy as np
import tensorflow as tf

from data.fundus import View, square
from data.pipeline import batches, examples, uniform
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.encoding import encode
from stage1_dcgan.networks import Z_DIM
from training.fit import Schedule


def pictures(views: list[View], config: Stage1Config) -> np.ndarray:
    """float32 (N, S, S, C) in [-1, 1]: the masks of the views, cut to their fields of view, or the photographs."""
    if config.draw == "photographs":
        return np.stack([square(view.image, config.size) for view in views]).astype(np.float32) / 127.5 - 1
    return np.stack([encode(np.minimum(view.mask, view.fov), config.size, config.encoding, config.clip)
                     for view in views])[..., None]


def grey(drawn: np.ndarray) -> np.ndarray:
    """float32 in [-1, 1], or a little beyond -> uint8, of any shape."""
    return np.clip(np.round(127.5 * (drawn + 1)), 0, 255).astype(np.uint8)


def draw_z(seed: int, number: tf.Tensor) -> tf.Tensor:
    """float32 (100,), uniform in [-1, 1], the same for the same (seed, number)."""
    return 2 * uniform(seed, number, (Z_DIM,)) - 1


def dataset(real: np.ndarray, schedule: Schedule, first_step: int = 0) -> tf.data.Dataset:
    """Batches as `DCGAN.train_step` takes them."""
    real = tf.constant(real)

    def example(index, number):
        return {"pictures": real[index], "z": draw_z(schedule.seed, number),
                "chance": uniform(schedule.seed, number, (2, 4), stream=1)}

    source = examples(len(real), schedule.batch_size, schedule.steps, schedule.seed, first_step)
    return batches(source.map(example, num_parallel_calls=2), schedule.batch_size)

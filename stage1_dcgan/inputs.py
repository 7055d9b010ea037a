"""The training pictures and batches of the DCGAN."""
from __future__ import annotations

import numpy as np
import tensorflow as tf

from data.fundus import View, square
from data.layouts import Sample
from data.pipeline import batches, examples, read
from data.randomness import uniform
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.encoding import encode
from stage1_dcgan.networks import Z_DIM
from stage1_dcgan.variety import draw_variation, vary
from training.fit import Schedule

NOISE, VIEWS = 0, 1  # streams of random numbers


def pictures(views: list[View], config: Stage1Config) -> np.ndarray:
    """float32 (N, S, S, C) in [-1, 1]: the encoded masks of the views, black outside the field of view (C = 1), or
    their photographs (C = 3)."""
    if config.draw == "photographs":
        return np.stack([square(view.image, config.size) for view in views]).astype(np.float32) / 127.5 - 1
    return np.stack([encode(np.minimum(view.mask, view.fov), config.size, config.encoding, config.clip)
                     for view in views])[..., None]


def grey(drawn: np.ndarray) -> np.ndarray:
    """float32 in [-1, 1] -> uint8 in 0..255, of any shape. Values outside the range are clipped."""
    return np.clip(np.round(127.5 * (drawn + 1)), 0, 255).astype(np.uint8)


def draw_z(seed: int, number: tf.Tensor) -> tf.Tensor:
    """The generator's input for example `number`: float32 (100,), uniform in [-1, 1).

    Training and drawing share this stream. Where --seed is the same for both, drawing n has the z of training example
    n, and the variation (`variety.draw_variation`) of its picture. They say nothing of each other: z is drawn without
    regard to pictures, and no loss asks for one of them. With another stream, trained networks would draw other masks.
    """
    return 2 * uniform(seed, number, NOISE, (Z_DIM,)) - 1


def amount_of_variety(config: Stage1Config, samples: list[Sample]) -> float:
    """--vary_masks for `dataset`: nothing but the masks of eyes has a left and a right eye."""
    return config.vary_masks if config.draw == "masks" and samples[0].modality == "fundus" else 0.0


def dataset(real: np.ndarray, schedule: Schedule, first_step: int = 0, amount: float = 0.0) -> tf.data.Dataset:
    """Batches for `DCGAN.train_step` from the pictures `real` (N, S, S, C), from step `first_step` on.

    With an `amount` above 0 each picture, a field of distances, is another eye each time (`variety.vary`).
    """
    all_real = tf.constant(real)

    def varied(index, number):
        variation = draw_variation(schedule.seed, int(number), amount)
        return np.clip(vary(real[index, ..., 0], variation), -1, 1)[..., None]

    def picture(index, number):
        if not amount:
            return all_real[index]
        return tf.ensure_shape(read(varied, [index, number], tf.float32), real.shape[1:])

    def example(index, number):
        return {"pictures": picture(index, number), "z": draw_z(schedule.seed, number),
                "chance": uniform(schedule.seed, number, VIEWS, (2, 4))}

    source = examples(len(real), schedule.batch_size, schedule.steps, schedule.seed, first_step)
    return batches(source.map(example, num_parallel_calls=2), schedule.batch_size)

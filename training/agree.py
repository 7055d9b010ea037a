"""What the workers of --strategy=multi_worker have to agree on, because TensorFlow lets them act together only."""
from __future__ import annotations

import tensorflow as tf

from data.errors import UserError
from training.config import MULTI_WORKER, TrainingConfig


def agreed(config: TrainingConfig, *said: bool) -> list[bool]:
    """Of each flag whether any worker says it. All workers have to ask at the same moment."""
    return list(said) if config.strategy != MULTI_WORKER else [mean > 0 for mean in _means(said)]


def check_same(config: TrainingConfig, step: int) -> None:
    """Raises UserError unless all workers are at the same step; they all have to call it."""
    if config.strategy == MULTI_WORKER and _means([step]) != [step]:
        raise UserError(f"this worker found the checkpoint of step {step} in {config.out}, and others one of another "
                        "step: put --out on a disk that all of them share, and start them again")


def _means(said: list[float] | tuple[float, ...]) -> list[float]:
    together = tf.distribute.get_strategy()
    replicas = together.run(lambda: tf.constant([float(value) for value in said], tf.float64))
    return together.reduce(tf.distribute.ReduceOp.MEAN, replicas, axis=None).numpy().tolist()

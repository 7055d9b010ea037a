"""Counted and measured memory of a network's training step: python -m tests.costs pix2pix 256 24 4

Prints one JSON line: what configs/preflight.py counts for a process, and its peak.
"""
from __future__ import annotations

import json
import math
import sys

import tensorflow as tf

from configs.preflight import Need, of_batch
from tests.bench.networks import NETWORKS
from tests.memory import peak
from training import devices
from training.config import TrainingConfig
from training.costs import count
from training.fit import Schedule

STEPS = 3


def main() -> None:
    name, size, base, batch = sys.argv[1], *map(int, sys.argv[2:])
    devices.set_seed(0)
    model, data = NETWORKS[name](size, base, batch)
    spec = tf.nest.map_structure(lambda value: tf.TensorSpec(value.shape, value.dtype), data)
    config = TrainingConfig(pairs="none", out="none", epochs=1, steps_per_epoch=STEPS, batch_size=batch)
    need = Need(name, config, Schedule.from_config(config, batch), *(count(model, of_batch(spec, n)) for n in (1, 2)))
    step = tf.function(model.train_step)
    for _ in range(STEPS):
        tf.nest.map_structure(lambda value: value.numpy(), step(data))
    print(json.dumps({"network": name, "size": size, "base": base, "batch": batch,
                      "weights_gb": need.one.weights / 1e9, "counted_gb": need.memory(1, 1, on_gpu=False) / 1e9,
                      "peak_rss_gb": peak() / 1e9, "gflop": need.seconds(1e9, math.inf) / STEPS}))


if __name__ == "__main__":
    main()

"""Counted and measured memory of a network's training step: python -m tests.costs pix2pix 256 24 4

Prints one JSON line: what configs/preflight.py counts for a process, and its peak.
"""
from __future__ import annotations

import json
import sys

import tensorflow as tf

from configs.preflight import CPU_SHARE, PROCESS
from tests.bench.networks import NETWORKS
from tests.memory import peak
from training import devices
from training.costs import count

STEPS = 3


def main() -> None:
    name, size, base, batch = sys.argv[1], *map(int, sys.argv[2:])
    devices.set_seed(0)
    model, data = NETWORKS[name](size, base, batch)
    costs = count(model, tf.nest.map_structure(lambda value: tf.TensorSpec(value.shape, value.dtype), data))
    step = tf.function(model.train_step)
    for _ in range(STEPS):
        tf.nest.map_structure(lambda value: value.numpy(), step(data))
    counted = PROCESS + costs.weights + CPU_SHARE * costs.live
    print(json.dumps({"network": name, "size": size, "base": base, "batch": batch, "weights_gb": costs.weights / 1e9,
                      "live_gb": costs.live / 1e9, "counted_gb": counted / 1e9, "peak_rss_gb": peak() / 1e9,
                      "gflop": costs.operations / 1e9}))


if __name__ == "__main__":
    main()

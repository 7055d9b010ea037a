"""Counted and measured memory of a network's training step: python -m tests.costs pix2pix 256 24 4

Prints one JSON line: what configs/preflight.py counts for a process, and its peak.
"""
from __future__ import annotations

import json
import resource
import sys

import tensorflow as tf

from configs.preflight import CPU_SHARE, PROCESS
from tests.bench.networks import NETWORKS
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    counted = PROCESS + costs.weights + CPU_SHARE * costs.live
    print(json.dumps({"network": name, "size": size, "base": base, "batch": batch, "weights_gb": costs.weights / 1e9,
                      "live_gb": costs.live / 1e9, "counted_gb": counted / 1e9, "peak_rss_gb": peak,
                      "gflop": costs.operations / 1e9}))


if __name__ == "__main__":
    main()

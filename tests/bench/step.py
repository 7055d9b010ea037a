"""Seconds of a training step, and the share of what the machine can compute at most."""
from __future__ import annotations

import resource
import statistics
import sys
import time

import numpy as np
import tensorflow as tf

from tests.bench.networks import NETWORKS
from tests.memory import peak
from training import devices
from training.precision import set_precision

SIDE = 2048  # of the matrices whose product is the machine's best
WARM_UP = 2


def measure(network: str, size: int, batch: int, base: int, dtype: str, steps: int) -> dict:
    """Times the `train_step` of one of NETWORKS: the median of `steps` steps after WARM_UP."""
    set_precision(dtype)
    devices.set_seed(0)  # as every training does: repeatable operations are part of its speed
    model, example = NETWORKS[network](size, base, batch)
    step = tf.function(model.train_step).get_concrete_function(example)
    median = statistics.median(timed(step, example, steps))
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if sys.platform == "darwin" else peak()  # bytes
    done, best = operations(step) / 1e9, best_product(dtype) / 1e9
    return {"network": network, "size": size, "batch": batch, "base": base, "dtype": dtype,
            "step_s": round(median, 4), "images_per_s": round(batch / median, 3), "peak_rss_gb": round(taken / 1e9, 2),
            "gflop": round(done, 3), "best_gflop_per_s": round(best, 1), "share": round(done / median / best, 3)}


def timed(step, example, steps: int) -> list[float]:
    """Seconds of each of `steps` calls of a function that returns tensors, after WARM_UP calls."""
    seconds = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        tf.nest.map_structure(lambda value: value.numpy(), step(example))  # waits for the device
        seconds.append(time.perf_counter() - start)
    return seconds[WARM_UP:]


def best_product(dtype: str) -> float:
    """Operations per second in the product of two large matrices, the best of eight."""
    matrix = tf.cast(tf.random.uniform((SIDE, SIDE)), dtype)
    product = tf.function(lambda matrix: tf.reduce_max(tf.matmul(matrix, matrix)))
    return 2 * SIDE ** 3 / min(timed(product, matrix, 8))


def operations(function) -> int:
    """Multiplications and additions in the convolutions and matrix products of a concrete function.

    Only what its outputs and effects need counts: gradients with respect to the other network's weights do not.
    Branches of a tf.cond do not count, such as the gradient penalty in every eighth step.
    """
    return sum(_operations(operation) for operation in needed(function.graph))


def needed(graph) -> list[tf.Operation]:
    """The operations of a function's graph that are computed."""
    found, waiting = {}, [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    while waiting:
        operation = waiting.pop()
        if operation.name not in found:
            found[operation.name] = operation
            waiting += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return list(found.values())


def _operations(operation) -> int:
    def count(shape, first=0, last=None):
        return int(np.prod(shape.as_list()[first:last]))

    inputs, kind = operation.inputs, operation.type
    if kind == "Conv2D":
        return 2 * count(operation.outputs[0].shape) * count(inputs[1].shape, 0, 3)
    if kind == "Conv2DBackpropInput":
        return 2 * count(inputs[2].shape) * count(inputs[1].shape, 0, 3)
    if kind == "Conv2DBackpropFilter":
        return 2 * count(inputs[2].shape) * count(operation.outputs[0].shape, 0, 3)
    if kind == "MatMul":
        inner = inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]
        return 2 * count(operation.outputs[0].shape) * inner
    return 0

"""Devices, number formats and seeds."""
from __future__ import annotations

import json
import os
from pathlib import Path

import tensorflow as tf
from absl import logging
from tensorflow import keras

from data.images import DataError

STRATEGIES = ("auto", "one", "mirrored", "multi_worker")
PRECISIONS = ("auto", "float32", "mixed_bfloat16")


def choose(name: str, batch_size: int) -> tf.distribute.Strategy:
    """The `tf.distribute` strategy of --strategy.

    "one" is the first device; "mirrored" splits each batch over the machine's GPUs, or over its logical CPUs where it
    has none; "multi_worker" over machines, which the environment variable TF_CONFIG names; "auto" is "mirrored" on
    two GPUs or more (a K80 board is two), else "one". Raises DataError where the batch does not divide.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)  # leaves what is not needed to others
    # before any device is listed, which starts TensorFlow: workers have to be known by then
    strategy = _multi_worker() if name == "multi_worker" else None
    gpus = tf.config.list_logical_devices("GPU")
    if name == "auto":
        name = "mirrored" if len(gpus) > 1 else "one"
    if name == "mirrored":
        strategy = tf.distribute.MirroredStrategy([d.name for d in gpus or tf.config.list_logical_devices("CPU")])
    elif name == "one":
        strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise DataError(f"--batch_size={batch_size} does not divide over {replicas} devices: use a multiple of it")
    return strategy


def _multi_worker() -> tf.distribute.Strategy:
    try:
        cluster = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster")
    except (ValueError, AttributeError):
        cluster = None
    if not cluster:
        raise DataError("--strategy=multi_worker needs the environment variable TF_CONFIG with a cluster")
    return tf.distribute.MultiWorkerMirroredStrategy()


def set_precision(name: str) -> None:
    """Number format of the layers, --precision.

    "auto" is mixed_bfloat16 on processors that multiply it natively, where it is faster (`make bench` tells by how
    much), else float32. Weights, losses and outputs are float32 always.
    """
    if name == "auto":
        native = not tf.config.list_physical_devices("GPU") and _cpu_multiplies_bfloat16()
        name = "mixed_bfloat16" if native else "float32"
    keras.mixed_precision.set_global_policy(name)
    logging.info("precision: %s", name)


def _cpu_multiplies_bfloat16() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and bool({"avx512_bf16", "amx_bf16"} & set(cpuinfo.read_text().split()))


def set_seed(seed: int) -> None:
    """Seeds weight initialisation and makes every operation repeatable to the bit."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()

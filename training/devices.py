"""Devices, number format and seeds of a training."""
from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from absl import logging
from tensorflow import keras

from data.errors import UserError
from training.config import TrainingConfig
from training.run_folder import read_record


@dataclass(frozen=True)
class Devices:
    """What a training runs on: its `tf.distribute` strategy, and what its options --strategy and --precision mean."""

    strategy: tf.distribute.Strategy
    strategy_name: str
    precision: str

    @property
    def resolved(self) -> dict:
        """For config.json."""
        return {"strategy": self.strategy_name, "precision": self.precision,
                "devices": self.strategy.num_replicas_in_sync}


def start(config: TrainingConfig, seed: int) -> Devices:
    """Prepares TensorFlow for a training: strategy, number format, seeds.

    Where the training is resumed, "auto" means what it meant at the start. Raises UserError where the batch does not
    divide over the devices.
    """
    before = {}
    if (Path(config.out) / "config.json").exists():
        before = read_record(config.out, f"remove {config.out} to start again")["resolved"]
    keras.backend.clear_session()
    name = before.get("strategy", "auto") if config.strategy == "auto" else config.strategy
    strategy, name = choose_strategy(name, config.batch_size)
    precision = before.get("precision", "auto") if config.precision == "auto" else config.precision
    devices = Devices(strategy, name, set_precision(precision))
    set_seed(seed)
    return devices


def choose_strategy(name: str, batch_size: int) -> tuple[tf.distribute.Strategy, str]:
    """The `tf.distribute` strategy of --strategy, and its name where that was "auto".

    "one" is the first device; "mirrored" splits each batch over the machine's GPUs, or over its logical CPUs where it
    has none; "multi_worker" over machines, which the environment variable TF_CONFIG names; "auto" is "mirrored" on
    two GPUs or more (a K80 board is two), else "one". Raises UserError where the batch does not divide.
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
        raise UserError(f"--batch_size={batch_size} does not divide over {replicas} devices: use a multiple of it")
    return strategy, name


def _multi_worker() -> tf.distribute.Strategy:
    try:
        cluster = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster")
    except (ValueError, AttributeError):
        cluster = None
    if not cluster:
        raise UserError("--strategy=multi_worker needs the environment variable TF_CONFIG with a cluster")
    return tf.distribute.MultiWorkerMirroredStrategy()


def set_precision(name: str) -> str:
    """Sets the number format of the layers, --precision, and returns what "auto" stands for.

    "auto" is mixed_bfloat16 on processors that multiply it natively, where it is faster (`make bench` tells by how
    much), else float32. Weights, losses and outputs are float32 always.
    """
    if name == "auto":
        native = not tf.config.list_physical_devices("GPU") and _cpu_multiplies_bfloat16()
        name = "mixed_bfloat16" if native else "float32"
    keras.mixed_precision.set_global_policy(name)
    logging.info("precision: %s", name)
    return name


def _cpu_multiplies_bfloat16() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and bool({"avx512_bf16", "amx_bf16"} & set(cpuinfo.read_text().split()))


def set_seed(seed: int) -> None:
    """Seeds weight initialisation and makes every operation repeatable to the bit."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()

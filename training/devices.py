"""Devices, number format and random seeds of a training."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from absl import logging
from tensorflow import keras
from tensorflow.python.distribute import multi_worker_util
from tensorflow.python.eager import context
from tensorflow.tsl.protobuf import coordination_config_pb2

from data.errors import UserError
from training import hardware, workers
from training.checkpoints import newest
from training.config import MULTI_WORKER, TrainingConfig
from training.fit import Schedule
from training.precision import set_precision
from training.run_folder import read_record

# Pixels times filters of the first level squared, over all steps. On two cores with bfloat16 a DCGAN of so many takes
# an hour or two; each training of the preset `paper` has more, in float32.
LONG = 3e12
HEARTBEAT = 60  # seconds without a sign of life after which a worker has ended; TensorFlow's 10 are few


@dataclass(frozen=True)
class Devices:
    """What a training runs on.

    strategy: of `tf.distribute`. strategy_name, precision: the values of --strategy and --precision, with "auto"
    resolved.
    """

    strategy: tf.distribute.Strategy
    strategy_name: str
    precision: str

    @property
    def resolved(self) -> dict:
        """The entry "resolved" of config.json."""
        return {"strategy": self.strategy_name, "precision": self.precision,
                "devices": self.strategy.num_replicas_in_sync}


def start(config: TrainingConfig, schedule: Schedule) -> Devices:
    """Sets up TensorFlow for a training: strategy, number format, random seeds. The log says what it runs on, and warns
    where it will take long without a GPU.

    When a training is resumed, "auto" has the meaning that it had at the start. Raises UserError if the batch size is
    no multiple of the number of devices, if multi_worker has no cluster, if the old config.json is damaged, or if
    --epochs was lowered below what the training has done.
    """
    before = {}
    if (Path(config.out) / "config.json").exists():
        record = read_record(config.out, f"remove {config.out} to start again")
        _refuse_fewer_epochs(config, schedule, record["flags"].get("epochs"))
        before = record["resolved"]
    keras.backend.clear_session()
    name = before.get("strategy", "auto") if config.strategy == "auto" else config.strategy
    if config.strategy == "auto" and name == MULTI_WORKER:  # the machines of then may not be there
        name = "auto"
    strategy, name = choose_strategy(name, config.batch_size, config.accumulate, config.other_batches)
    precision = before.get("precision", "auto") if config.precision == "auto" else config.precision
    devices = Devices(strategy, name, set_precision(precision, trial=name != "multi_worker"))
    set_seed(schedule.seed)
    logging.info("precision: %s, device: %s", devices.precision, hardware.description())
    if config.accumulate > 1:
        logging.info("batches of %d in %d parts: updates are those of whole batches, but batch norm sees %d examples "
                     "at a time", config.batch_size, config.accumulate, config.batch_size // config.accumulate)
    examples = schedule.steps * schedule.batch_size
    if not tf.config.list_physical_devices("GPU") and examples * config.side ** 2 * config.base ** 2 > LONG:
        logging.warning("without a GPU this training will take many hours or days: such settings are made for GPUs, "
                        "those of CONFIG=quick and CONFIG=cpu for processors")
    return devices


def _refuse_fewer_epochs(config: TrainingConfig, schedule: Schedule, before: int | None) -> None:
    """config.json, in which --epochs was `before`, would say that the weights are of fewer steps than they are."""
    done = newest(Path(config.out))
    if isinstance(before, int) and before > config.epochs and done > schedule.steps:
        raise UserError(f"{config.out} was trained for {done} steps, and --epochs={config.epochs} is {schedule.steps}: "
                        f"give --epochs={-(-done // schedule.steps_per_epoch)} or more, or another --out")


def choose_strategy(name: str, batch_size: int, parts: int = 1, others: dict[str, int] | None = None) \
        -> tuple[tf.distribute.Strategy, str]:
    """The `tf.distribute` strategy for --strategy=`name`, and its name with "auto" resolved.

    - "one": the first device.
    - "mirrored": splits each batch over the GPUs of this machine, or over its logical CPUs if it has no GPU.
    - "multi_worker": splits it over the machines that the environment variable TF_CONFIG lists (training/workers.py).
    - "auto": "mirrored" if there are two GPUs or more (a K80 board counts as two) and all batches divide over them,
      else "one".

    Raises UserError if the batch size, or one of `others` (TrainingConfig.other_batches), is no multiple of the number
    of devices, times the `parts` of --accumulate: examples in a smaller share would count for more, and a device with
    none would end the training.
    """
    batches = {"batch_size": batch_size, **(others or {})}
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)  # other programs may need memory too
        except RuntimeError:  # TensorFlow runs: an earlier training of this process has set it
            break
    # TensorFlow has to know the workers before it starts, and listing logical devices starts it.
    strategy = _multi_worker() if name == MULTI_WORKER else None
    gpus = tf.config.list_logical_devices("GPU")
    if name == "auto":
        divide = len(gpus) > 1 and all(size % (len(gpus) * parts) == 0 for size in batches.values())
        name = "mirrored" if divide else "one"
    if name == "mirrored":
        strategy = tf.distribute.MirroredStrategy([d.name for d in gpus or tf.config.list_logical_devices("CPU")])
    elif name == "one":
        strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    for option, size in batches.items():
        if size % (replicas * parts):
            where = f"{replicas} {'device' if replicas == 1 else 'devices'}"
            raise UserError(f"--{option}={size} does not divide over {where}" +
                            (f" in --accumulate={parts} parts" if parts > 1 else "") +
                            f": use a multiple of {replicas * parts}" + (", or --strategy=one" if replicas > 1 else ""))
    return strategy, name


def _multi_worker() -> tf.distribute.Strategy:
    """Waits for the other workers. It comes before everything else that TensorFlow does."""
    if not workers.task():
        raise UserError("--strategy=multi_worker needs the environment variable TF_CONFIG with a cluster")
    # As the strategy does it by itself, which has no option for the heartbeat.
    cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec()
    jobs = [coordination_config_pb2.CoordinatedJob(name=job, num_tasks=cluster.num_tasks(job)) for job in cluster.jobs]
    context.context().configure_coordination_service(
        "standalone", multi_worker_util.coordination_leader(cluster), coordinated_jobs=jobs,
        heartbeat_timeout_in_ms=1000 * HEARTBEAT)
    return tf.distribute.MultiWorkerMirroredStrategy()


def set_seed(seed: int) -> None:
    """Seeds the initial weights, and makes TensorFlow repeat every operation to the bit."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()

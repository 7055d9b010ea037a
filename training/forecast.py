"""Tells early of a training that will take longer than its preset says."""
from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

from absl import logging
from tensorflow import keras

from training.config import TrainingConfig

STEPS = 20       # after which it is told
TOLERANCE = 1.2  # times the stated minutes that nothing is said of
ONE_CORE = 1.9   # times as long as on two cores; `make -jN` may leave a training one (docs/speed.md)


def stated_minutes(config: TrainingConfig, cpuinfo: Path = Path("/proc/cpuinfo")) -> float:
    """What the preset states for this kind of processor; 0 where it states nothing."""
    avx512 = cpuinfo.exists() and "avx512f" in cpuinfo.read_text().split()
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    narrower = limit == "AVX" or limit.startswith(("AVX2", "SSE"))
    return config.minutes_avx512 if avx512 and not narrower else config.minutes


class Forecast(keras.callbacks.Callback):
    """Warns once, after STEPS steps, where the training will take longer than `minutes` on two cores, or ONE_CORE times
    as long on one, beyond TOLERANCE.

    steps: those that are to do, of later phases too, whose steps are taken to last as long as these; spent: seconds
    that the training has taken before.
    """

    def __init__(self, minutes: float, steps: int, spent: float):
        super().__init__()
        self._minutes, self._steps, self._spent, self._ends = minutes, steps, spent, []

    def on_train_batch_end(self, batch, logs=None):
        if len(self._ends) == STEPS:
            return
        self._ends.append(time.monotonic())
        if len(self._ends) == STEPS:
            one = os.environ.get("TF_NUM_INTRAOP_THREADS") == "1"
            stated = self._minutes * (ONE_CORE if one else 1)
            step = statistics.median(end - start for start, end in zip(self._ends, self._ends[1:]))
            total = (self._spent + self._steps * step) / 60
            if total > TOLERANCE * stated:
                # It begins with a new line, for the progress bar ends without one.
                logging.warning("\nthis training will take about %.0f minutes (%.2f seconds a step); its preset is "
                                "made for %.3g on %s", total, step, stated,
                                "one processor core" if one else "two processor cores")

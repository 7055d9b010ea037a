"""What a training runs on, in words, and why no GPU is used."""
from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys

import tensorflow as tf

DRIVER = "libcuda.so.1"  # of NVIDIA's driver; TensorFlow says nothing else where it is absent
NO_DRIVER = "Could not find cuda drivers on your machine, GPU will not be used."
# What TensorFlow 2.14 writes, among much else, in its log of C++ where it leaves a GPU unused.
REASON = re.compile(r"\] ((?:Could not find cuda|failed call to cuInit|Cannot dlopen|Could not load dynamic library|"
                    r"Ignoring visible gpu|kernel driver does not|kernel version).*)")
ASK = "import tensorflow; tensorflow.config.list_physical_devices('GPU')"


def description() -> str:
    """The devices that TensorFlow uses, and where there is no GPU why."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
        return f"{len(gpus)} {'GPU' if len(gpus) == 1 else 'GPUs'} ({', '.join(names)})"
    return f"CPU with {os.cpu_count()} cores; no GPU: {why_no_gpu()}"


def why_no_gpu() -> str:
    """TensorFlow's reason, one line. It only stands in the log of C++, which is off, and cannot be turned on again."""
    if not tf.test.is_built_with_cuda():
        return "this TensorFlow was built without CUDA"
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return NO_DRIVER
    log = subprocess.run([sys.executable, "-c", ASK], env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"}, text=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr
    return reason(log) or "TensorFlow finds none, and does not say why"


def reason(log: str) -> str:
    """What a log of TensorFlow says of GPUs that are not used, each sentence once; "" where it says nothing."""
    return " ".join(dict.fromkeys(REASON.findall(log)))

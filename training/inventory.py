"""What a machine has: GPUs, processors, memory, disk, and how fast it multiplies. `hardware` says what a training uses
of it."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve")
SIDE, TIMED, COPIED = 1536, 0.5, 1 << 28  # of the matrices that are multiplied; seconds; bytes


@dataclass(frozen=True)
class Card:
    """A GPU. capability: (major, minor) of its compute capability; memory: bytes, None where nothing says so."""

    name: str
    capability: tuple[int, int]
    memory: int | None

    def runs(self, built_for: list[str]) -> str:
        """How the kernels of a TensorFlow built for these architectures, such as "sm_35" or "compute_80", run on it."""
        major, minor = self.capability
        exact = [int(name[3:]) for name in built_for if name.startswith("sm_")]
        if any(arch // 10 == major and arch % 10 <= minor for arch in exact):
            return "its kernels are in this TensorFlow"
        portable = [int(name[8:]) for name in built_for if name.startswith("compute_")]
        if any(arch <= 10 * major + minor for arch in portable):
            return "its kernels are compiled on first use, which takes minutes, once"
        return ""


def cards() -> list[Card]:
    """The GPUs that TensorFlow uses."""
    found = []
    memories = _memories()
    for gpu in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpu)
        name = details.get("device_name", gpu.name)
        found.append(Card(name, details.get("compute_capability", (0, 0)), memories.get(name)))
    return found


def _memories() -> dict[str, int]:
    """{name of a GPU: bytes, the least of those of this name}; none where NVIDIA's program for that is not there.

    By their names, for that program lists all GPUs, in the order of their places, and TensorFlow those that
    CUDA_VISIBLE_DEVICES leaves, the fastest first.
    """
    try:
        said = subprocess.run(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"],
                              text=True, capture_output=True).stdout
    except OSError:
        return {}
    found: dict[str, int] = {}
    for name, _, megabytes in (line.strip().rpartition(", ") for line in said.splitlines()):
        if megabytes.isdecimal():
            found[name] = min(int(megabytes) << 20, found.get(name, int(megabytes) << 20))
    return found


def cuda() -> tuple[str, list[str]]:
    """(version of CUDA that this TensorFlow was built with, architectures that it was built for); ("", []) of none."""
    build = tf.sysconfig.get_build_info()
    return build.get("cuda_version", ""), list(build.get("cuda_compute_capabilities", []))


def instructions() -> list[str]:
    """The processor's instruction sets that matter here; none where the system does not say."""
    try:
        return [name for name in INSTRUCTIONS if name in set(Path("/proc/cpuinfo").read_text().split())]
    except OSError:
        return []


def memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that a program may take: what is free or can be freed, and not more than the limit of a container."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        pages = int(re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) << 10
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        # Files that were read or written count as used until others need the room.
        freed = sum(map(int, re.findall(r"^(?:in)?active_file (\d+)", (cgroup / "memory.stat").read_text(), re.M)))
        return min(pages, int(limit) - used + freed) if limit.isdecimal() else pages
    except (OSError, TypeError, ValueError):
        return pages


def disk(folder: Path) -> int:
    """Free bytes where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.absolute().parent
    return shutil.disk_usage(folder).free


def rates() -> tuple[float, float]:
    """(multiplications and additions a second in float32, bytes a second) of TensorFlow's first device, measured in a
    second or two."""
    matrix = tf.random.uniform((SIDE, SIDE))
    array = tf.zeros(COPIED // 4)
    return (_per_second(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)).numpy(), 2 * SIDE ** 3),
            _per_second(lambda: tf.reduce_sum(tf.identity(array) + 1.0).numpy(), 3 * COPIED))


def _per_second(work, amount: int) -> float:
    work()  # the first time it is prepared
    seconds, end = [], time.perf_counter() + TIMED
    while not seconds or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return amount / float(np.min(seconds))

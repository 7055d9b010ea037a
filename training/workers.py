"""Several machines, or processes, that train one network together: --strategy=multi_worker.

The environment variable TF_CONFIG lists the workers and says which one this is. All get the same command with the same
--out. Every worker does the whole work, because some variables can be read by all workers together only. The first one,
the chief, writes to --out; what the others write goes to temporary folders.
"""
from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from training.config import MULTI_WORKER, TrainingConfig

_own: dict[str, tempfile.TemporaryDirectory] = {}  # the temporary folder in place of each --out, kept until the end


def task() -> tuple[str, int] | None:
    """(type, index) of this worker's task, ("chief", 0) for the one that writes; None where TF_CONFIG lists no
    cluster."""
    try:
        said = json.loads(os.environ.get("TF_CONFIG", "{}"))
        cluster, own = said.get("cluster"), said.get("task", {})
        kind, index = own.get("type", "worker"), int(own.get("index", 0))
    except (ValueError, AttributeError):
        return None
    # A cluster that lists no "chief" has its first worker for one.
    return ("chief" if (kind, index) == ("worker", 0) and "chief" not in cluster else kind, index) if cluster else None


def folder(config: TrainingConfig) -> Path:
    """Where this process writes what belongs into config.out."""
    if config.strategy != MULTI_WORKER or task() == ("chief", 0):
        return Path(config.out)
    if config.out not in _own:
        _own[config.out] = tempfile.TemporaryDirectory(prefix="worker-")
    return Path(_own[config.out].name)

"""Plans for the tests of `make plan`, and a stand-in for Slurm's sbatch."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOALS = {"eval": {}, "curve": {}, "synthetic": {"COUNT": "1000", "SHARDS": "3"},
         "evidence": {"FLAGS": "--arms=real,rendered --seeds=2 --test='folder:/other data'"},
         "sweep": {"SWEEP": "configs/sweeps/unet_loss"}}
SETTINGS = {"CONFIG": "tiny", "RUN": "my run", "PAIRS": "folder:my data", "PHOTOS": "", "CELLS": "bu_bil:c",
            "FLAGS": "--seeds=2 --test='folder:/other data'"}
SBATCH = """#!/bin/sh
printf '%s\\n' "$*" >> calls
[ ! -e refuse ] || exit 1
wc -l < calls | tr -d ' '
"""


def make_project(folder):
    """A project folder with a preset, and an `sbatch` that writes down what it is called with."""
    for preset in ("tiny", "cells"):
        (folder / "configs" / preset).mkdir(parents=True)
        for stage in ("stage1", "stage2", "unet", "single"):
            (folder / "configs" / preset / f"{stage}.flags").touch()
    (folder / "bin").mkdir()
    (folder / "bin" / "sbatch").write_text(SBATCH)
    (folder / "bin" / "sbatch").chmod(0o755)
    return folder


def call(folder, *words, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", **variables}
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, text=True, capture_output=True, env=environment)


def plan(folder, goal, **changes):
    answer = call(folder, "configs.chain", GOAL=goal, **{**SETTINGS, **GOALS[goal], **changes})
    assert answer.returncode == 0, answer.stderr
    (folder / "plan.json").write_text(answer.stdout)
    return json.loads(answer.stdout)["steps"]

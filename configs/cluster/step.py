"""Runs one step of a plan: python -m configs.cluster.step plan.json mine:stage1

In a task of a Slurm job array, whose number is the number of a seed, it is the step of that seed.
"""
from __future__ import annotations

import os
import sys

from configs.cluster.slurm import read
from unet_eval.arms import of_seed


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("error: give the file that `make plan` printed and the name of a step")
    name = of_seed(sys.argv[2], int(os.environ.get("SLURM_ARRAY_TASK_ID", 0)))
    steps = {step["name"]: step for step in read(sys.argv[1])}
    if name not in steps:
        sys.exit(f"error: {sys.argv[1]} has no step {name}")
    step = steps[name]
    # The command takes the place of this process, and gets the scheduler's signals.
    os.execvpe(step["command"][0], step["command"], {**os.environ, **step["environment"]})


if __name__ == "__main__":
    main()

"""Runs one step of a plan: python -m configs.cluster.step plan.json [mine:stage1]

In a task of a Slurm job array, whose number is the number of a seed or of a share, it is the step of that number. In a
pod of an indexed Job of Kubernetes, which has no name of a step, it is the step of the pod's index. That one first
waits for the files that it needs, and ends at once where its own is there.
"""
from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from configs.cluster.slurm import read
from unet_eval.arms import of_seed

PAUSE = 2.0  # seconds between two looks for the files
STOPPED = 75  # the exit status of training.cli for what goes on when it is started again


def named(steps: list[dict], plan: str, name: str) -> dict:
    """The step of this name, or of the task's number."""
    name = of_seed(name, int(os.environ.get("SLURM_ARRAY_TASK_ID", 0)))
    found = {step["name"]: step for step in steps}
    if name not in found:
        sys.exit(f"error: {plan} has no step {name}")
    return found[name]


def indexed(steps: list[dict], plan: str) -> dict | None:
    """The step of the pod's index, once its inputs are there; None where its output is."""
    index = os.environ.get("JOB_COMPLETION_INDEX", "")
    if not index.isdecimal() or int(index) >= len(steps):
        sys.exit(f"error: JOB_COMPLETION_INDEX='{index}' is no step of {plan}: name one")
    step = steps[int(index)]
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(STOPPED))  # the first process of a pod ignores it
    while not Path(step["output"]).exists():
        if all(Path(file).exists() for file in (*step["inputs"], *step["after"])):
            return step
        time.sleep(PAUSE)
    return None


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit("error: give the file that `make plan` printed and the name of a step")
    plan, *name = sys.argv[1:]
    steps = read(plan)
    step = named(steps, plan, name[0]) if name else indexed(steps, plan)
    if step:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # The command takes the place of this process, and gets the scheduler's signals.
        os.execvpe(step["command"][0], step["command"], {**os.environ, **step["environment"]})


if __name__ == "__main__":
    main()

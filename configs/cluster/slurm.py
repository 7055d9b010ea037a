"""Submits a plan to Slurm: python -m configs.cluster.slurm plan.json --gres=gpu:1 --time=4:00:00

Everything after the plan goes to sbatch. A step that several seeds have is one job array, task k for seed k. Steps
whose output is there are left out, so the same command submits what is left after a failure or a time limit; a training
goes on from its last checkpoint.
"""
from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

from unet_eval.arms import parse_seed

KEYS = {"name", "inputs", "after", "output", "command", "environment"}  # of a step
TERM = 120  # seconds before a job's time limit at which a training is told to save


def read(path: str) -> list[dict]:
    """The steps of a file that `make plan` printed; ends the process with one line where it is none."""
    try:
        steps = json.loads(Path(path).read_text(encoding="utf-8"))["steps"]
        if not all(KEYS <= step.keys() for step in steps):
            raise ValueError(f"a step has {', '.join(sorted(KEYS))}")
        return steps
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"error: {path} is no plan ({error}); make one: make plan GOAL=evidence > plan.json")


def arrays(steps: list[dict]) -> dict[str, dict[int, dict]]:
    """{name without a seed: {seed: step}} of the steps whose output is not there yet, in an order in which each comes
    after those that it needs."""
    found: dict[str, dict[int, dict]] = {}
    for step in steps:
        name, seed = parse_seed(step["name"])
        members = found.setdefault(name, {})  # of steps that are done, too: one seed may be ahead of another
        if not Path(step["output"]).exists():
            members[seed] = step
    return {name: members for name, members in found.items() if members}


def dependency(name: str, found: dict[str, dict[int, dict]], jobs: dict[str, str]) -> str:
    """sbatch's --dependency of an array: each task waits for the task of its own seed where both arrays have the same
    seeds, else for all tasks."""
    makers = {step["output"]: maker for maker, members in found.items() for step in members.values()}
    needed = {makers[file]: None for step in found[name].values() for file in (*step["inputs"], *step["after"])
              if file in makers}
    kinds = {maker: "aftercorr" if set(found[maker]) == set(found[name]) else "afterok" for maker in needed}
    return ",".join(f"{kinds[maker]}:{jobs[maker]}" for maker in needed)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("error: give the file that `make plan` printed, then options for sbatch")
    plan, *options = sys.argv[1:]
    found, jobs = arrays(read(plan)), {}
    for name, members in found.items():
        wait = dependency(name, found, jobs)
        run = shlex.join([sys.executable, "-m", "configs.cluster.step", plan, name])
        call = ["sbatch", "--parsable", f"--job-name={name}", f"--array={','.join(map(str, sorted(members)))}",
                f"--signal=B:TERM@{TERM}", *([f"--dependency={wait}", "--kill-on-invalid-dep=yes"] if wait else []),
                *options, f"--wrap=exec {run}"]
        try:
            answer = subprocess.run(call, text=True, stdout=subprocess.PIPE)
        except OSError as error:
            sys.exit(f"error: sbatch cannot be called ({error.strerror}): submit where Slurm is installed")
        if answer.returncode:
            cancel = f"; to cancel what was submitted: scancel {' '.join(jobs.values())}" if jobs else ""
            sys.exit(f"error: sbatch refused {name}{cancel}")
        jobs[name] = answer.stdout.strip().partition(";")[0]
        print(f"{jobs[name]}: {name}, seeds {', '.join(map(str, sorted(members)))}" + (f", {wait}" if wait else ""))


if __name__ == "__main__":
    main()

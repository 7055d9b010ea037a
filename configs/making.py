"""Calls make for one run after the other: what a sweep and `make few` share."""
from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import deque
from dataclasses import dataclass

from training.cli import STOPPED, Stopped
from training.config import Config, option

DRY_RUN = ("stage1", "stage2", "eval")  # goals that build every network and train none, with FLAGS=--dry_run
# What a make shares its jobs with others by. It was not passed on to this program, which only waits for the make that
# it calls: that one may have all jobs.
JOBSERVER = re.compile(r"--jobserver-(auth|fds)=\S+ ?")
# make's exit status is 2 whatever a recipe's was; its last words have that.
STOPPED_RECIPE = re.compile(rf"\*\*\* \[.*\] \S+ {STOPPED}$")


@dataclass(frozen=True)
class MakingConfig(Config):
    """make's variables, for every run."""

    config: str = option("", "make's CONFIG, for every run.", required=True)
    pairs: str = option("", "make's PAIRS.", required=True)
    photos: str = option("", "make's PHOTOS.")
    flags: str = option("", "make's FLAGS; what a run has of its own comes after them.")
    make: str = option("make", "The make program.")


class Make:
    """Calls make, one command at a time; Stopped after a SIGTERM or SIGINT, which make and its training get too."""

    def __init__(self, program: str, name: str):
        """`name` is what the message about a signal says was stopped."""
        self._program, self._name, self._child, self._signal = program, name, None, None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)

    def _pass_on(self, number, frame):
        self._signal = number
        if self._child:
            self._child.terminate()

    def __call__(self, *targets: str, **variables: str) -> str | None:
        """None, or why it failed, one line."""
        settings = [f"{name}={value.replace('$', '$$')}" for name, value in variables.items()]  # make expands values
        last = deque(maxlen=100)
        environment = {**os.environ, "MAKEFLAGS": JOBSERVER.sub("", os.environ.get("MAKEFLAGS", ""))}
        with subprocess.Popen([self._program, "--no-print-directory", *targets, *settings], env=environment,
                              stderr=subprocess.PIPE) as self._child:
            if self._signal:  # it came while make was started
                self._child.terminate()
            for line in self._child.stderr:
                sys.stderr.buffer.write(line)
                sys.stderr.flush()
                last.append(line.decode(errors="replace").strip())
        if self._signal or any(STOPPED_RECIPE.search(line) for line in last):
            by = signal.Signals(self._signal).name if self._signal else "a signal to its training"
            raise Stopped(f"{self._name} was stopped by {by}; the same command goes on")
        if not self._child.returncode:
            return None
        errors = [line for line in last if line.startswith("error: ")]
        return (errors or [*last] or [f"make ended with status {self._child.returncode}"])[-1]

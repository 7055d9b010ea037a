"""kill -9 at random moments of the whole pipeline; the same command ends with the results of an undisturbed run."""
from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time

import pytest

from tests.end_to_end.miniature import MAKE, copy_project, environment, make

pytestmark = [pytest.mark.training, pytest.mark.long]
LONGEST = 0.25  # from the command to the kill, at most, as a share of the time that the whole pipeline takes


def results(clone):
    """Of results.json, all that follows from the data and the flags."""
    found = json.loads((clone / "reports" / "tiny" / "results.json").read_text())
    del found["seconds"]
    return found


def files(clone):
    """Names of all files of the run. Of TensorBoard's logs, which each start adds to, the folders."""
    found = {path.relative_to(clone) for top in ("checkpoints", "reports") for path in (clone / top).rglob("*")}
    return {path.parent if "tfevents" in path.name else path for path in found}


def kill(clone, arguments, seconds):
    """Kills make and all that it started after so many seconds; whether they were still at work."""
    process = subprocess.Popen([*MAKE, *arguments], cwd=clone, env=environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    assert process.returncode == 0
    return False


def test_killed_at_20_moments_the_pipeline_ends_as_if_undisturbed(clone, drive, messidor, tmp_path):
    arguments = ["stage1", "stage2", "eval", f"PAIRS={drive}", f"PHOTOS={messidor}"]
    copy_project(tmp_path / "undisturbed")
    started = time.monotonic()
    answer = make(tmp_path / "undisturbed", *arguments)
    assert answer.returncode == 0, answer.stdout[-3000:]
    longest = LONGEST * (time.monotonic() - started)

    def same():
        assert results(clone) == results(tmp_path / "undisturbed")
        assert files(clone) == files(tmp_path / "undisturbed")

    moments, kills = random.Random(0), 0
    while kills < 20:
        if kill(clone, arguments, moments.uniform(1, longest)):
            kills += 1
        else:  # it came to its end before all kills
            same()
            make(clone, "clean")
    answer = make(clone, *arguments)
    assert answer.returncode == 0, answer.stdout[-3000:]
    same()

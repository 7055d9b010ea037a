"""Calls of `make` as a user types them, with scripts in place of the trainings, and what they say."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
VARIABLES = ("CONFIG", "RUN", "PAIRS", "PHOTOS", "FLAGS", "FOLDS", "SWEEP", "ARCHIVE", "COUNT", "NAME", "LICENSE",
             "AUTHORS", "PYTHON", "EXTRAS", "MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL")
STAGE1 = ["stage1", "masks"]
STAGE2 = ["unet-real", "photo_masks", "stage2", "synthetic"]
EVAL = ["unet-synthetic", "evaluate"]
SETTINGS = "CONFIG=tiny PAIRS=phantom PHOTOS=phantom FLAGS="


def make(project, *arguments, python=sys.executable, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.run(["make", f"PYTHON={python}", *arguments], cwd=project, text=True, capture_output=True,
                          env={**environment, "PYTHONPATH": str(ROOT), **variables})


def steps(project, *arguments):
    """The steps that `make` would run, in order, the check of the data left out."""
    answer = make(project, "-n", *arguments, "CONFIG=tiny")
    assert answer.returncode == 0, answer.stderr
    return [name for name in re.findall(r"-m configs.steps (.+)", answer.stdout) if name != "data"]


def unets(project, *arguments):
    """The U-Nets that `make` would train, in order."""
    return [name for name in steps(project, *arguments) if name.startswith("unet-")]


def stops(answer, *said):
    """It stopped, in one line that says all of it."""
    assert answer.returncode != 0
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    for text in said:
        assert text in lines[0]


def finish(project, *names):
    """The files of a finished run, in the order in which the stages write them."""
    for age, name in enumerate(reversed(names)):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1e9 - age, 1e9 - age))


def done(run="checkpoints/tiny", report="reports/tiny"):
    files = ("data.checked", "stage1/config.json", "stage1/generator.h5", "masks.h5", "unet-real/config.json",
             "unet-real/weights.h5", "photo_masks.done", "stage2/config.json", "stage2/generator.h5", "synthetic.h5",
             "unet-synthetic/config.json", "unet-synthetic/weights.h5")
    return [f"{run}/{name}" for name in files] + [f"{report}/report.html"]


def with_cells(project):
    """The second data set's preset, and its run, finished."""
    shutil.copytree(project / "configs/tiny", project / "configs/cells")
    finish(project, "checkpoints/tiny-cells/synthetic.h5")

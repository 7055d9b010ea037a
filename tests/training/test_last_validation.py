"""A real script, stopped or killed at the end of its training: its validation.json is complete in the end."""
from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from data.files import read_json
from unet_eval.train import train

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[2]
STEP = """
from tests.training.at_step import at_step
at_step(4, lambda: os.kill(os.getpid(), number))
"""
VALIDATION = """
from unet_eval import validation
measure, calls = validation.probability, []
def probability(*arguments):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), number)
    return measure(*arguments)
validation.probability = probability
"""


@pytest.mark.parametrize("moment, number, status", [
    pytest.param(STEP, signal.SIGTERM, 75, marks=pytest.mark.long), (VALIDATION, signal.SIGTERM, 75),
    (VALIDATION, signal.SIGKILL, -9)])
def test_a_signal_at_the_end_leaves_a_complete_validation(unet_config, tmp_path, moment, number, status):
    """The last of two epochs of two steps, each with a validation on one photograph."""
    config = unet_config(epochs=2, validation=1)
    script = f"""
import os
from training.cli import run
number = {int(number)}
{moment}
from unet_eval.config import UnetConfig
from unet_eval.train import train
run(train, UnetConfig)
"""
    flags = [f"--{name}={value}" for name, value in config.to_json().items() if value != []]
    killed = subprocess.run([sys.executable, "-c", script, *flags], cwd=ROOT, capture_output=True, text=True)
    assert killed.returncode == status, killed.stderr
    assert not (Path(config.out) / "weights.h5").exists()
    if status == 75:
        assert "after step 4; everything is saved" in killed.stderr.splitlines()[-1]
    else:
        assert read_json(Path(config.out) / "validation.json", "")["epoch"] == 1
    train(config)
    train(replace(config, out=str(tmp_path / "whole")))
    whole = read_json(tmp_path / "whole" / "validation.json", "")
    assert whole["epoch"] == 2 and read_json(Path(config.out) / "validation.json", "") == whole

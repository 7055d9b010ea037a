"""A real script that gets no more memory in the middle of an epoch."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from training.checkpoints import Checkpoints
from training.fit import Schedule
from unet_eval.train import build

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[2]
SCRIPT = """
import resource
from tests.training.at_step import at_step
from training.cli import run
from unet_eval.config import UnetConfig
from unet_eval.train import train

def take_no_more_memory():
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), resource.RLIM_INFINITY))

at_step(6, take_no_more_memory)
run(train, UnetConfig)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux says and limits what a process takes")
def test_without_memory_it_stops_names_the_flag_and_the_checkpoint_is_good(unet_config):
    config = unet_config(epochs=4, steps_per_epoch=4, batch_size=16, crop=256, base=8, poolings=3)
    flags = [f"--{name}={value}" for name, value in config.to_json().items() if value != []]
    answer = subprocess.run([sys.executable, "-c", SCRIPT, *flags], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 1, answer.stderr
    last = answer.stderr.splitlines()[-1]
    assert last.startswith("error: out of memory") and last.endswith("try a smaller --batch_size")
    model = build(config, Schedule.from_config(config, 3))
    assert Checkpoints(Path(config.out), model=model, optimizer=model.optimizer).restore() in (4, 8)

"""Whether the steps of a run will take their flags, asked before the first training: python -m configs.options

Reads the same variables from the environment as configs.steps, whose step `data` calls it.
"""
from __future__ import annotations

import os
import sys

from configs.flags import SCRIPTS
from configs.settings import Settings
from configs.steps import make_step
from data.errors import UserError
from training.cli import config_from
from training.config import Config

STEPS = ("stage1", "masks", "stage2", "synthetic", "unet-real", "real-relabelled", "evaluate")


def config_of(step: str, run: Settings) -> Config:
    """The options of the last script of a step. UserError where it would refuse one."""
    module, *flags = make_step(step, run).scripts[-1]
    return config_from(SCRIPTS[module], flags)


def check_options(run: Settings) -> None:
    """UserError where a step would refuse a value, or two that contradict each other."""
    single = run.preset_flags("single", required=False)  # a preset needs none
    for step in (*STEPS, *["photo_masks"] * bool(run.photos), *["single"] * bool(single)):
        for module, *flags in make_step(step, run).scripts:
            config_from(SCRIPTS[module], flags)


if __name__ == "__main__":
    try:
        check_options(Settings.from_variables(os.environ))
    except UserError as error:
        sys.exit(f"error: {error}")

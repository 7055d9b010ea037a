"""The minutes that presets state: each file has its own, and the tables of presets have their sums."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from configs.flags import SCRIPTS, expand, last_value
from configs.settings import Settings
from configs.steps import make_step
from stage1_dcgan.config import MasksConfig
from stage2_pix2pix.config import Stage2Config
from training.config import fields

ROOT = Path(__file__).parents[2]
MINUTES = ("minutes", "minutes_avx512")
COSTLY = ("size", "base", "d_base", "batch_size", "epochs", "steps_per_epoch", "crop", "poolings", "space_to_depth",
          "coarse_steps", "coarse_batch", "generator_steps", "architecture")
TRAININGS = sorted(path for kind in ("stage1", "stage2", "stage2.fundus", "unet", "single")
                   for path in ROOT.glob(f"configs/*/{kind}.flags"))
PRESETS = sorted({path.parent.name for path in TRAININGS})


def preset_of(path):
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", TRAININGS, ids=preset_of)
def test_a_file_that_changes_what_a_training_costs_states_its_own_minutes(path):
    """Those of the file that it includes are of another training."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("--")]
    own = [line for line in lines if not line.startswith("--flagfile=")]
    included = expand([line for line in lines if line.startswith("--flagfile=")])
    changed = [name for name in COSTLY if last_value(own, name) not in (None, last_value(included, name))]
    stated = [last_value(own, name) for name in MINUTES]
    assert not changed or None not in stated, f"{changed} without minutes"
    assert (stated[0] is None) == (stated[1] is None), "for both kinds of processor or for none"


def test_flags_that_cost_time_are_those_of_the_scripts():
    """A name that no training has would be looked for in vain."""
    known = {field.name for name, config in SCRIPTS.items() if name.endswith(".train") for field, _ in fields(config)}
    assert {*COSTLY, *MINUTES} <= known


def stated(preset, name):
    """Sum of the minutes of a run's trainings; None where one of them states nothing."""
    run = Settings.from_variables({"CONFIG": preset, "PAIRS": "bu_bil:x" if preset == "cells" else "phantom"})
    minutes = [float(last_value(make_step(step, run).scripts[-1], name))
               for step in ("stage1", "stage2", "unet-real", "unet-synthetic")]
    return sum(minutes) if all(minutes) else None


@pytest.mark.parametrize("preset", PRESETS)
def test_masks_are_as_large_as_their_renderings(preset):
    """Smaller ones would be enlarged for Stage-II, and their thin vessels with them."""
    run = Settings.from_variables({"CONFIG": preset, "PAIRS": "phantom"})
    drawn = last_value(run.preset_flags("masks"), "mask_size") or MasksConfig.mask_size
    rendered = last_value(run.preset_flags("stage2"), "size") or Stage2Config.size
    assert int(drawn) >= int(rendered)


@pytest.mark.parametrize("table", ["README.md", "configs/README.md"])
def test_the_tables_of_presets_have_the_sums(table):
    rows = dict(re.findall(r"^\| `(?:CONFIG=)?(\w+)`[^|]*\|[^|]*\| ([^|]*) \|",
                           (ROOT / table).read_text(encoding="utf-8"), re.MULTILINE))
    assert rows.keys() >= set(PRESETS)
    for preset in PRESETS:
        both = [stated(preset, name) for name in MINUTES]
        assert rows[preset] == ("-" if None in both else "{:g} / {:g}".format(*both)), preset

"""`make sweep` over both stages: what its runs have in common is trained once."""
from __future__ import annotations

import json

import pytest

from tests.end_to_end.miniature import make

pytestmark = [pytest.mark.training, pytest.mark.long]


def test_a_stage_that_no_flag_of_the_sweep_changes_is_trained_once(clone):
    (clone / "pieces").write_text("unet-synthetic\none at a time\n--l1_weight 1\n--texture 0.3\n")
    done = make(clone, "sweep", "SWEEP=pieces", "PAIRS=phantom", "PHOTOS=")
    assert done.returncode == 0, done.stdout
    for says, times in (("stage1: training", 1), ("stage1: drawing", 1), ("stage2: training", 2),
                        ("stage2: rendering", 2), ("unet-synthetic: training", 3)):
        assert done.stdout.count(says) == times, says
    runs = json.loads((clone / "reports" / "sweep-pieces" / "results.json").read_text())["runs"]
    assert [run["flags"] for run in runs] == [{}, {"l1_weight": "1"}, {"texture": "0.3"}]
    assert len({run["f1_vessel"] for run in runs}) == 3  # of three U-Nets
    again = make(clone, "sweep", "SWEEP=pieces", "PAIRS=phantom", "PHOTOS=")
    assert again.returncode == 0 and "training" not in again.stdout
    assert make(clone, "clean", "RUN=sweep-pieces-l1_weight_1").returncode == 0  # all in it is known as the project's

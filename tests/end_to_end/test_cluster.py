"""A plan of the miniature pipeline, run by Snakemake."""
from __future__ import annotations

import json
import subprocess

import pytest

from tests.end_to_end.miniature import MAKE, environment

pytestmark = [pytest.mark.training, pytest.mark.long]


def call(clone, *command):
    return subprocess.run(command, cwd=clone, env=environment(), text=True, capture_output=True)


def test_snakemake_runs_a_plan_and_leaves_alone_what_is_done(clone, drive, python_with):
    snakemake = python_with("snakemake>=8").parent / "snakemake"
    plan = call(clone, *MAKE, "plan", "RUN=mine", f"PAIRS={drive}", "PHOTOS=")
    assert plan.returncode == 0, plan.stderr
    (clone / "plan.json").write_text(plan.stdout)
    command = (snakemake, "--snakefile", "configs/cluster/Snakefile", "--config", "plan=plan.json", "--cores", "2")

    answer = call(clone, *command)
    assert answer.returncode == 0, answer.stderr[-3000:]
    results = json.loads((clone / "reports" / "mine" / "results.json").read_text())
    assert set(results["arms"]) == {"real", "synthetic"}
    assert "Nothing to be done" in call(clone, *command).stderr
    assert "training" not in call(clone, *MAKE, "eval", "RUN=mine", f"PAIRS={drive}", "PHOTOS=").stdout

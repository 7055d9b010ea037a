"""The Snakefile of configs/cluster: what is run again where a plan is made again, with shells in place of the steps."""
from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.configs.plans import ROOT, make_project, plan

pytestmark = [pytest.mark.training, pytest.mark.long]
# Writes down which file it makes; $0 is that, and what follows are the files that have to be there.
SCRIPT = 'for file; do [ -e "$file" ] || exit 1; done; mkdir -p "${0%/*}"; echo "$0" >> made; touch "$0"'


@pytest.fixture
def run(tmp_path, python_with):
    """run(goal, FLAGS): the files that Snakemake makes of a new plan, in their order."""
    snakemake = python_with("snakemake>=8").parent / "snakemake"
    folder = make_project(tmp_path)

    def call(goal, flags):
        steps = plan(folder, goal, FLAGS=flags)
        for step in steps:
            step["command"] = ["sh", "-c", SCRIPT, step["output"], *step["inputs"], *step["after"]]
        (folder / "plan.json").write_text(json.dumps({"steps": steps}))
        (folder / "made").write_text("")
        answer = subprocess.run(
            [snakemake, "--snakefile", ROOT / "configs/cluster/Snakefile", "--config", "plan=plan.json", "--cores", "2",
             "--rerun-incomplete", "--rerun-triggers", "mtime"], cwd=folder, text=True, capture_output=True,
            env={**os.environ, "HOME": str(tmp_path)})
        assert answer.returncode == 0, answer.stderr[-3000:]
        return (folder / "made").read_text().splitlines(), steps

    return call


def test_a_repeated_check_trains_nothing_again(run, tmp_path):
    made, steps = run("evidence", "--arms=real,rendered")
    assert {*made} == {step["output"] for step in steps}
    folder = "checkpoints/my run"
    (tmp_path / folder / "settings").write_text("CONFIG=tiny PAIRS=folder:my data PHOTOS= FLAGS=\n")
    made, _ = run("evidence", "--arms=real,rendered")
    assert made == []
    (tmp_path / folder / "data.checked").unlink()  # as `make plan` does, with another --test, before the evaluation
    (tmp_path / folder / "evidence.done").unlink()
    made, _ = run("evidence", "--arms=real,rendered --kl_bins=64")
    assert made == [f"{folder}/data.checked", f"{folder}/evidence.done"]

"""Targets that are no step of a run."""
from __future__ import annotations

import json
import os
import shlex
import subprocess

import pytest

from data.files import OutputFolder
from tests.makefile.calls import ROOT, VARIABLES, done, finish, make, stops

pytestmark = pytest.mark.training


def test_help_is_the_default_and_lists_every_target_and_variable(project):
    lines = make(project).stdout.splitlines()
    for target in ("data", "stage1", "stage2", "eval", "evidence", "curve", "folds", "few", "unet-%", "sweep", "plan",
                   "figures", "synthetic", "audit", "synthmed", "synthmed-verify", "export", "tensorboard", "test-fast",
                   "test", "faults", "test-all", "lint", "bench", "clean"):
        assert sum(line.startswith(f"make {target} ") and len(line.split()) > 3 for line in lines) == 1, target
    for variable in ("CONFIG", "RUN", "PAIRS", "PHOTOS", "CELLS", "FOLDS", "SWEEP", "COUNT", "FLAGS", "PYTHON"):
        assert sum(line.startswith(f"{variable}=") for line in lines) == 1, variable


@pytest.mark.parametrize("goal", ["test-fast", "test", "faults", "test-all", "lint", "demo", *(
    pytest.param(goal, marks=pytest.mark.long) for goal in ("tensorboard", "bench", "synthmed-verify"))])
def test_a_flag_that_another_program_does_not_have_stops_it(project, goal):
    answer = make(project, goal, "FLAGS=--tpyo=1")
    assert answer.returncode != 0 and "tpyo" in answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.parametrize("goal, marks", [("test-fast", "not training and not long"), ("test", "not long"),
                                         ("faults", "fault"), ("test-all", None)])
def test_which_tests_each_target_runs(project, goal, marks):
    command = shlex.split(make(project, "-n", goal).stdout.strip())
    assert command[1:3] == ["-m", "pytest"]
    assert command[3:].count("-m") == bool(marks) and (not marks or command[command.index("-m", 3) + 1] == marks)


def test_tensorboard_gets_the_flags(project):
    command = make(project, "-n", "tensorboard", "FLAGS=--port=7007 --bind_all").stdout.strip()
    assert command.endswith("-m tensorboard.main --logdir checkpoints --port=7007 --bind_all")


def test_the_plan_is_all_that_is_printed(project):
    (project / "configs" / "cells").symlink_to(project / "configs" / "tiny")
    answer = make(project, "plan", "GOAL=evidence", "CONFIG=tiny", "RUN=a $$b's", "PAIRS=stare:/my data")
    steps = json.loads(answer.stdout)["steps"]
    assert steps[0]["environment"]["RUN"] == "a $b's" and steps[0]["environment"]["PAIRS"] == "stare:/my data"
    assert steps[-1]["output"] == "checkpoints/a $b's/evidence.done"
    answer = make(project, "plan", "GOAL=everything", "CONFIG=tiny")
    goals = "eval, evidence, curve, synthetic, sweep"
    assert answer.returncode and answer.stderr.startswith(f"error: GOAL=everything is none of {goals}\n")


def test_the_ranking_of_a_plan_gets_what_the_plan_was_made_with(project):
    """make expands what is in its environment: a dollar in the name of a folder was lost."""
    (project / "grid").write_text("unet-real\n--loss bce mse\n")
    answer = make(project, "plan", "GOAL=sweep", "SWEEP=grid", "CONFIG=tiny", "PAIRS=stare:/my $$data")
    *runs, ranking = json.loads(answer.stdout)["steps"]
    assert runs[0]["environment"]["PAIRS"] == "stare:/my $data"
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    said = subprocess.run([*ranking["command"], "-n"], cwd=project, text=True, capture_output=True,
                          env={**kept, "PYTHONPATH": str(ROOT), **ranking["environment"]})
    assert "--sweep='grid'" in said.stdout and "--pairs='stare:/my $data'" in said.stdout, said.stderr


def test_clean_removes_nothing_but_a_run(project):
    finish(project, *done(), "checkpoints/README.md", "x/keep")
    for run in ("", "..", ".", "a/b", "../x"):
        stops(make(project, "clean", "CONFIG=tiny", f"RUN={run}"), "RUN")
    for folder, names in (("checkpoints", ("masks.h5", "synthetic.h5")), ("reports", ("report.html",))):
        for name in names:
            (project / folder / "tiny" / name).unlink()
            OutputFolder(project / folder / "tiny", "RUN").write(name, b"")
    notes = project / "reports" / "tiny" / "notes.txt"
    notes.touch()
    answer = make(project, "clean", "CONFIG=tiny")
    assert answer.returncode != 0 and "reports/tiny/notes.txt" in answer.stderr
    assert (project / "checkpoints/tiny/masks.h5").exists()
    notes.unlink()
    assert make(project, "clean", "CONFIG=tiny").returncode == 0
    assert sorted(path.name for path in project.glob("*/*")) == ["README.md", "keep", "tiny"]

"""What make is told of a run, by a Python that has the standard library only."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from configs.plan import SEPARATOR, plan
from configs.records import Records
from configs.running import run_all
from configs.settings import Settings
from configs.steps import make_step
from data.errors import UserError
from data.images import write_image

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_variables_get_their_defaults_and_are_escaped_for_make():
    lines = plan(["stage1"], {"RUN": "my $1 #2", "PAIRS": "drive:/a b/$c#d"})
    assert lines[:7] == [r"name := my\ $$1\ $(hash)2", "CONFIG := quick", "RUN := my $$1 $(hash)2",
                         "PAIRS := drive:/a b/$$c$(hash)d", "PHOTOS := ",
                         "CELLS := bu_bil:data/raw/phantom/BU-BIL", "FLAGS := "]


def test_each_unet_waits_for_its_pairs():
    lines = plan(["unet-rendered.1", "eval", "checkpoints/quick/unet-phantom/weights.h5"], {})
    report, *nets = [line for line in lines if line.startswith(("reports/", "$(R)/unet-"))]
    assert report.split() == ["reports/$(name)/report.html:", *(f"$(R)/unet-{net}/weights.h5" for net in (
        "real", "synthetic", "rendered.1", "phantom"))]
    assert nets == [
        "$(R)/unet-real/weights.h5:", *(f"$(R)/unet-{net}/weights.h5: $(R)/{store}.h5" for net, store in (
            ("synthetic", "synthetic"), ("rendered.1", "rendered.1"), ("phantom", "phantom")))]
    assert {"$(R)/rendered.h5: $(R)/stage2/generator.h5 | $(ready) ; @$(step) rendered",
            "$(R)/rendered.1.h5: $(R)/stage2.1/generator.h5 | $(ready) ; @$(step) rendered.1"} <= set(lines)


def test_the_data_are_checked_where_settings_are_new_or_phantoms_absent(folder):
    again = ".PHONY: $(R)/data.checked"
    assert again in plan(["stage1"], {"PAIRS": "drive:D"})
    (folder / "checkpoints/quick").mkdir(parents=True)
    for pairs, photos in (("drive:D", ""), ("phantom", "phantom")):
        (folder / "checkpoints/quick/settings").write_text(f"CONFIG=quick PAIRS={pairs} PHOTOS={photos} FLAGS=\n")
        assert (again in plan(["stage1"], {"PAIRS": pairs})) == (pairs == "phantom")
    (folder / "data/raw/phantom").mkdir(parents=True)
    assert again not in plan(["stage1"], {})


def test_data_that_changed_are_checked_again_and_then_measured_again(folder, eye):
    for stem in range(5):
        image, mask, _ = eye(stem, (80, 80), 70)
        for part, picture in (("images", image), ("masks", mask)):
            write_image(folder / "D" / part / f"{stem}.png", picture)
    given = {"PAIRS": "folder:D"}
    settings = Settings.from_variables(given)
    settings.record()
    again, measured = ".PHONY: $(R)/data.checked", "reports/$(name)/report.html $(R)/evidence.done $(R)/curve.done: "
    (folder / "checkpoints/quick/data.checked").touch()  # by an earlier version, which kept no fingerprint
    assert not [line for line in plan(["eval"], given) if line.startswith((again, measured))]
    (folder / "checkpoints/quick/data.checked").write_text(Records(settings).fingerprint)
    assert again not in plan(["eval"], given) and f"{measured}$(R)/data.checked" in plan(["eval"], given)
    before = Records(settings).fingerprint
    write_image(folder / "D/masks/3.png", np.zeros((80, 80), np.uint8))  # corrected
    assert again in plan(["eval"], given) and before != Records(settings).fingerprint
    (folder / "checkpoints/quick/data.checked").write_text(Records(settings).fingerprint)
    for part in ("images", "masks"):
        shutil.copy(folder / f"D/{part}/1.png", folder / f"D/{part}/9.png")  # added
    assert again in plan(["eval"], given)


def test_flags_that_came_after_the_check_are_checked(folder):
    """Where make stage1 had checked the data, make evidence told of a wrong --test after all trainings."""
    for part in ("images", "masks"):
        (folder / "D" / part).mkdir(parents=True)
        for stem in range(5):
            write_image(folder / "D" / part / f"{stem}.png", np.full((80, 80), 255, np.uint8))
    again, test = ".PHONY: $(R)/data.checked", "--test='folder:/other \udcff'"

    def plan_with(flags):
        return plan(["evidence"], {"PAIRS": "folder:D", "FLAGS": flags})

    def check_with(flags):
        settings = Settings.from_variables({"PAIRS": "folder:D", "FLAGS": flags})
        settings.record()
        run_all(["data"], lambda name: replace(make_step("data", settings), scripts=[]), dry_run=False)

    check_with("")
    assert again not in plan_with("") and again in plan_with(test)
    check_with(f"{test} --kl_bins=64")
    assert not {again} & {*plan_with(""), *plan_with(test), *plan_with(f"--kl_bins=64 {test}")}
    assert again in plan_with(f"{test} --kl_bins=32")


def test_arms_that_are_measured_and_never_trained_are_told_first(folder):
    """The evaluation told of them after all trainings."""
    flags = {"FLAGS": "--arms=real,rendered,synthetic-7"}
    for goals in (["eval"], ["stage1", "stage2", "eval"], ["curve"]):
        with pytest.raises(UserError, match="measures unet-rendered, unet-synthetic-7, which this does not train"):
            plan(goals, flags)
    assert plan(["unet-rendered", "unet-synthetic-7", "eval"], flags)
    with pytest.raises(UserError, match="measures unet-rendered, which"):
        plan(["curve"], {"FLAGS": f"{flags['FLAGS']} --curve=7 --count=9"})
    for arm in ("rendered", "synthetic-7"):
        (folder / f"checkpoints/quick/unet-{arm}").mkdir(parents=True)
        (folder / f"checkpoints/quick/unet-{arm}/weights.h5").touch()
    assert plan(["eval"], flags) and plan(["stage1", "unet-real"], {"FLAGS": "--arms=phantom"})
    assert plan(["eval"], {"FLAGS": "--arms=phantom --dry_run"})


def test_clean_and_sweep_ask_for_less(folder):
    assert len(plan(["clean"], {"CONFIG": "absent"})) == 7
    with pytest.raises(UserError, match="CONFIG=absent"):
        plan(["clean", "stage1"], {"CONFIG": "absent"})
    with pytest.raises(UserError, match="SWEEP='x' is no file; there are: configs/sweeps/pieces configs/"):
        plan(["sweep"], {"SWEEP": "x"})
    assert plan(["sweep"], {"SWEEP": "configs/sweeps/unet_loss"})


def test_evidence_without_a_preset_of_the_single_gan_stops_before_all_else(folder):
    for stage in ("stage1", "stage2", "unet"):
        (folder / f"{stage}.flags").touch()
    assert plan(["eval"], {"CONFIG": str(folder), "RUN": "mine"})
    with pytest.raises(UserError, match="single.flags"):
        plan(["evidence"], {"CONFIG": str(folder), "RUN": "mine"})


def test_evidence_without_its_second_data_set_stops_before_all_else(folder):
    for cells in ("folder:/absent", "cells:x"):
        with pytest.raises(UserError, match="/absent|'cells:x': unknown layout"):
            plan(["evidence"], {"CELLS": cells})
    for given in ({}, {"CELLS": "bu_bil:data/raw/phantom/BU-BIL"}, {"PAIRS": "bu_bil:mine", "CELLS": "folder:/absent"}):
        assert plan(["evidence"], given)
    assert plan(["eval"], {"CELLS": "folder:/absent"})


def test_folds_have_the_arms_of_evidence_without_a_number():
    flags = "--arms=real,phantom,synthetic-10 --seeds=2"
    lines = plan(["folds"], {"FOLDS": "2", "FLAGS": flags, "PAIRS": "chase_db1:D"})
    assert "folds := fold-1 fold-2" in lines and "fold-2: | fold-1" in lines and "FOLDS := 2" in lines
    assert "fold_goals := stage1 stage2 unet-real unet-phantom unet-real.1 unet-phantom.1 eval" in lines
    assert "folds := fold-1 fold-2 fold-3" in plan(["folds"], {})
    assert "fold_goals := stage1 stage2 eval" in plan(["folds"], {"FLAGS": "--dry_run"})
    assert not [line for line in plan(["stage1"], {"FOLDS": "x"}) if "fold" in line]


@pytest.mark.parametrize("flags, said", [
    ("--few_draws=0", "few_draws=0 is out of its range, at least 1"), ("--few_draws=x", "few_draws=x is no whole"),
    ("--with_generators=yes", "with_generators=yes is neither true nor false"), ("--curve=2,x", "curve=2,x: write")])
def test_flags_that_only_make_has_are_checked(flags, said):
    """Without that, no run was made of no draws, and a release had no generators."""
    with pytest.raises(UserError, match=said):
        plan(["few"], {"FLAGS": flags})


@pytest.mark.parametrize("variables, said", [
    ({"FOLDS": "1"}, "FOLDS=1 is no number of folds"), ({"FOLDS": "x"}, "FOLDS=x is no"),
    ({"FOLDS": ""}, "FOLDS= is no"),
    ({"PAIRS": "fold-1-of-3:phantom"}, "a fold has no folds")])
def test_what_cannot_be_folded_is_told_first(variables, said):
    with pytest.raises(UserError, match=said):
        plan(["folds"], variables)


@pytest.mark.parametrize("goal, variables, said", [
    ("unet-real", {"FLAGS": "--dry_run"}, "tries the trainings of data, stage1, .*, and not unet-real"),
    ("evidence", {"FLAGS": "--dry_run"}, "and not evidence: leave it out"),
    ("plan", {"FLAGS": "--dry_run"}, "and not plan: leave it out"),
    ("audit", {"PAIRS": "few-5-of-draw-1:phantom"}, "make audit: PAIRS=few-5-of-draw-1:phantom are a few")])
def test_what_would_fail_half_way_is_told_first(goal, variables, said):
    with pytest.raises(UserError, match=said):
        plan([goal], variables)


def test_a_share_is_a_step_of_its_own():
    assert "shard := -of-16.3" in plan(["synthetic"], {"COUNT": "1000", "SHARD": "3/16"})


@pytest.mark.parametrize("goal, count, shard, said", [
    ("synthetic", "", "3/16", "COUNT"), ("audit", "9", "1/2", "alone"), ("synthetic", "9", "3/2", "is no share")])
def test_what_is_no_share_is_told_first(goal, count, shard, said):
    with pytest.raises(UserError, match=said):
        plan([goal], {"COUNT": count, "SHARD": shard})


@pytest.mark.training
def test_a_bare_python_plans_a_run(folder):
    """-I -S: no site-packages, nothing from the environment."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import configs.plan; configs.plan.main()"
    for goals, said in (("stage1 evidence", "nets := $(R)/unet-real/weights.h5"),
                        ("unet-reel", "wrong := 'reel' is no arm")):
        answer = subprocess.run([sys.executable, "-I", "-S", "-c", code, goals, "RUN=my run"], text=True,
                                capture_output=True)
        assert answer.returncode == 0, answer.stderr
        assert any(line.startswith(said) for line in answer.stdout.split(SEPARATOR))
        assert answer.stdout.count("\n") == 1


@pytest.mark.training
def test_a_folder_whose_name_is_no_text_is_planned_and_told(folder):
    """In most locales Python prints no such name: make got no plan, and a step ended before it began."""
    strict = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8:strict"}

    def call(*words, **variables):
        return subprocess.run([sys.executable, "-m", *words], capture_output=True, env={**strict, **variables})

    pairs = os.fsdecode(b"folder:/absent \xff")
    assert b"PAIRS := folder:/absent \xff;newline;" in call("configs.plan", "stage1", f"PAIRS={pairs}").stdout
    step = call("configs.steps", "data", PAIRS=pairs, PHOTOS="", CONFIG="quick", FLAGS="", RUN="mine")
    assert "data: checking PAIRS=folder:/absent ÿ" in step.stdout.decode()
    assert b"error: " in step.stderr and b"Traceback" not in step.stderr, step.stderr


@pytest.mark.training
def test_a_bare_python_knows_what_it_is_good_for():
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import configs.environment; configs.environment.main()"
    answer = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=ROOT, text=True, capture_output=True)
    assert answer.stdout in ("supported\n", "") and not answer.stderr
    assert answer.returncode == (0 if answer.stdout else 1)

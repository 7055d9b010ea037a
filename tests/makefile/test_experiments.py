"""Evidence, curve, folds, few pairs and sweeps."""
from __future__ import annotations

import re
import shutil

import pytest

from tests.makefile.calls import EVAL, STAGE1, STAGE2, done, finish, make, steps, stops, unets, with_cells

pytestmark = pytest.mark.training


def test_evidence_trains_every_arm_with_every_seed(project):
    with_cells(project)
    (project / "configs/tiny/evidence.flags").write_text("--arms=real,real+synthetic,synthetic-10,rendered,phantom\n"
                                                         "--seeds=2\n")
    first = ["unet-real", "unet-real+synthetic", "unet-synthetic-10", "unet-rendered", "unet-phantom"]
    order = steps(project, "evidence")
    assert [name for name in order if name.startswith("unet-")] == first + [f"{name}.1" for name in first]
    gans = {*STAGE1, *STAGE2} - {"unet-real"}
    assert gans | {f"{name}.1" for name in gans} <= {*order} and len({*order}) == len(order)
    for net, pairs in (("unet-real+synthetic", "synthetic"), ("unet-synthetic-10.1", "synthetic.1"),
                       ("photo_masks.1", "unet-real.1"),
                       ("unet-rendered", "rendered"), ("unet-phantom", "phantom")):
        assert order.index(pairs) < order.index(net)
    assert steps(project, "evidence", "FLAGS=--seeds=1 --arms=real,synthetic") == [
        "unet-real", *STAGE1, *STAGE2[1:], "unet-synthetic", "single", "single_photographs", "evidence"]


def test_the_arms_may_stand_in_another_file_of_flags(project):
    with_cells(project)
    (project / "configs/tiny/evidence.flags").write_text("# as for tiny\n--flagfile=configs/tiny/arms.flags\n")
    (project / "configs/tiny/arms.flags").write_text("--arms=real,phantom\n--seeds=2\n")
    assert unets(project, "evidence") == ["unet-real", "unet-phantom", "unet-real.1", "unet-phantom.1"]


def test_evidence_makes_both_stages_on_the_second_data_set(project):
    shutil.copytree(project / "configs/tiny", project / "configs/cells")
    commands = make(project, "-n", "evidence", "CONFIG=tiny").stdout
    for part in ("RUN='tiny-cells'", "CONFIG=cells", "PAIRS='bu_bil:data/raw/phantom/BU-BIL'", "PHOTOS="):
        assert part in commands
    second = commands.partition("RUN='tiny-cells'")[2]
    assert re.findall(r"-m configs.steps (.+)", second) == ["data", *STAGE1, *STAGE2[2:], "evidence"]
    alone = make(project, "-n", "evidence", "CONFIG=tiny", "PAIRS=bu_bil:cells", "FLAGS=--arms=phantom").stdout
    assert "tiny-cells" not in alone


def test_the_run_on_the_second_data_set_has_the_run_s_name_whatever_make_reads_into_it(project):
    shutil.copytree(project / "configs/tiny", project / "configs/cells")
    said = make(project, "-n", "evidence", "CONFIG=tiny", "RUN=a $$b's", "CELLS=bu_bil:data/raw/phantom/$$x").stdout
    assert "RUN='a $$b'\\''s-cells'" in said and "PAIRS='bu_bil:data/raw/phantom/$$x'" in said
    assert "pairs in checkpoints/a $b'\\''s-cells/synthetic.h5" in said


def test_evidence_is_made_once_and_goes_on(project):
    with_cells(project)
    files = [*done()[:-2], *(f"checkpoints/tiny/{name}" for name in (
        "single/generator.h5", "single.h5", "unet-synthetic/weights.h5", "unet-real.1/weights.h5"))]
    finish(project, *files)
    flags = "FLAGS=--seeds=2"
    rest = ["stage1.1", "masks.1", "photo_masks.1", "stage2.1", "synthetic.1", "unet-synthetic.1", "evidence"]
    assert steps(project, "evidence", flags) == rest
    finish(project, *files, *(f"checkpoints/tiny/{name}" for name in (
        "stage1.1/generator.h5", "masks.1.h5", "photo_masks.1.done", "stage2.1/generator.h5", "synthetic.1.h5",
        "unet-synthetic.1/weights.h5", "evidence.done")))
    assert steps(project, "evidence", flags) == []


def test_other_flags_of_the_evaluation_measure_again_and_train_nothing(project):
    """And so does a report that was removed."""
    with_cells(project)
    nets = [f"checkpoints/tiny/{name}" for name in ("single/generator.h5", "single.h5", "unet-synthetic/weights.h5")]
    finish(project, *done()[:-2], *nets, done()[-1], "checkpoints/tiny/evidence.done")
    flags, other = "FLAGS=--seeds=1 --arms=real,synthetic", "FLAGS=--seeds=1 --arms=real,synthetic --test='folder:/b c'"
    assert steps(project, "evidence", other) == []  # of an earlier version: nothing says how it was measured
    (project / "checkpoints/tiny/evaluate.done").write_text("FLAGS: --seeds=1 --arms=real,synthetic")
    for goal, step in (("evidence", "evidence"), ("eval", "evaluate")):
        assert steps(project, goal, flags) == steps(project, goal, f"{flags} --few_draws=2") == []
        assert steps(project, goal, other) == [step]
    (project / done()[-1]).unlink()
    assert steps(project, "evidence", flags) == ["evidence"]


@pytest.mark.parametrize("jobs", ["-j1", "-j8"])
def test_evidence_begins_with_the_gans(project, jobs):
    with_cells(project)
    run = steps(project, jobs, "evidence", "FLAGS=--arms=phantom,real --seeds=1")
    assert set(run[:6]) == {*STAGE1, *STAGE2} and run.count("unet-phantom") == 1


def test_the_curve_ends_at_the_masks_that_are_drawn(project):
    (project / "configs/tiny/masks.flags").write_text("--count=25\n")
    numbers = ["unet-real", *STAGE1, *STAGE2[1:], *EVAL[:1]]
    made = steps(project, "curve", "FLAGS=--curve=2,25,26")
    assert made == [*numbers, "unet-synthetic-2", "unet-synthetic-25", "curve"]
    finish(project, *done(), "checkpoints/tiny/evidence.done")
    assert steps(project, "curve", "FLAGS=--curve=2") == ["unet-synthetic-2", "curve"]
    finish(project, "checkpoints/tiny/unet-synthetic-2/weights.h5", "checkpoints/tiny/curve.done")
    assert steps(project, "curve", "FLAGS=--curve=2") == []
    stops(make(project, "curve", "CONFIG=tiny", "FLAGS=--curve=2,x"), "--curve=2,x", "numbers")


def test_without_photographs_their_arm_is_left_out_unless_it_is_asked_for(project):
    with_cells(project)
    (project / "configs/tiny/evidence.flags").write_text("--arms=real,photos-relabelled\n")
    assert unets(project, "evidence") == ["unet-real", "unet-photos-relabelled"]
    assert unets(project, "evidence", "PHOTOS=") == ["unet-real"]
    for goal in (["evidence", "FLAGS=--arms=real,photos-relabelled"], ["unet-photos-relabelled"]):
        stops(make(project, *goal, "CONFIG=tiny", "PHOTOS="), "unet-photos-relabelled", "set PHOTOS")


FOLD = ["stage1", "masks", "stage2", "synthetic", "unet-real", "phantom", "unet-phantom", "unet-synthetic", "evaluate"]


def test_folds_are_runs_one_after_the_other(project):
    given = ("folds", "CONFIG=tiny", "FOLDS=2", "RUN=a $$b's", "PAIRS=stare:/my data/$$x", "FLAGS=--arms=real,phantom")
    assert steps(project, *given) == FOLD * 2
    said = make(project, "-n", "-j4", *given).stdout
    for number in (1, 2):
        assert f"RUN='a $$b'\\''s-fold{number}'" in said and f"PAIRS='fold-{number}-of-2:stare:/my data/$$x'" in said
        assert f"the report is reports/a $b'\\''s-fold{number}/report.html" in said
    assert said.count("-m unet_eval.folds --folds=2 --reports='reports/a $b'\\''s'") == 1


def test_folds_measure_the_arms_that_they_train(project):
    """Those with a number are left out of both: the evaluation of the first fold missed them, after all trainings."""
    given = ("folds", "CONFIG=tiny", "FOLDS=2", "PAIRS=stare:/D")
    said = make(project, "-n", *given, "FLAGS=--arms=real,synthetic-3,phantom --test='folder:/$$x y'").stdout
    assert said.count("FLAGS='--arms=real,synthetic-3,phantom '\\''--test=folder:/$$x y'\\'' --arms=real,phantom'") == 2
    assert "unet-phantom" in said and "unet-synthetic-3" not in said
    assert "FLAGS=" not in make(project, "-n", *given, "FLAGS=--arms=real,phantom").stdout
    assert "FLAGS='--arms=synthetic-2 --arms='" in make(project, "-n", *given, "FLAGS=--arms=synthetic-2").stdout


def test_folds_go_on_where_they_stopped(project):
    flags = ("FOLDS=2", "PAIRS=stare:/D", "FLAGS=--arms=real,phantom")
    first = [f"checkpoints/tiny-fold1/{name}" for name in (
        "data.checked", "stage1/generator.h5", "masks.h5", "stage2/generator.h5", "synthetic.h5", "phantom.h5",
        "unet-real/weights.h5", "unet-synthetic/weights.h5", "unet-phantom/weights.h5")]
    finish(project, *first, "reports/tiny-fold1/report.html")
    assert steps(project, "folds", *flags) == FOLD
    (project / "reports/tiny-fold1/report.html").unlink()
    assert steps(project, "folds", *flags) == ["evaluate", *FOLD]
    finish(project, *first[:-1], "reports/tiny-fold1/report.html", first[-1])  # an arm that came later is measured, too
    assert steps(project, "folds", *flags) == ["evaluate", *FOLD]


def test_what_cannot_be_folded_stops(project):
    stops(make(project, "folds", "CONFIG=tiny", "FOLDS=1"), "FOLDS=1")
    stops(make(project, "folds", "CONFIG=tiny", "PAIRS=fold-1-of-2:phantom"), "fold-1-of-3:fold-1-of-2:phantom")


def test_few_is_one_command(project):
    said = make(project, "-n", "few", "CONFIG=tiny", "RUN=a $$b", "FLAGS=--few_draws=2").stdout
    assert said.count("-m configs.few --run='a $b' --config='tiny' --pairs='phantom' --photos='phantom'") == 1
    assert "--flags='--few_draws=2'" in said and "-m configs.steps data" in said  # which draws the phantoms
    stops(make(project, "few", "CONFIG=tiny", "FLAGS=--few_drawn=2"), "--few_drawn", "--few_draws")


def test_a_sweep_needs_a_file_and_is_one_command(project):
    stops(make(project, "sweep", "CONFIG=tiny"), "SWEEP=", "is no file")
    (project / "grid").write_text("unet-real\n--loss bce mse\n")
    said = make(project, "-n", "sweep", "CONFIG=tiny", "SWEEP=grid", "FLAGS=--seed=1 --epochs=2").stdout
    assert said.count("-m configs.sweep") == 1 and "--flags='--seed=1 --epochs=2'" in said

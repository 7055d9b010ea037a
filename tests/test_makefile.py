"""`make` as a user calls it. What is asked here needs no environment: it is settled before one is made."""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[1]
VARIABLES = ("CONFIG", "RUN", "PAIRS", "PHOTOS", "FLAGS", "FOLDS", "SWEEP", "ARCHIVE", "COUNT", "NAME", "LICENSE",
             "AUTHORS", "PYTHON", "EXTRAS", "MAKEFLAGS",
             "MAKEOVERRIDES", "MAKELEVEL")


@pytest.fixture
def project(tmp_path):
    """A clone with one preset, in a folder whose name has a space; the Python modules are those of the real one."""
    folder = tmp_path / "my clone"
    (folder / "configs" / "tiny").mkdir(parents=True)
    for stage in ("stage1", "stage2", "unet"):
        (folder / "configs" / "tiny" / f"{stage}.flags").touch()
    for name in ("Makefile", "setup.py", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(project, *arguments, python=sys.executable, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.run(["make", f"PYTHON={python}", *arguments], cwd=project, text=True, capture_output=True,
                          env={**environment, "PYTHONPATH": str(ROOT), **variables})


def steps(project, *arguments):
    """The steps that `make` would run, in order, the check of the data left out."""
    answer = make(project, "-n", *arguments, "CONFIG=tiny")
    assert answer.returncode == 0, answer.stderr
    return [name for name in re.findall(r"-m configs.steps (.+)", answer.stdout) if name != "data"]


def stops(answer, *said):
    """It stopped, in one line that says all of it."""
    assert answer.returncode != 0
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    for text in said:
        assert text in lines[0]


def finish(project, *names):
    """The files of a finished run, in the order in which the stages write them."""
    for age, name in enumerate(reversed(names)):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1e9 - age, 1e9 - age))


def done(run="checkpoints/tiny", report="reports/tiny"):
    files = ("data.checked", "stage1/config.json", "stage1/generator.h5", "masks.h5", "unet-real/config.json",
             "unet-real/weights.h5", "photo_masks.done", "stage2/config.json", "stage2/generator.h5", "synthetic.h5",
             "unet-synthetic/config.json", "unet-synthetic/weights.h5")
    return [f"{run}/{name}" for name in files] + [f"{report}/report.html"]


def test_an_archive_is_unpacked_and_then_is_the_default(project):
    with zipfile.ZipFile(project / "DRIVE.zip", "w") as file:
        for stem in (21, 22):
            for name in (f"images/{stem}_training.tif", f"1st_manual/{stem}_manual1.gif"):
                file.writestr(f"training/{name}", "no image at all")
    answer = make(project, "data", "ARCHIVE=DRIVE.zip", "CONFIG=tiny")
    assert "4 files; it is the data set drive:data/raw/DRIVE" in answer.stdout
    assert "PAIRS=drive:data/raw/DRIVE" in answer.stdout and "_training.tif: cannot be read" in answer.stderr
    stops(make(project, "stage1", "ARCHIVE=DRIVE.zip", "CONFIG=tiny"), "ARCHIVE is for `make data` alone")
    assert "there is no file absent.zip" in make(project, "data", "ARCHIVE=absent.zip", "CONFIG=tiny").stderr


STAGE1 = ["stage1", "masks"]
STAGE2 = ["unet-real", "photo_masks", "stage2", "synthetic"]
EVAL = ["unet-synthetic", "evaluate"]
SETTINGS = "CONFIG=tiny PAIRS=phantom PHOTOS=phantom FLAGS="


def test_help_is_the_default_and_lists_every_target_and_variable(project):
    lines = make(project).stdout.splitlines()
    for target in ("data", "stage1", "stage2", "eval", "evidence", "curve", "folds", "few", "unet-%", "sweep", "plan",
                   "figures", "synthetic", "audit", "synthmed", "synthmed-verify", "export", "tensorboard", "test-fast",
                   "test", "faults", "test-all", "lint", "bench", "clean"):
        assert sum(line.startswith(f"make {target} ") and len(line.split()) > 3 for line in lines) == 1, target
    for variable in ("CONFIG", "RUN", "PAIRS", "PHOTOS", "CELLS", "FOLDS", "SWEEP", "COUNT", "FLAGS", "PYTHON"):
        assert sum(line.startswith(f"{variable}=") for line in lines) == 1, variable


def test_the_stages_run_in_order_however_many_jobs(project):
    assert steps(project, "-j8", "stage1", "stage2", "eval") == STAGE1 + STAGE2 + EVAL


def test_a_finished_run_is_left_alone(project):
    finish(project, *done())
    assert steps(project, "stage1", "stage2", "eval") == []


def test_what_depends_on_a_new_stage1_is_made_again_and_nothing_else(project):
    finish(project, *done())
    (project / "checkpoints/tiny/stage1/generator.h5").touch()
    assert steps(project, "eval") == ["masks", "synthetic"] + EVAL


def test_a_new_preset_or_a_new_environment_trains_nothing_again(project):
    finish(project, *done())
    for name in ("configs/tiny/stage1.flags", "constraints.txt", "setup.py", "checkpoints/tiny/data.checked"):
        (project / name).touch()
    assert steps(project, "stage1", "stage2", "eval") == []


def test_an_interrupted_run_goes_on(project):
    finish(project, *done()[:6])
    assert steps(project, "stage1", "stage2") == STAGE2[1:]


def test_a_run_may_have_spaces_and_accents_in_its_name(project):
    name = "première série"
    assert steps(project, "stage1", f"RUN={name}") == STAGE1
    finish(project, *done(f"checkpoints/{name}", f"reports/{name}"))
    assert steps(project, "stage1", "stage2", "eval", f"RUN={name}") == []


@pytest.mark.parametrize("given, photos, segments", [
    ([], "phantom", True),
    (["PAIRS=phantom"], "phantom", True),
    (["PAIRS=stare:/data/STARE"], "", False),
    (["PAIRS=stare:/data/STARE", "PHOTOS=messidor:/data/M"], "messidor:/data/M", True),
    (["PHOTOS="], "", False)])
def test_without_photographs_stage2_trains_on_pairs(project, given, photos, segments):
    assert ("photo_masks" in steps(project, "stage2", *given)) == segments
    assert f"PHOTOS={photos}'" in make(project, "-n", "data", "CONFIG=tiny", *given).stdout


def test_real_data_sets_are_used_where_they_lie(project):
    for name in ("DRIVE", "MESSIDOR"):
        (project / "data/raw" / name).mkdir(parents=True)
    said = make(project, "-n", "data", "CONFIG=tiny").stdout
    assert "PAIRS=drive:data/raw/DRIVE PHOTOS=messidor:data/raw/MESSIDOR'" in said
    assert "PHOTOS='" in make(project, "-n", "data", "CONFIG=tiny", "PAIRS=bu_bil:cells").stdout


def test_a_preset_that_is_not_there_stops_and_the_others_are_named(project):
    stops(make(project, "stage1", "CONFIG=tyni"), "CONFIG=tyni", "tiny")


def test_a_preset_may_lie_elsewhere(project):
    shutil.move(project / "configs/tiny", project / "my presets")
    assert make(project, "-n", "stage1", "CONFIG=my presets").returncode == 0


def test_other_settings_for_a_run_that_has_begun_stop(project):
    finish(project, *done())
    settings = project / "checkpoints/tiny/settings"
    settings.write_text(SETTINGS + "\n")
    assert make(project, "-n", "stage1", "CONFIG=tiny").returncode == 0
    for change in ("PAIRS=stare:x", "PHOTOS=", "FLAGS=--seed=3"):
        stops(make(project, "stage1", "CONFIG=tiny", change), SETTINGS, change, "RUN=")
    assert settings.read_text() == SETTINGS + "\n"


def test_settings_may_change_before_a_training_has_begun(project):
    finish(project, "checkpoints/tiny/data.checked")
    (project / "checkpoints/tiny/settings").write_text(SETTINGS + "\n")
    assert "configs.steps data" in make(project, "-n", "stage1", "CONFIG=tiny", "FLAGS=--seed=3").stdout
    (project / "data/raw/phantom").mkdir(parents=True)
    assert "configs.steps data" not in make(project, "-n", "stage1", "CONFIG=tiny").stdout


@pytest.mark.parametrize("python", ["/bin/false", "no-such-python"])
def test_an_unsupported_python_is_named_with_the_supported_ones(project, python):
    for goal in (".venv", "stage1", "test"):
        stops(make(project, goal, "CONFIG=tiny", python=python), python, "3.9", "3.10", "3.11")


@pytest.fixture
def no_python(tmp_path):
    """A PATH on which every Python is another version than TensorFlow needs."""
    programs = tmp_path / "programs"
    for name in ("python", "python3", "python3.9", "python3.10", "python3.11"):
        program(programs / name, "exit 1")
    return f"{programs}:/usr/bin:/bin"


def program(path, script):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_where_there_is_no_python_uv_brings_one(project, no_python, tmp_path):
    program(tmp_path / "programs/uv", f"echo $* >> '{tmp_path}/calls'\n"
                                      f"mkdir -p .venv/bin && ln -s '{sys.executable}' .venv/bin/python")
    assert make(project, python="", PATH=no_python).returncode == 0 and not (tmp_path / "calls").exists()  # help
    answer = make(project, "-n", "stage1", "CONFIG=tiny", python="", PATH=no_python)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "calls").read_text() == "venv --seed --python 3.11 .venv\n"
    assert ".venv/bin/python -m configs.environment install base" in answer.stdout
    assert "exec .venv/bin/python -m configs.steps stage1" in answer.stdout


def test_where_there_is_neither_python_nor_uv_what_brings_them_is_shown(project, no_python):
    if shutil.which("uv", path=no_python):
        pytest.skip("uv lies where the other programs lie")
    for goal in (".venv", "stage1", "test"):
        stops(make(project, goal, "CONFIG=tiny", python="", PATH=no_python), "there is no Python 3.9, 3.10 or 3.11",
              "curl -LsSf https://astral.sh/uv/install.sh | sh", "make PYTHON=", "docker build")
    assert not (project / ".venv").exists()


@pytest.mark.parametrize("goal", ["data", "stage1", "stage2", "eval", "unet-real", "evidence", "curve", "folds", "few",
                                  "sweep", "figures", "clean"])
def test_a_flag_that_no_script_has_stops_every_target(project, goal):
    stops(make(project, goal, "CONFIG=tiny", "FLAGS=--bach_size=1"), "--bach_size", "--batch_size")
    assert not (project / "checkpoints").exists()


@pytest.mark.parametrize("goal", ["tensorboard", "bench", "test-fast", "lint"])
def test_a_flag_that_another_program_does_not_have_stops_it(project, goal):
    answer = make(project, goal, "FLAGS=--tpyo=1")
    assert answer.returncode != 0 and "tpyo" in answer.stderr and "Traceback" not in answer.stderr


def test_tensorboard_gets_the_flags(project):
    command = make(project, "-n", "tensorboard", "FLAGS=--port=7007 --bind_all").stdout.strip()
    assert command.endswith("-m tensorboard.main --logdir checkpoints --port=7007 --bind_all")


def test_an_environment_that_has_the_packages_is_used_as_it_is(project):
    assert f"exec {sys.executable} -m configs.steps stage1" in make(project, "-n", "stage1", "CONFIG=tiny").stdout
    with open(project / "setup.py", "a") as file:
        file.write("REQUIREMENTS.append('a-package-that-nobody-has>=1')\n")
    answer = make(project, "-n", "stage1", "CONFIG=tiny").stdout
    assert "-m configs.environment install base" in answer
    assert "exec .venv/bin/python -m configs.steps stage1" in answer


@pytest.mark.parametrize("run", ["", "..", ".", "a/b", "../x"])
def test_clean_removes_nothing_but_a_run(project, run):
    finish(project, *done(), "checkpoints/README.md", "x/keep")
    stops(make(project, "clean", "CONFIG=tiny", f"RUN={run}"), "RUN")
    assert make(project, "clean", "CONFIG=tiny").returncode == 0
    assert sorted(path.name for path in project.glob("*/*")) == ["README.md", "keep", "tiny"]


def test_a_dry_run_calls_the_trainings_only(project):
    assert steps(project, "stage1", "stage2", "eval", "FLAGS=--dry_run") == ["stage1", "stage2", "unet-real"]


def unets(project, *arguments):
    """The U-Nets that `make` would train, in order."""
    return [name for name in steps(project, *arguments) if name.startswith("unet-")]


def test_what_is_measured_may_change(project):
    finish(project, *done())
    (project / "checkpoints/tiny/settings").write_text(SETTINGS + "\n")
    assert steps(project, "figures", "FLAGS=--test=hrf:/data/HRF --kl_bins=64") == EVAL[1:]
    assert steps(project, "figures", "FLAGS=--test='folder:/my data'") == EVAL[1:]
    stops(make(project, "figures", "CONFIG=tiny", "FLAGS=--seed=2"), SETTINGS, "--seed=2")


def with_cells(project):
    """The second data set's preset, and its run, finished."""
    shutil.copytree(project / "configs/tiny", project / "configs/cells")
    finish(project, "checkpoints/tiny-cells/synthetic.h5")


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


def test_the_plan_is_all_that_is_printed(project):
    (project / "configs" / "cells").symlink_to(project / "configs" / "tiny")
    answer = make(project, "plan", "GOAL=evidence", "CONFIG=tiny", "RUN=a $$b's", "PAIRS=stare:/my data")
    steps = json.loads(answer.stdout)["steps"]
    assert steps[0]["environment"]["RUN"] == "a $b's" and steps[0]["environment"]["PAIRS"] == "stare:/my data"
    assert steps[-1]["output"] == "checkpoints/a $b's/evidence.done"
    answer = make(project, "plan", "GOAL=everything", "CONFIG=tiny")
    assert answer.returncode and answer.stderr.startswith("error: GOAL=everything is none of eval, evidence, curve\n")


def test_what_cannot_be_folded_stops(project):
    stops(make(project, "folds", "CONFIG=tiny", "FOLDS=1"), "FOLDS=1")
    stops(make(project, "folds", "CONFIG=tiny", "PAIRS=fold-1-of-2:phantom"), "fold-1-of-3:fold-1-of-2:phantom")


def test_few_is_one_command(project):
    said = make(project, "-n", "few", "CONFIG=tiny", "RUN=a $$b", "FLAGS=--few_draws=2").stdout
    assert said.count("-m configs.few --run='a $b' --config='tiny' --pairs='phantom' --photos='phantom'") == 1
    assert "--flags='--few_draws=2'" in said and "-m configs.steps data" in said  # which draws the phantoms
    stops(make(project, "few", "CONFIG=tiny", "FLAGS=--few_drawn=2"), "--few_drawn", "--few_draws")


def test_one_arm_alone(project):
    assert steps(project, "unet-real") == ["unet-real"]
    assert steps(project, "unet-rendered.1") == [
        "unet-real.1", "photo_masks.1", "stage2.1", "rendered.1", "unet-rendered.1"]
    assert steps(project, "unet-phantom") == ["phantom", "unet-phantom"]
    stops(make(project, "unet-reel", "CONFIG=tiny"), "'reel' is no arm", "real")


@pytest.mark.parametrize("jobs", ["-j1", "-j8"])
def test_evidence_begins_with_the_gans(project, jobs):
    with_cells(project)
    run = steps(project, jobs, "evidence", "FLAGS=--arms=phantom,real --seeds=1")
    assert set(run[:6]) == {*STAGE1, *STAGE2} and run.count("unet-phantom") == 1


def test_what_is_wrong_with_the_flags_is_told_before_anything_is_made(project):
    stops(make(project, "stage1", "CONFIG=tiny", "FLAGS=--sede=1"), "FLAGS: --sede", "--seed")
    stops(make(project, "stage1", "CONFIG=tiny", "FLAGS=--seed='1"), "FLAGS=--seed='1")
    assert not (project / "checkpoints").exists()


def test_a_sweep_needs_a_file_and_is_one_command(project):
    stops(make(project, "sweep", "CONFIG=tiny"), "SWEEP=", "is no file")
    (project / "grid").write_text("unet-real\n--loss bce mse\n")
    said = make(project, "-n", "sweep", "CONFIG=tiny", "SWEEP=grid", "FLAGS=--seed=1 --epochs=2").stdout
    assert said.count("-m configs.sweep") == 1 and "--flags='--seed=1 --epochs=2'" in said


def test_more_pairs_come_from_a_trained_run_and_train_nothing(project):
    finish(project, *done())
    assert steps(project, "synthetic") == []
    assert steps(project, "synthetic", "COUNT=1000") == ["synthetic-1000"]
    said = make(project, "-n", "export", "CONFIG=tiny", "COUNT=1000").stdout
    for text in ("--store='checkpoints/tiny/synthetic-1000.h5'", "--out='reports/tiny/private-1000'"):
        assert text in said
    assert "--store='checkpoints/tiny/synthetic.h5'" in make(project, "-n", "export", "CONFIG=tiny").stdout
    for count in ("0", "ten", "-3"):
        stops(make(project, "synthetic", "CONFIG=tiny", f"COUNT={count}"), f"COUNT={count}", "number of pairs")


def test_a_release_asks_for_its_name_and_licence_before_anything_is_trained(project):
    stops(make(project, "synthmed", "CONFIG=tiny", "LICENSE=CC0-1.0"), "NAME=")
    stops(make(project, "synthmed", "CONFIG=tiny", "NAME=../x", "LICENSE=CC0-1.0"), "NAME='../x'")
    stops(make(project, "synthmed", "CONFIG=tiny", "NAME=eyes"), "LICENSE=", "CC-BY-4.0")
    answer = subprocess.run(["make", f"PYTHON={sys.executable}", "synthmed", "CONFIG=tiny", "LICENSE=CC0-1.0"],
                            cwd=project, text=True, capture_output=True,
                            env={**os.environ, "NAME": "a-computer", "PYTHONPATH": str(ROOT), "MAKEFLAGS": ""})
    stops(answer, "NAME=''")  # as in Windows' Subsystem for Linux
    assert not (project / "checkpoints").exists()


def test_a_release_is_made_of_the_runs_files(project):
    finish(project, *done())
    given = ("synthmed", "NAME=eyes", "LICENSE=cc-by-4.0", "COUNT=7", "AUTHORS=A. O'Neil; B. Öz", "RUN=my run")
    said = make(project, "-n", *given, "CONFIG=tiny").stdout
    for text in ("-m unet_eval.agreement --model='checkpoints/my run/unet-real'", "--name=eyes --license=cc-by-4.0",
                 "--audit='reports/my run/audit-7/audit.json'", "--out='reports/my run/synthmed/eyes'",
                 "--authors='A. O'\\''Neil; B. Öz'"):
        assert text in said, text
    finish(project, "checkpoints/tiny/agreement.json")
    os.utime(project / "checkpoints/tiny/agreement.json", (1.1e9, 1.1e9))
    said = make(project, "-n", "synthmed", "NAME=eyes", "LICENSE=CC0-1.0", "CONFIG=tiny").stdout
    assert "data.synthmed.release" in said and "unet_eval.agreement" not in said


def test_an_audit_is_made_first_and_of_the_pairs_that_are_given_out(project):
    own = ["overtrained", "members-stage1", "members-stage2"]
    assert steps(project, "audit") == [*STAGE1, *STAGE2, *own, "audit"]
    assert steps(project, "synthmed", "NAME=eyes", "LICENSE=CC0-1.0", "COUNT=9") == [
        "stage1", *STAGE2[:-1], "synthetic-9", *own, "audit-9"]
    finish(project, *done(), "checkpoints/tiny/data.checked")
    finish(project, *(f"checkpoints/tiny/audit/{name}" for name in ("overtrained.h5", "stage1.json", "stage2.json")))
    for name in ("stage1.json", "stage2.json"):
        os.utime(project / "checkpoints/tiny/audit" / name, (1.1e9, 1.1e9))
    assert steps(project, "audit", *SETTINGS.split()) == ["audit"]  # every time, for test images may have been added


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_where_the_audit_refuses_no_release_is_made(project, jobs):
    """A script in the place of Python: its audit fails as one that refuses does."""
    finish(project, *done(), "checkpoints/tiny/audit/overtrained.h5", "checkpoints/tiny/agreement.json")
    python = project.parent / "python"
    python.write_text(f"""#!/bin/sh
case "$*" in
  *configs.steps*audit) echo "error: synthetic.h5 may not be published: reasons" >&2; exit 1;;
  *synthmed.release*) touch released;;
  *configs.plan*|*configs.environment*) exec {sys.executable} "$@";;
esac
""")
    python.chmod(0o755)
    answer = make(project, jobs, "synthmed", "CONFIG=tiny", "NAME=eyes", "LICENSE=CC0-1.0", python=python)
    assert answer.returncode != 0 and "may not be published: reasons" in answer.stderr
    assert not (project / "released").exists()


def test_a_copy_is_verified_without_a_run(project):
    said = make(project, "-n", "synthmed-verify", "DIR=/my data/eyes", "CONFIG=none").stdout
    assert said.strip().endswith("-m data.synthmed.verify --dir='/my data/eyes'")

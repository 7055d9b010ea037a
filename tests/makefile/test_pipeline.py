"""The stages and what they need: what is made, made again, and left alone. All of it is settled before an
environment is made."""
from __future__ import annotations

import os
import resource
import shutil
import zipfile

import pytest

from tests.makefile.calls import EVAL, SETTINGS, STAGE1, STAGE2, done, finish, make, steps, stops, with_cells

pytestmark = pytest.mark.training


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


def test_the_stages_run_in_order_however_many_jobs(project):
    assert steps(project, "-j8", "stage1", "stage2", "eval") == STAGE1 + STAGE2 + EVAL


def test_masks_which_all_wait_for_are_drawn_before_the_real_unet(project):
    assert steps(project, "-j2", "eval", "PHOTOS=")[:3] == ["stage1", "masks", "unet-real"]
    assert steps(project, "-j2", "unet-real", "PHOTOS=") == ["unet-real"]


@pytest.mark.parametrize("goals", [("eval",), ("evidence", "FLAGS=--arms=phantom --seeds=1"), ("unet-synthetic",)])
def test_the_last_training_of_the_pipeline_shares_no_cores(project, goals):
    with_cells(project)
    told = make(project, "-n", "-j2", "CONFIG=tiny", *goals).stdout
    unshared = [line for line in told.splitlines() if "MAKEFLAGS=" in line]
    assert [line.split()[-1] for line in unshared] == (["unet-synthetic"] if goals == ("eval",) else [])


def test_a_finished_run_is_left_alone(project):
    finish(project, *done())
    assert steps(project, "stage1", "stage2", "eval") == []


def test_an_arm_that_was_trained_later_is_measured(project):
    """`make unet-phantom`, and then `make eval`, which said that the report was done."""
    finish(project, *done())
    for name in ("unet-phantom", "unet-real.1", "unet-my own", "unet-mine"):  # the last two are no arms
        finish(project, f"checkpoints/tiny/{name}/weights.h5")
        os.utime(project / f"checkpoints/tiny/{name}/weights.h5", (1.1e9, 1.1e9))
        assert steps(project, "eval") == (EVAL[1:] if name in ("unet-phantom", "unet-real.1") else [])
        os.utime(project / "reports/tiny/report.html", (1.2e9, 1.2e9))
        assert steps(project, "eval") == []
        os.utime(project / "reports/tiny/report.html", (1e9, 1e9))
        (project / f"checkpoints/tiny/{name}/weights.h5").unlink()


def test_with_nothing_to_do_make_ends_at_once(project):
    """In seconds of processor time, which other work hardly changes. Importing TensorFlow would take more."""
    finish(project, *done())
    (project / "checkpoints/tiny/settings").write_text(SETTINGS + "\n")
    (project / "data/raw/phantom").mkdir(parents=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = make(project, "stage1", "stage2", "eval", "CONFIG=tiny")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "eval: done" in answer.stdout and "configs.steps" not in answer.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


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


@pytest.mark.parametrize("goal", ["data", "stage1", "stage2", "eval", "unet-real", "evidence", "curve", "folds", "few",
                                  "sweep", "figures", "synthetic", "audit", "synthmed", "pretrained", "export", "plan",
                                  "preflight", "bench-quality", "clean"])
def test_a_flag_that_no_script_has_stops_every_target(project, goal):
    stops(make(project, goal, "CONFIG=tiny", "FLAGS=--bach_size=1"), "--bach_size", "--batch_size")
    assert not (project / "checkpoints").exists()


def test_what_is_wrong_with_the_flags_is_told_before_anything_is_made(project):
    stops(make(project, "stage1", "CONFIG=tiny", "FLAGS=--sede=1"), "FLAGS: --sede", "--seed")
    stops(make(project, "stage1", "CONFIG=tiny", "FLAGS=--seed='1"), "FLAGS=--seed='1")
    assert not (project / "checkpoints").exists()


def test_a_dry_run_calls_the_trainings_only(project):
    assert steps(project, "stage1", "stage2", "eval", "FLAGS=--dry_run") == ["stage1", "stage2", "unet-real"]


def test_what_is_measured_may_change(project):
    finish(project, *done())
    (project / "checkpoints/tiny/settings").write_text(SETTINGS + "\n")
    assert steps(project, "figures", "FLAGS=--test=hrf:/data/HRF --kl_bins=64") == EVAL[1:]
    assert steps(project, "figures", "FLAGS=--test='folder:/my data'") == EVAL[1:]
    stops(make(project, "figures", "CONFIG=tiny", "FLAGS=--seed=2"), SETTINGS, "--seed=2")


def test_one_arm_alone(project):
    assert steps(project, "unet-real") == ["unet-real"]
    assert steps(project, "unet-rendered.1") == [
        "unet-real.1", "photo_masks.1", "stage2.1", "rendered.1", "unet-rendered.1"]
    assert steps(project, "unet-phantom") == ["phantom", "unet-phantom"]
    stops(make(project, "unet-reel", "CONFIG=tiny"), "'reel' is no arm", "real")

"""`make` as a user calls it. What is asked here needs no environment: it is settled before one is made."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VARIABLES = ("CONFIG", "RUN", "PAIRS", "PHOTOS", "FLAGS", "SWEEP", "PYTHON", "EXTRAS", "MAKEFLAGS", "MAKEOVERRIDES",
             "MAKELEVEL")


@pytest.fixture
def project(tmp_path):
    """A clone with one preset and no environment, in a folder whose name has a space."""
    folder = tmp_path / "my clone"
    (folder / "configs" / "tiny").mkdir(parents=True)
    for stage in ("stage1", "stage2", "unet"):
        (folder / "configs" / "tiny" / f"{stage}.flags").touch()
    for name in ("Makefile", "setup.py", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(project, *arguments, python=sys.executable):
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.run(["make", f"PYTHON={python}", *arguments], cwd=project, env=environment, text=True,
                          capture_output=True)


def modules(project, *arguments):
    """The scripts that `make` would run, in order."""
    answer = make(project, "-n", *arguments, "CONFIG=tiny")
    assert answer.returncode == 0, answer.stderr
    return re.findall(r"exec .venv/bin/python -m (\S+)", answer.stdout)


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


STAGE1 = ["stage1_dcgan.train", "stage1_dcgan.generate"]
STAGE2 = ["unet_eval.train", "unet_eval.segment", "stage2_pix2pix.train", "stage2_pix2pix.generate"]
EVAL = ["unet_eval.train", "unet_eval.evaluate"]
SETTINGS = "CONFIG=tiny PAIRS=phantom PHOTOS=phantom FLAGS="


def test_help_is_the_default_and_lists_every_target_and_variable(project):
    lines = make(project).stdout.splitlines()
    for target in ("data", "stage1", "stage2", "eval", "evidence", "unet-%", "sweep", "figures", "tensorboard", "test",
                   "lint", "bench", "clean"):
        assert sum(line.startswith(f"make {target} ") and len(line.split()) > 3 for line in lines) == 1, target
    for variable in ("CONFIG", "RUN", "PAIRS", "PHOTOS", "CELLS", "SWEEP", "FLAGS", "PYTHON"):
        assert sum(line.startswith(f"{variable}=") for line in lines) == 1, variable


def test_the_stages_run_in_order_however_many_jobs(project):
    assert modules(project, "-j8", "stage1", "stage2", "eval") == STAGE1 + STAGE2 + EVAL


def test_a_finished_run_is_left_alone(project):
    finish(project, *done())
    assert modules(project, "stage1", "stage2", "eval") == []


def test_what_depends_on_a_new_stage1_is_made_again_and_nothing_else(project):
    finish(project, *done())
    (project / "checkpoints/tiny/stage1/generator.h5").touch()
    assert modules(project, "eval") == ["stage1_dcgan.generate", "stage2_pix2pix.generate"] + EVAL


def test_a_new_preset_or_a_new_environment_trains_nothing_again(project):
    finish(project, *done())
    for name in ("configs/tiny/stage1.flags", "constraints.txt", "setup.py", "checkpoints/tiny/data.checked"):
        (project / name).touch()
    assert modules(project, "stage1", "stage2", "eval") == []


def test_an_interrupted_run_goes_on(project):
    finish(project, *done()[:6])
    assert modules(project, "stage1", "stage2") == STAGE2[1:]


def test_a_run_may_have_spaces_and_accents_in_its_name(project):
    name = "première série"
    assert modules(project, "stage1", f"RUN={name}") == STAGE1
    finish(project, *done(f"checkpoints/{name}", f"reports/{name}"))
    assert modules(project, "stage1", "stage2", "eval", f"RUN={name}") == []


@pytest.mark.parametrize("given, photos, segments", [
    ([], "phantom", True),
    (["PAIRS=phantom"], "phantom", True),
    (["PAIRS=stare:/data/STARE"], "", False),
    (["PAIRS=stare:/data/STARE", "PHOTOS=messidor:/data/M"], "messidor:/data/M", True),
    (["PHOTOS="], "", False)])
def test_without_photographs_stage2_trains_on_pairs(project, given, photos, segments):
    assert ("unet_eval.segment" in modules(project, "stage2", *given)) == segments
    assert f"PHOTOS={photos} FLAGS=" in make(project, "-n", "stage2", "CONFIG=tiny", *given).stdout


def test_real_data_sets_are_used_where_they_lie(project):
    for name in ("DRIVE", "MESSIDOR"):
        (project / "data/raw" / name).mkdir(parents=True)
    commands = make(project, "-n", "stage2", "CONFIG=tiny").stdout
    assert "PAIRS=drive:data/raw/DRIVE PHOTOS=messidor:data/raw/MESSIDOR FLAGS=" in commands
    assert "data.phantom" not in commands
    assert "PHOTOS= FLAGS=" in make(project, "-n", "stage2", "CONFIG=tiny", "PAIRS=bu_bil:cells").stdout


def test_a_preset_that_is_not_there_stops_and_the_others_are_named(project):
    stops(make(project, "stage1", "CONFIG=tyni"), "CONFIG=tyni", "tiny")


def test_a_preset_may_lie_elsewhere(project):
    shutil.move(project / "configs/tiny", project / "my presets")
    answer = make(project, "-n", "stage1", "CONFIG=my presets")
    assert "--flagfile='my presets/stage1.flags'" in answer.stdout


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
    answer = make(project, "settings", "CONFIG=tiny", "FLAGS=--seed=3")
    assert answer.returncode == 0, answer.stderr
    assert (project / "checkpoints/tiny/settings").read_text() == SETTINGS + "--seed=3\n"
    assert not (project / "checkpoints/tiny/data.checked").exists()


@pytest.mark.parametrize("python", ["/bin/false", "no-such-python"])
def test_an_unsupported_python_is_named_with_the_supported_ones(project, python):
    stops(make(project, ".venv", python=python), python, "3.9", "3.10", "3.11")


@pytest.mark.parametrize("run", ["", "..", ".", "a/b", "../x"])
def test_clean_removes_nothing_but_a_run(project, run):
    finish(project, *done(), "checkpoints/README.md", "x/keep")
    stops(make(project, "clean", "CONFIG=tiny", f"RUN={run}"), "RUN")
    assert make(project, "clean", "CONFIG=tiny").returncode == 0
    assert sorted(path.name for path in project.glob("*/*")) == ["README.md", "keep", "tiny"]


def test_a_dry_run_calls_the_trainings_only(project):
    assert modules(project, "stage1", "stage2", "eval", "FLAGS=--dry_run") == [
        "stage1_dcgan.train", "stage2_pix2pix.train", "unet_eval.train"]


@pytest.mark.parametrize("begun, kept", [("before", False), ("after", True)])
def test_a_training_that_an_older_input_began_is_dropped_not_resumed(project, begun, kept):
    inputs, stage2 = done()[:7], "checkpoints/tiny/stage2/config.json"
    finish(project, *([stage2, *inputs] if begun == "before" else [*inputs, stage2]))
    commands = make(project, "-n", "stage2", "CONFIG=tiny").stdout.splitlines()
    guard, = (line for line in commands if "rm -rf" in line and "/stage2" in line)
    assert subprocess.run(["sh", "-c", guard], cwd=project).returncode == 0
    assert (project / stage2).exists() == kept


def trainings(project, *arguments):
    """The U-Nets that `make` would train, in order: (arm, repetition, file of pairs)."""
    commands = make(project, "-n", *arguments, "CONFIG=tiny")
    assert commands.returncode == 0, commands.stderr
    found = re.findall(r"unet_eval.train --arm=(\S+) (.*)", commands.stdout)
    return [(arm, *(next(iter(re.findall(pattern, rest)), None) for pattern in
                    (r"--repeat=(\S+)", r"--synthetic='checkpoints/tiny'/(\S+)"))) for arm, rest in found]


def test_what_is_measured_may_change(project):
    finish(project, *done())
    (project / "checkpoints/tiny/settings").write_text(SETTINGS + "\n")
    assert modules(project, "figures", "FLAGS=--test=hrf:/data/HRF --kl_bins=64") == EVAL[1:]
    stops(make(project, "figures", "CONFIG=tiny", "FLAGS=--seed=2"), SETTINGS, "--seed=2")


def with_cells(project):
    """The second data set's preset, and its run, finished."""
    shutil.copytree(project / "configs/tiny", project / "configs/cells")
    finish(project, "checkpoints/tiny-cells/synthetic.h5")


def test_evidence_trains_every_arm_with_every_seed(project):
    with_cells(project)
    (project / "configs/tiny/evidence.flags").write_text("--arms=real,real+synthetic,synthetic-10,rendered,phantom\n"
                                                         "--seeds=2\n")
    first = [("real", None, None), ("real+synthetic", None, "synthetic.h5"), ("synthetic-10", None, "synthetic.h5"),
             ("rendered", None, "rendered.h5"), ("phantom", None, "phantom.h5")]
    assert trainings(project, "evidence") == first + [(arm, "1", store) for arm, _, store in first]
    single = ["stage1_dcgan.train", "stage1_dcgan.generate"]
    run = modules(project, "evidence", "FLAGS=--seeds=1 --arms=real,synthetic")
    assert run == EVAL[:1] + STAGE1 + STAGE2[1:] + EVAL[:1] + single + EVAL[1:]


def test_evidence_makes_both_stages_on_the_second_data_set(project):
    shutil.copytree(project / "configs/tiny", project / "configs/cells")
    commands = make(project, "-n", "evidence", "CONFIG=tiny").stdout
    for part in ("RUN='tiny-cells'", "CONFIG=cells", "PAIRS='bu_bil:data/raw/phantom/BU-BIL'", "PHOTOS="):
        assert part in commands
    assert "unet_eval.train --arm=synthetic --pairs='bu_bil" not in commands
    alone = make(project, "-n", "evidence", "CONFIG=tiny", "PAIRS=bu_bil:cells", "FLAGS=--arms=phantom").stdout
    assert "tiny-cells" not in alone and "--kind=cells" in alone


@pytest.mark.parametrize("given, drawn", [
    (["PAIRS=drive:D"], True), (["PAIRS=drive:D", "CELLS=bu_bil:cells"], False), (["PAIRS=phantom"], True),
    (["PAIRS=drive:D", "PHOTOS=messidor:data/raw/phantom/MESSIDOR", "CELLS=bu_bil:cells"], True)])
def test_phantoms_are_drawn_where_they_are_used(project, given, drawn):
    assert ("-m data.phantom --out" in make(project, "-n", "evidence", "CONFIG=tiny", *given).stdout) == drawn


def test_jobs_share_the_cores(project):
    assert "TF_NUM_INTRAOP_THREADS" not in make(project, "-n", "unet-real", "CONFIG=tiny").stdout
    said = make(project, "-n", "-j64", "unet-real", "CONFIG=tiny").stdout
    told = re.search(r"(threads=.*) exec .*unet_eval.train", said.replace("\\\n", " "))[1]
    shown = subprocess.run(["sh", "-c", f"{told} echo $TF_NUM_INTRAOP_THREADS"], text=True, capture_output=True)
    assert int(shown.stdout) == max(1, os.cpu_count() // 64)


def test_evidence_is_made_once_and_goes_on(project):
    with_cells(project)
    stages = done()[:-2]
    finish(project, *stages, "checkpoints/tiny/single/generator.h5", "checkpoints/tiny/single.h5",
           "checkpoints/tiny/unet-synthetic/weights.h5", "checkpoints/tiny/unet-real.1/weights.h5")
    flags = "FLAGS=--seeds=2"
    assert trainings(project, "evidence", flags) == [("synthetic", "1", "synthetic.h5")]
    finish(project, *stages, "checkpoints/tiny/single/generator.h5", "checkpoints/tiny/single.h5",
           "checkpoints/tiny/unet-synthetic/weights.h5", "checkpoints/tiny/unet-real.1/weights.h5",
           "checkpoints/tiny/unet-synthetic.1/weights.h5", "checkpoints/tiny/evidence.done")
    assert modules(project, "evidence", flags) == []


def test_one_arm_alone(project):
    assert trainings(project, "unet-real") == [("real", None, None)]
    assert modules(project, "unet-rendered")[-2:] == ["stage2_pix2pix.generate", "unet_eval.train"]
    assert trainings(project, "unet-phantom") == [("phantom", None, "phantom.h5")]


def test_evidence_begins_with_the_gans(project):
    with_cells(project)
    run = modules(project, "evidence", "FLAGS=--arms=phantom,real --seeds=1")
    assert run[:6] == STAGE1 + STAGE2 and run.count("unet_eval.train") == 2


def test_a_sweep_needs_a_file_and_is_one_command(project):
    stops(make(project, "sweep", "CONFIG=tiny"), "SWEEP=", "is no file")
    (project / "grid").write_text("unet-real\n--loss bce mse\n")
    assert modules(project, "sweep", "SWEEP=grid") == ["unet_eval.sweep"]

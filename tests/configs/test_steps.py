"""The steps of a run: their scripts and flags, and how they are run."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from configs.flags import last_value
from configs.running import thread_limits
from configs.settings import Settings
from configs.steps import SEEDED, STEPS, files, make_step, shard_done
from data.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def script(name, **variables):
    """What the last script of a step is, and its flags."""
    module, *flags = make_step(name, Settings.from_variables(variables)).scripts[-1]
    return module, flags


def test_a_script_gets_makes_flags_then_the_presets_then_those_of_flags():
    module, flags = script("stage1", RUN="my run", FLAGS="--size=64 --kl_bins=64")
    assert module == "stage1_dcgan.train"
    assert flags[:2] == ["--pairs=phantom", "--out=checkpoints/my run/stage1"]
    assert "--size=128" in flags[2:-1] and flags[-1] == "--size=64"
    assert "--speck=80" in script("masks", CONFIG="quick")[1] and "--speck=1000" in script("masks", CONFIG="cells")[1]


def test_every_step_can_be_made_from_every_preset():
    for path in ROOT.glob("configs/*/stage1.flags"):
        for name in (*STEPS, *SEEDED, *(f"{step}.2" for step in SEEDED), "unet-real", "unet-synthetic-10.2"):
            assert script(name, CONFIG=path.parent.name)[0]
    for name in ("stage3", "unet-reel", "unet-", "data.1"):
        with pytest.raises(UserError, match="reel|no step"):
            script(name)


def test_more_pairs_are_those_of_the_run_and_then_others():
    step = make_step("synthetic-1000", Settings.from_variables({"FLAGS": "--count=20 --seed=3"}))
    (draw, *drawing), (render, *rendering) = step.scripts
    assert (draw, render) == ("stage1_dcgan.generate", "stage2_pix2pix.generate")
    assert [flag for flag in drawing if flag.startswith("--count=")][-1] == "--count=1000" and "--seed=3" in drawing
    last = dict(flag[2:].split("=", 1) for flag in rendering if "=" in flag)
    assert (last["masks"], last["out"]) == (drawing[-1][6:], "checkpoints/quick/synthetic-1000.h5")


def test_a_share_of_more_pairs_is_both_scripts_of_that_share():
    run = Settings.from_variables({"FLAGS": "--count=20"})
    share, whole = (make_step(name, run) for name in ("synthetic-1000-of-16.3", "synthetic-1000"))
    for own, all_of_it in zip(share.scripts, whole.scripts):
        assert {*own} - {*all_of_it} == {"--shard=3/16"} and {*all_of_it} <= {*own}
    assert share.done == run.folder / shard_done(1000, 16, 3) and whole.done is None
    for name in ("synthetic-1000-of-16", "synthetic-1000.3", "synthetic-0", "audit-0"):
        with pytest.raises(UserError, match="no step"):
            make_step(name, run)


@pytest.mark.parametrize("name, arm, seed, pairs", [
    ("unet-real", "real", None, None), ("unet-real.2", "real", "2", None),
    ("unet-real+synthetic", "real+synthetic", None, "synthetic"),
    ("unet-synthetic-10.1", "synthetic-10", "1", "synthetic.1"),
    ("unet-rendered", "rendered", None, "rendered"), ("unet-phantom.1", "phantom", "1", "phantom.1")])
def test_each_unet_gets_its_arm_its_seed_and_its_pairs(name, arm, seed, pairs):
    flags = dict(flag[2:].split("=", 1) for flag in script(name)[1] if "=" in flag)
    assert (flags["arm"], flags.get("seed"), flags["out"]) == (arm, seed, f"checkpoints/quick/{name}")
    assert flags.get("synthetic") == (pairs and f"checkpoints/quick/{pairs}.h5")


def test_a_seed_s_steps_read_and_write_files_of_that_seed_only():
    """With one name of the first seed among them, two seeds would share a GAN."""
    run = "checkpoints/quick/"
    for step in SEEDED:
        named = [flag.partition("=")[2] for flag in script(f"{step}.3")[1] if f"={run}" in flag]
        assert named and all(".3" in path for path in named)
        done = make_step(f"{step}.3", Settings.from_variables({})).done
        assert done is None or done.name == f"{step}.3.done"
    assert files("synthetic.3", Settings.from_variables({})) == (
        "synthetic.3.h5", ["masks.3.h5", "stage2.3/generator.h5"])
    assert files("unet-rendered", Settings.from_variables({})) == ("unet-rendered/weights.h5", ["rendered.h5"])
    assert files("stage2", Settings.from_variables({"PHOTOS": ""})) == ("stage2/generator.h5", [])


def test_relabelled_pairs_are_labelled_by_the_real_arm_of_their_seed():
    for name, given in (("synthetic", "--store=checkpoints/quick/synthetic.1.h5"), ("photos", "--photos=phantom"),
                        ("phantom", "--store=checkpoints/quick/phantom.1.h5"), ("real", "--pairs=phantom")):
        module, flags = script(f"{name}-relabelled.1", FLAGS="--mix=0.3")
        assert module == "unet_eval.relabel" and "--mix=0.3" in flags and given in flags
        assert {"--model=checkpoints/quick/unet-real.1", f"--out=checkpoints/quick/{name}-relabelled.1.h5"} <= {*flags}
        assert "unet-real.1/weights.h5" in files(f"{name}-relabelled.1", Settings.from_variables({}))[1]


@pytest.mark.parametrize("flags, seeds", [("", {"stage1": "2", "masks": "3", "stage2": "2", "synthetic": "3"}),
                                          ("--seed=5", dict.fromkeys(("stage1", "masks", "stage2", "synthetic"), "7"))])
def test_the_seed_of_a_repetition_is_the_user_s_or_the_default_plus_its_number(flags, seeds):
    for step, seed in seeds.items():
        assert script(f"{step}.2", FLAGS=flags)[1][-1] == f"--seed={seed}"
    assert "--seed=1002" in script("phantom.2", FLAGS=flags)[1]
    with pytest.raises(UserError, match="--seed=x is no whole number"):
        script("stage1.1", FLAGS="--seed=x")


def test_without_photographs_and_in_a_dry_run_stage2_trains_on_the_pairs():
    photos = ["--photos=phantom", "--photo_masks=checkpoints/paper/photo_masks"]
    assert script("stage2", CONFIG="paper")[1][1:3] == photos
    assert photos[0] in script("evaluate", CONFIG="paper")[1]
    for variables in ({"PHOTOS": ""}, {"FLAGS": "--dry_run"}):
        assert not {*photos} & {*script("stage2", CONFIG="paper", **variables)[1]}


def test_a_preset_may_have_stage2_train_on_the_pairs_alone():
    run = Settings.from_variables({"CONFIG": "quick"})
    assert run.photos == "phantom" and files("stage2", run) == ("stage2/generator.h5", [])
    assert files("stage2.1", Settings.from_variables({"CONFIG": "paper"}))[1] == ["photo_masks.1.done"]
    assert "--photos=phantom" not in script("stage2", CONFIG="quick")[1]
    assert "--photos=" in script("evaluate", CONFIG="quick")[1]  # the report says what Stage-II learned from
    assert "--photos=phantom" in script("photos-relabelled", CONFIG="quick")[1]


def test_modality_decides_what_phantom_pairs_show():
    assert "--kind=retina" in script("phantom", PAIRS="folder:x", FLAGS="--modality=fundus")[1]
    assert "--kind=cells" in script("phantom", PAIRS="folder:x", FLAGS="--modality=cells")[1]
    assert "--kind=cells" in script("phantom", PAIRS="bu_bil:x")[1]


def test_foreground_goes_to_whatever_reads_drawn_masks():
    variables = {"PAIRS": "folder:x", "PHOTOS": "messidor:y", "FLAGS": "--foreground=1,ff0000"}
    flag = "--foreground=1,ff0000"
    check = make_step("data", Settings.from_variables(variables)).scripts[-1]
    assert flag in check
    for name in ("stage1", "stage2", "unet-real", "real-relabelled", "evaluate"):
        assert flag in script(name, **variables)[1], name
    for name in ("masks", "photo_masks", "synthetic"):  # these take it from config.json, or read no drawn mask
        assert flag not in script(name, **variables)[1], name


def test_the_second_data_set_is_measured_where_its_run_is_done(folder):
    assert "--second=" in script("evaluate")[1]
    (folder / "checkpoints/quick-cells").mkdir(parents=True)
    (folder / "checkpoints/quick-cells/synthetic.h5").touch()
    assert "--second=checkpoints/quick-cells" in script("evaluate")[1]
    assert "--second=" in script("evaluate", PAIRS="bu_bil:x")[1]


@pytest.mark.parametrize("given, drawn", [
    ({"PAIRS": "drive:D"}, False), ({}, True), ({"PAIRS": "phantom:elsewhere", "PHOTOS": ""}, False),
    ({"PAIRS": "drive:D", "PHOTOS": "messidor:data/raw/phantom/MESSIDOR"}, True),
    ({"PAIRS": "bu_bil:data/raw/phantom/BU-BIL"}, True)])
def test_phantoms_are_drawn_where_they_are_used_and_absent(folder, given, drawn):
    step = make_step("data", Settings.from_variables(given))
    assert [name for name, *_ in step.scripts] == ["data.phantom"] * drawn + ["data.check"]
    (folder / "data/raw/phantom").mkdir(parents=True)
    assert len(make_step("data", Settings.from_variables(given)).scripts) == 1


def test_data_that_are_checked_again_are_compared_with_what_trainings_saw(folder):
    (folder / "checkpoints/quick/stage1").mkdir(parents=True)
    (folder / "checkpoints/quick/stage1/config.json").touch()
    check, compare = make_step("data", Settings.from_variables({"PAIRS": "drive:D", "PHOTOS": "hrf:H"})).scripts
    assert (check[0], compare[0]) == ("data.check", "training.provenance")
    shared = ["--run=checkpoints/quick", "--pairs=drive:D", "--modality="]
    assert compare[1:] == [*shared, "--photos="]  # this preset's Stage-II learns from no photographs
    run = Settings.from_variables({"PAIRS": "drive:D", "PHOTOS": "hrf:H", "CONFIG": "paper", "RUN": "quick"})
    assert make_step("data", run).scripts[-1][1:] == [*shared, "--photos=hrf:H"]


@pytest.mark.parametrize("begun, kept", [("before", False), ("after", True)])
@pytest.mark.parametrize("name, input", [("stage2", "photo_masks.done"), ("unet-rendered", "rendered.h5")])
def test_a_training_that_an_older_input_began_is_removed_not_resumed(folder, name, input, begun, kept):
    run = folder / "checkpoints/quick"
    (run / name).mkdir(parents=True)
    for path, second in ((run / input, 2), (run / name / "config.json", 1 if begun == "before" else 3)):
        path.touch()
        os.utime(path, (second, second))
    make_step(name, Settings.from_variables({})).remove_outdated()
    assert (run / name).exists() == kept


@pytest.mark.parametrize("makeflags, limit", [
    ("", None), ("k", None), ("-j", None), (" -j4 --jobserver-auth=3,4", "2"), ("n -j64 --jobserver-auth=3,4", "1"),
    (" --jobserver-fds=3,4 -j", None), (" -- FLAGS=--x\\ -j4 RUN=a", None), ("-- RUN=a\\ -j4", None)])
def test_jobs_share_the_cores(makeflags, limit):
    limits = thread_limits(makeflags, cores=8)
    assert limits == ({"TF_NUM_INTRAOP_THREADS": limit, "TF_NUM_INTEROP_THREADS": "1"} if limit else {})


@pytest.fixture
def scripts(folder):
    """Stand-ins for two scripts, which note their flags; where there is a file `fail`, they end with status 75."""
    for package, module in (("stage1_dcgan", "train"), ("stage1_dcgan", "generate"), ("data", "check")):
        (folder / "fakes" / package).mkdir(parents=True, exist_ok=True)
        (folder / "fakes" / package / "__init__.py").write_text(
            f"__path__.append({str(ROOT / package)!r})\n")
        (folder / "fakes" / package / f"{module}.py").write_text(
            f"import os, pathlib, sys, time\n"
            f"with open('calls', 'a') as file:\n"
            f"    print('{package}.{module}', os.getpid(), os.environ.get('TF_NUM_INTRAOP_THREADS'), file=file)\n"
            "while pathlib.Path('wait').exists():\n"
            "    time.sleep(0.01)\n"
            "sys.exit(75 if pathlib.Path('fail').exists() else 0)\n")
    return folder


def start(folder, *names, **variables):
    path = os.pathsep.join([str(folder / "fakes"), str(ROOT)])
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.Popen([sys.executable, "-m", "configs.steps", *names], cwd=folder, text=True,
                            env={**kept, "PYTHONPATH": path, "CONFIG": "quick", "PHOTOS": "", "PAIRS": "drive:D",
                                 **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def calls(folder):
    return [line.split() for line in (folder / "calls").read_text().splitlines()]


@pytest.mark.training
def test_steps_run_in_their_order_and_the_last_takes_the_place_of_the_process(scripts):
    process = start(scripts, "data", "stage1", "masks", MAKEFLAGS=" -j64")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert [name for name, _, _ in calls(scripts)] == ["data.check", "stage1_dcgan.train", "stage1_dcgan.generate"]
    assert int(calls(scripts)[-1][1]) == process.pid and calls(scripts)[-1][2] == "1"
    assert [line.partition(":")[0] for line in out.splitlines()] == ["data", "stage1", "stage1"]
    run = scripts / "checkpoints/quick"
    assert (run / "data.checked").exists()
    assert (run / "settings").read_text() == "CONFIG=quick PAIRS=drive:D PHOTOS= FLAGS=\n"


@pytest.mark.training
def test_a_step_that_fails_ends_them_with_its_status_and_says_how_to_go_on(scripts):
    (scripts / "fail").touch()
    process = start(scripts, "stage1", "masks")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75 and "python -m configs.steps stage1 masks" in err
    assert len(calls(scripts)) == 1
    process = start(scripts, "data")
    process.communicate(timeout=60)
    assert process.returncode == 75 and not (scripts / "checkpoints/quick/data.checked").exists()


@pytest.mark.training
@pytest.mark.parametrize("names", [("stage1",), ("stage1", "masks")])
def test_a_signal_reaches_the_script(scripts, names):
    (scripts / "wait").touch()
    process = start(scripts, *names)
    while not (scripts / "calls").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)
    with pytest.raises(ProcessLookupError):
        os.kill(int(calls(scripts)[0][1]), 0)


@pytest.mark.training
def test_what_is_wrong_is_one_line(scripts):
    for names, variables, said in (((), {}, "name the steps"), (("stage3",), {}, "'stage3' is no step"),
                                   (("stage1",), {"FLAGS": "--sede=1"}, "FLAGS: --sede")):
        process = start(scripts, *names, **variables)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1 and err.startswith("error: ") and err.count("\n") == 1 and said in err
    assert not (scripts / "checkpoints").exists()


def test_an_outdated_training_with_a_file_of_the_user_s_is_not_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training = tmp_path / "checkpoints" / "quick" / "stage2"
    training.mkdir(parents=True)
    for name in ("config.json", "ckpt-5.index", "generator.h5", "pairs.h5", "made.sha256", ".partial-pairs.h5",
                 "ckpt_best.pt"):
        (training / name).touch()
    os.utime(training / "config.json", (1, 1))
    (training.parent / "photo_masks.done").touch()
    with pytest.raises(UserError, match="ckpt_best.pt"):
        make_step("stage2", Settings.from_variables({"PHOTOS": "phantom"})).remove_outdated()
    assert (training / "ckpt_best.pt").exists()
    (training / "ckpt_best.pt").unlink()
    make_step("stage2", Settings.from_variables({"PHOTOS": "phantom"})).remove_outdated()
    assert not training.exists()


def test_the_audits_control_learns_by_heart_whatever_the_runs_flags_are():
    run = Settings.from_variables({"PAIRS": "folder:x", "PHOTOS": "", "FLAGS": "--epochs=99 --vary=1 --foreground=2"})
    train, draw = make_step("overtrained", run).scripts
    assert "--pairs=few-5-of-draw-1:folder:x" in train and "--foreground=2" in train
    assert [last_value(train, name) for name in ("epochs", "reach", "batch_size")] == ["4", "0", "5"]
    assert last_value(draw, "vary") == "0" and last_value(draw, "decoder") == "cut"


def test_an_audit_is_of_the_run_or_of_more_pairs():
    run = Settings.from_variables({"PAIRS": "phantom", "PHOTOS": "phantom"})
    for name, ending in (("audit", ""), ("audit-70", "-70")):
        (script,) = make_step(name, run).scripts
        assert f"--store=checkpoints/quick/synthetic{ending}.h5" in script and "--photos=phantom" in script
        assert f"--out=reports/quick/audit{ending}" in script

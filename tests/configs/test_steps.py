"""The steps of a run: their scripts and flags."""
from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from configs.options import check_options
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
    assert [name for name, *_ in step.scripts] == ["data.phantom"] * drawn + ["configs.options", "data.check"]
    (folder / "data/raw/phantom").mkdir(parents=True)
    assert len(make_step("data", Settings.from_variables(given)).scripts) == 2


def test_data_that_are_checked_again_are_compared_with_what_trainings_saw(folder):
    (folder / "checkpoints/quick/stage1").mkdir(parents=True)
    (folder / "checkpoints/quick/stage1/config.json").touch()
    _, check, compare = make_step("data", Settings.from_variables({"PAIRS": "drive:D", "PHOTOS": "hrf:H"})).scripts
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


@pytest.mark.parametrize("foreign", ["ckpt_best.pt", "ckpt-5.pt", "best.h5", "samples/mine.png", "logs/notes.txt",
                                     "coarse/mine.h5"])
def test_an_outdated_training_with_a_file_of_the_user_s_is_not_removed(tmp_path, monkeypatch, foreign):
    monkeypatch.chdir(tmp_path)
    training = tmp_path / "checkpoints" / "quick" / "stage2"
    for name in ("config.json", "ckpt-5.index", "ckpt-5.data-00000-of-00001", "generator.h5", "pairs.h5", "made.sha256",
                 ".partial-pairs.h5", "samples/epoch_0003.png", "logs/train/events.out.tfevents.1.host.2.v2",
                 "coarse/ckpt-2.sha256", "coarse/logs/events.out.tfevents.1.host.2.v2", foreign):
        (training / name).parent.mkdir(parents=True, exist_ok=True)
        (training / name).touch()
    os.utime(training / "config.json", (1, 1))
    (training.parent / "photo_masks.done").touch()
    with pytest.raises(UserError, match=foreign):
        make_step("stage2", Settings.from_variables({"PHOTOS": "phantom"})).remove_outdated()
    assert (training / foreign).exists()
    (training / foreign).unlink()
    make_step("stage2", Settings.from_variables({"PHOTOS": "phantom"})).remove_outdated()
    assert not training.exists()


@pytest.mark.parametrize("flags, said", [("--size=64", "--crop=128"), ("--epochs=0", "--epochs=0"),
                                         ("--poolings=9", "--poolings=9"), ("--kl_bins=77", "--kl_bins=77"),
                                         ("--threshold=x", "write 'tuned'"), ("--mix=3", "--mix=3"),
                                         ("--probability=7", "--probability=7")])
def test_flags_that_a_later_step_refuses_are_refused_with_the_data(flags, said):
    run = Settings.from_variables({"FLAGS": flags})
    with pytest.raises(UserError, match=said):
        check_options(run)
    assert ["configs.options"] in make_step("data", run).scripts


def test_a_flag_that_the_single_gan_refuses_is_refused_with_the_data(folder):
    """It is trained after all else of `make evidence`. A preset needs no file for it."""
    shutil.copytree(ROOT / "configs" / "quick", folder / "mine")
    (folder / "mine/single.flags").write_text("--draw=photographs\n--bach_size=4\n")
    with pytest.raises(UserError, match="bach_size"):
        check_options(Settings.from_variables({"CONFIG": "mine"}))
    (folder / "mine/single.flags").unlink()
    check_options(Settings.from_variables({"CONFIG": "mine"}))


def test_the_curve_is_measured_beside_the_arms_that_are_named():
    flags = "--arms=real,synthetic --curve=2,5,100 --count=10"
    assert script("evidence", FLAGS=flags)[1][-1] == "--arms=real,synthetic"
    assert script("curve", FLAGS=flags)[1][-1] == "--arms=real,synthetic,synthetic-2,synthetic-5"
    assert not [flag for flag in script("curve")[1] if "--arms" in flag]  # all that are trained


def test_presets_pass():
    for preset in ("quick", "cpu", "evidence", "paper", "authors", "cells"):
        check_options(Settings.from_variables({"CONFIG": preset}))

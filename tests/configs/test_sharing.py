"""Steps that two runs make alike: which these are, and what is copied."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from configs.settings import Settings
from configs.sharing import share
from data.errors import UserError
from data.files import OutputFolder
from tests.data.test_files import small_files

WHOLE = ["stage1", "masks", "unet-real", "photo_masks", "stage2", "synthetic"]


def settings(name, *flags, photos="messidor:photos"):
    return Settings("paper", name, "drive:pairs", photos, "", flags)


def made(run, steps=WHOLE):
    """The run with small files where the steps leave theirs, an hour old."""
    run.record()
    for name in steps:
        if name.startswith(("stage", "unet")):
            folder = run.folder / name
            (folder / "logs").mkdir(parents=True)
            for file in ("weights.h5" if name == "unet-real" else "generator.h5", "ckpt-3.index", "logs/events"):
                (folder / file).write_text(f"{run.run} {name} {file}")
        elif name == "photo_masks":
            OutputFolder(run.folder / name, "--out").write("a.png", b"mask")
            (run.folder / "photo_masks.done").touch()
        else:
            for ending in (".png", ".h5"):
                OutputFolder(run.folder, "--out").write(name + ending, f"{run.run} {name}".encode())
    for path in filter(Path.is_file, run.folder.rglob("*")):
        os.utime(path, (path.stat().st_mtime - 3600,) * 2)
    return run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("flag, alike", [
    ("--decoder=cut", ["stage1", "unet-real", "photo_masks", "stage2"]),  # of the masks, so of the pairs, too
    ("--agreement=0", ["stage1", "masks", "unet-real", "photo_masks"]),
    ("--texture=0.5", ["stage1", "masks"]),  # of the U-Net that labels the photographs which Stage-II learns from
    ("--seed=3", [])])
def test_a_step_is_shared_where_it_and_all_before_it_have_the_same_flags(flag, alike):
    first, second = made(settings("a")), settings("a-b", flag)
    assert share("unet-synthetic", second, [first, second]) == alike
    assert {path.name.partition(".")[0] for path in second.folder.glob("*") if path.name != "made.sha256"} == {*alike}
    assert share("unet-synthetic", second, [first, second]) == []


def test_without_photographs_a_flag_of_the_unet_leaves_both_stages_alike():
    steps = ["stage1", "masks", "stage2", "synthetic"]
    first, second = made(settings("a", photos=""), steps), settings("b", "--texture=0.5", photos="")
    assert share("unet-synthetic", second, [first]) == steps
    assert (second.folder / "synthetic.h5").read_text() == "a synthetic"


def test_a_copy_is_the_runs_own_and_has_no_checkpoints():
    first, second = made(settings("a")), settings("b", "--agreement=0")
    share("unet-synthetic", second, [first])
    assert (second.folder / "stage1" / "generator.h5").read_text() == "a stage1 generator.h5"
    assert (second.folder / "stage1" / "logs" / "events").exists()
    assert not (second.folder / "stage1" / "ckpt-3.index").exists()
    assert (first.folder / "stage1" / "ckpt-3.index").exists()
    OutputFolder(second.folder, "--out").write("masks.h5", b"anew")  # no foreign file
    (second.folder / "masks.png").write_bytes(b"drawn over")
    with pytest.raises(UserError):
        OutputFolder(second.folder, "--out").write("masks.png", b"anew")
    assert (first.folder / "masks.h5").read_text() == "a masks"
    for name, flag in (("b", "--agreement=0"), ("c", "--decoder=cut")):
        run = settings(name, flag)
        share("unet-synthetic", run, [first])
        steps = {"b": ("stage1/generator.h5", "masks.h5"), "c": ("photo_masks.done", "stage2/generator.h5")}[name]
        times = [(run.folder / step).stat().st_mtime_ns for step in steps]
        assert times == sorted(times)  # else make would make the second again


def test_what_a_run_has_begun_is_left_alone_and_so_is_a_run_of_other_settings():
    first, second = made(settings("a")), settings("b", "--agreement=0")
    (second.folder / "stage1").mkdir(parents=True)
    (second.folder / "stage1" / "config.json").write_text("{}")
    assert "stage1" not in share("unet-synthetic", second, [first])
    assert [path.name for path in (second.folder / "stage1").iterdir()] == ["config.json"]
    (first.folder / "settings").write_text("CONFIG=quick PAIRS=drive:pairs PHOTOS=messidor:photos FLAGS=\n")
    assert share("unet-synthetic", settings("c", "--agreement=0"), [first]) == []


def test_a_step_that_has_not_ended_is_not_copied():
    first, second = made(settings("a"), ["stage1"]), settings("b", "--agreement=0")
    (first.folder / "stage1" / "generator.h5").unlink()
    assert share("unet-synthetic", second, [first]) == []
    assert not second.folder.exists()


def test_a_step_that_cannot_be_copied_is_named_and_nothing_half_copied_is_left():
    first, second = made(settings("a", photos=""), ["stage1"]), settings("b", photos="")
    (first.folder / "stage1" / "generator.h5").write_bytes(bytes(5000))
    with small_files(), pytest.raises(UserError, match="^checkpoints/b/stage1: cannot be written .*; free space on"):
        share("stage1", second, [first, second])
    assert list(second.folder.iterdir()) == []

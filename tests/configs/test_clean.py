"""`make clean` removes what the project made of a run, and stops where a user's file lies among it."""
from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from configs.clean import clean
from data.errors import UserError
from data.files import OutputFolder
from data.unfinished import NewFolder

TRAINING = ("config.json", "lock", "ckpt-5.index", "ckpt-5.index.tempstate123", "ckpt-5.data-00000-of-00001",
            "generator.h5", "codes.npy", "samples/epoch_0003.png", "logs/train/events.out.tfevents.1.host.2.v2",
            "coarse/ckpt-2.sha256")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """checkpoints/mine and reports/mine with what every target leaves there."""
    monkeypatch.chdir(tmp_path)
    for name in ("settings", "data.checked", "photo_masks.done", "synthetic-9.parts/1-of-2.done",
                 *(f"stage2.1/{name}" for name in TRAINING)):
        path = tmp_path / "checkpoints" / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for folder, names in (("checkpoints/mine", ("masks.h5", "masks.png")), ("checkpoints/mine/photo_masks", ("ä.png",)),
                          ("reports/mine", ("results.json", "figures/arms.png", "quality.json"))):
        for name in names:
            OutputFolder(folder, "--out").write(name, b"1")
    with NewFolder(tmp_path / "reports" / "mine" / "private-9", "") as folder:
        folder.write("images/000000.png", b"")
        folder.write("SHA256SUMS", hashlib.sha256(b"").hexdigest().encode() + b"  images/000000.png\n")
    for name in (".partial-masks.h5", ".DS_Store"):  # of a killed write, and of the system
        (tmp_path / "checkpoints/mine" / name).touch()
    with NewFolder(tmp_path / "reports" / "mine" / "synthmed" / "small", "") as folder:
        folder.write("train/images/000000.png", b"")
        folder.write("SHA256SUMS", hashlib.sha256(b"").hexdigest().encode() + b"  train/images/000000.png\n")
    return tmp_path


def test_a_run_is_removed_and_nothing_beside_it(run):
    for folder in ("checkpoints/other", "reports/mine-2"):
        (run / folder).mkdir()
    clean("mine")
    assert {path.relative_to(run).as_posix() for path in run.glob("*/*")} == {"checkpoints/other", "reports/mine-2"}
    clean("mine")  # there is nothing left to do


@pytest.mark.parametrize("name", [
    "checkpoints/mine/best.h5", "checkpoints/mine/stage2.1/mine.h5", "checkpoints/mine/photo_masks/drawn by hand.png",
    "reports/mine/a/b.txt", "reports/mine/synthmed/small/x.png", "reports/mine/private-9/notes.txt",
    "checkpoints/mine/.git/HEAD", "checkpoints/mine/demo/x.png", "checkpoints/mine/quality.json"])
def test_a_file_of_a_user_stops_it(run, name):
    (run / name).parent.mkdir(exist_ok=True, parents=True)
    (run / name).touch()
    before = {*run.rglob("*")}
    with pytest.raises(UserError, match=f"move away {name}; nothing was removed"):
        clean("mine")
    assert {*run.rglob("*")} == before


@pytest.mark.parametrize("folder, stopped_by", [("reports/mine/theirs", "reports/mine/theirs/SHA256SUMS, "
                                                 "reports/mine/theirs/scan.png"), ("reports/mine/private-9", "")])
def test_a_list_of_checksums_counts_only_where_the_project_makes_one(run, folder, stopped_by):
    """Data that somebody downloaded often have a file of this name."""
    (run / folder).mkdir(exist_ok=True)
    (run / folder / "scan.png").write_bytes(b"theirs")
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode("latin-1")
             for name, content in (("images/000000.png", b""), ("scan.png", b"theirs"), ("\xe4.png", b""))]
    (run / folder / "SHA256SUMS").write_bytes(b"".join(lines))
    if stopped_by:
        with pytest.raises(UserError, match=f"move away {stopped_by}; nothing was removed"):
            clean("mine")
    else:
        clean("mine")
    assert (run / folder / "scan.png").exists() == bool(stopped_by)


@pytest.mark.parametrize("name", ["checkpoints/mine/masks.h5", "reports/mine/quality.json",
                                  "reports/mine/synthmed/small/train/images/000000.png"])
def test_a_file_that_a_user_has_changed_stops_it(run, name):
    (run / name).write_bytes(b"drawn by hand")
    with pytest.raises(UserError, match=f"move away {name}; nothing was removed"):
        clean("mine")
    assert (run / name).read_bytes() == b"drawn by hand" and (run / "reports" / "mine" / "results.json").exists()


@pytest.mark.training
@pytest.mark.parametrize("made, mode, said, left", [
    ("checkpoints/mine/masks.h5", 0, "checkpoints/mine/masks.h5: cannot be read (Permission denied)", True),
    ("reports/mine/figures", 0o555, "reports/mine/figures/arms.png: cannot be removed (Permission denied): check",
     False)])
def test_what_another_one_s_container_wrote_is_named(run, made, mode, said, left):
    script = """
import os, sys
from configs.clean import clean
from data.errors import UserError
if os.geteuid() == 0:
    for folder, _, files in os.walk("."):
        for name in ("", *files):
            os.chown(os.path.join(folder, name), 65534, 65534)
    os.setuid(65534)  # root may read and remove everything
try:
    clean("mine")
except UserError as error:
    print(error)
"""
    (run / made).chmod(mode)
    run.chmod(0o755)
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=run,
                            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    (run / made).chmod(0o755)
    assert said in answer.stdout and answer.stdout.count("\n") == 1, answer.stderr
    assert (run / "checkpoints/mine/settings").exists() == left


def test_a_link_to_another_disk_is_not_followed(run):
    (run / "checkpoints" / "mine").rename(run / "disk")
    (run / "checkpoints" / "mine").symlink_to(run / "disk")
    with pytest.raises(UserError, match="follows no links: remove checkpoints/mine yourself"):
        clean("mine")
    assert (run / "disk" / "masks.h5").exists() and (run / "reports" / "mine").exists()

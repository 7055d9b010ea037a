"""What a step removes and makes before its scripts: a kill, a link and a file in the way lose nothing."""
from __future__ import annotations

import os

import pytest

from configs.running import run_all
from configs.settings import Settings
from configs.steps import make_step
from data.errors import UserError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("first", [True, False])
def test_what_a_kill_left_of_an_outdated_training_is_removed_again(folder, monkeypatch, first):
    """Without its config.json the rest would be taken for files of the user's."""
    training = folder / "checkpoints/quick/stage2"
    names = ["ckpt-5.index", "generator.h5", "pairs.h5", "lock", "coarse/ckpt-2.sha256", "samples/epoch_0003.png"]
    for name in ["config.json", *names] if first else [*names, "config.json"]:
        (training / name).parent.mkdir(parents=True, exist_ok=True)
        (training / name).touch()
    os.utime(training / "config.json", (1, 1))
    (training.parent / "photo_masks.done").touch()
    step, unlink, removed = make_step("stage2", Settings.from_variables({})), os.unlink, []

    def killed(*arguments, **options):
        if len(removed) == 2:
            raise KeyboardInterrupt
        removed.append(unlink(*arguments, **options))

    for _ in range(3):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(os, "unlink", killed)
            step.remove_outdated()
        assert (training / "config.json").exists()
        removed.clear()
    step.remove_outdated()
    assert not training.exists()


def test_an_outdated_training_that_cannot_be_removed_is_told(folder):
    """A link to another disk, as on clusters."""
    (folder / "scratch").mkdir()
    (folder / "checkpoints/quick").mkdir(parents=True)
    (folder / "checkpoints/quick/stage2").symlink_to(folder / "scratch")
    for name, second in (("stage2/config.json", 1), ("photo_masks.done", 2)):
        (folder / "checkpoints/quick" / name).touch()
        os.utime(folder / "checkpoints/quick" / name, (second, second))
    with pytest.raises(UserError, match="quick/stage2 has to be trained again, .* cannot be removed .* yourself"):
        make_step("stage2", Settings.from_variables({})).remove_outdated()


def test_the_mark_of_a_share_that_cannot_be_written_is_told(folder):
    (folder / "checkpoints/quick").mkdir(parents=True)
    (folder / "checkpoints/quick/synthetic-9.parts").touch()
    run = Settings.from_variables({})
    with pytest.raises(UserError, match="synthetic-9.parts/1-of-3.done: cannot be written"):
        run_all(["synthetic-9-of-3.1"], lambda name: make_step(name, run), dry_run=False)

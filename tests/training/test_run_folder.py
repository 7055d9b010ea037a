"""One user at a time, and the record of how a run was made."""
from __future__ import annotations

import json
import resource
from dataclasses import dataclass

import pytest

from data.images import DataError
from training.run_folder import RunFolder, read_json, settings, write_json

FLAGS = {"seed": 0, "size": 64, "epochs": 2, "strategy": "one", "out": "x", "dry_run": False, "encoding": "binary"}
DATA = {"pairs": "drive:x", "checksum": "abc", "synthetic": {"stage1": {"seed": 1, "cut": {"level": 0.1}}}}


def refusal(*arguments):
    with pytest.raises(DataError) as error:
        RunFolder(*arguments)
    return str(error.value)


def test_the_record_says_how_the_run_was_made(tmp_path):
    out = tmp_path / "läuft bereits" / "stage1"
    folder = RunFolder(str(out), FLAGS, DATA)
    assert folder.path == out
    config = json.loads((out / "config.json").read_text())
    assert config["flags"] == FLAGS and config["data"] == DATA
    assert config["versions"]["tensorflow"].startswith("2.")
    assert set(config) == {"flags", "data", "git", "versions"}
    assert (out / "config.json").stat().st_mode & 0o044  # readable by others than the one who trained it


def test_a_second_training_in_the_folder_stops(tmp_path):
    first = RunFolder(str(tmp_path), FLAGS, DATA)
    assert "in use" in refusal(str(tmp_path), FLAGS, DATA) and first.path == tmp_path
    del first
    RunFolder(str(tmp_path), FLAGS, DATA)


@pytest.mark.parametrize("flags, data, shown", [
    ({"seed": 3}, {}, "seed: 0 -> 3"),
    ({"size": 128, "encoding": "signed_distance"}, {}, "encoding: 'binary' -> 'signed_distance'; size: 64 -> 128"),
    ({"new_flag": True}, {}, "new_flag: None -> True"),
    ({}, {"checksum": "abd"}, "checksum: 'abc' -> 'abd'"),
    ({}, {"synthetic": {"stage1": {"seed": 1, "cut": {"level": 0.2}}}}, "synthetic.stage1.cut.level: 0.1 -> 0.2")])
def test_what_changed_since_the_start_is_shown(tmp_path, flags, data, shown):
    RunFolder(str(tmp_path), FLAGS, DATA)
    before = (tmp_path / "config.json").read_bytes()
    line = refusal(str(tmp_path), {**FLAGS, **flags}, {**DATA, **data})
    assert str(tmp_path) in line and f"({shown})" in line and "--out" in line
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_longer_training_on_other_devices_is_the_same_run(tmp_path):
    RunFolder(str(tmp_path), FLAGS, DATA)
    RunFolder(str(tmp_path), {**FLAGS, "epochs": 9, "strategy": "mirrored", "dry_run": True, "out": "./x"}, DATA)


@pytest.mark.parametrize("content", [b"", b"{half", b"[1, 2]", b"\xff\xfe"])
def test_a_damaged_record_is_not_trained_over(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    assert "config.json is damaged" in refusal(str(tmp_path), FLAGS, DATA)
    assert (tmp_path / "config.json").read_bytes() == content


def test_without_git_the_revision_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    RunFolder(str(tmp_path / "run"), FLAGS, DATA)
    assert read_json(tmp_path / "run" / "config.json", "")["git"] is None


def test_without_room_the_older_file_stays(tmp_path):
    write_json(tmp_path / "a.json", {"seconds": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DataError, match="a.json"):
            write_json(tmp_path / "a.json", {"long": "x" * 5000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert read_json(tmp_path / "a.json", "") == {"seconds": 1}


@dataclass(frozen=True)
class Kind:
    size: int
    encoding: str


def test_settings_are_read_back(tmp_path):
    RunFolder(str(tmp_path), FLAGS, DATA)
    assert settings(tmp_path, Kind, "train first") == Kind(64, "binary")


def test_settings_that_are_not_there_name_the_remedy(tmp_path):
    with pytest.raises(DataError, match="config.json is missing: train first"):
        settings(tmp_path, Kind, "train first")
    write_json(tmp_path / "config.json", {"flags": {"size": 64}})
    with pytest.raises(DataError, match="no 'encoding': train first"):
        settings(tmp_path, Kind, "train first")


def test_config_has_the_epochs_of_the_resumption(tmp_path):
    first = RunFolder(str(tmp_path), {"epochs": 28, "base": 4}, {"pairs": "a"})
    del first
    RunFolder(str(tmp_path), {"epochs": 24, "base": 4}, {"pairs": "a"})
    assert json.loads((tmp_path / "config.json").read_text())["flags"] == {"epochs": 24, "base": 4}

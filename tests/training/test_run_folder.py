"""One user at a time, the record of how a run was made, and files that are not the run's."""
from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from data.errors import UserError
from data.files import read_json, write_json
from data.pairs import PairWriter
from training.config import TrainingConfig, option
from training.run_folder import RunFolder, read_config, read_record

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Example(TrainingConfig):
    size: int = option(64, "Pixels.")
    encoding: str = option("binary", "How masks are shown.")
    zoom: float = option(2.0, "An option that version 1 did not have.", before=1.0)


DATA = {"pairs": "drive:x", "checksum": "abc", "synthetic": {"stage1": {"seed": 1, "cut": {"level": 0.1}}}}
RESOLVED = {"precision": "float32", "strategy": "one", "devices": 1}


@pytest.fixture
def config(tmp_path):
    return Example(pairs="drive:x", out=str(tmp_path / "läuft bereits" / "stage1"))


def start(config, data=DATA, resolved=RESOLVED):
    """Opens the folder and leaves it again; its path."""
    return RunFolder(config, data, resolved).path


def refusal(*arguments):
    with pytest.raises(UserError) as error:
        start(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_disk_without_locks_is_told(config, monkeypatch):
    """As Lustre mounted without them, of which there is none here."""
    def flock(file, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    assert "läuft bereits/stage1: its disk has no locks of files (No locks available)" in refusal(config)
    with pytest.raises(UserError, match="s.h5: its disk has no locks"), PairWriter(Path(config.out) / "s.h5", {}):
        pass


def test_the_record_says_how_the_run_was_made(config):
    out = start(config)
    assert str(out) == config.out
    record = read_record(out, "")
    assert record["flags"] == config.to_json() and record["data"] == DATA and record["resolved"] == RESOLVED
    assert record["versions"]["tensorflow"].startswith("2.")
    assert set(record) == {"version", "flags", "resolved", "data", "git", "versions"} and record["version"] == 2
    assert (out / "config.json").stat().st_mode & 0o044  # readable by others than the one who trained it
    assert read_config(out, Example, "") == config


def test_a_second_training_in_the_folder_stops(config):
    first = RunFolder(config, DATA, RESOLVED)
    assert "in use" in refusal(config)
    del first
    start(config)


def test_after_an_error_whose_traceback_is_kept_the_folder_is_free(config):
    """As in Jupyter, which keeps the last one."""
    with pytest.raises(KeyError) as error, RunFolder(config, DATA, RESOLVED) as folder:
        assert folder == Path(config.out) and "in use" in refusal(config)
        raise KeyError
    start(config)
    assert error.tb


@pytest.mark.parametrize("flags, data, shown", [
    ({"seed": 3}, {}, "seed: 0 -> 3"),
    ({"size": 128, "encoding": "signed_distance"}, {}, "encoding: 'binary' -> 'signed_distance'; size: 64 -> 128"),
    ({}, {"checksum": "abd"}, "checksum: 'abc' -> 'abd'"),
    ({}, {"synthetic": {"stage1": {"seed": 1, "cut": {"level": 0.2}}}}, "synthetic.stage1.cut.level: 0.1 -> 0.2")])
def test_what_changed_since_the_start_is_shown(config, flags, data, shown):
    out = start(config)
    before = (out / "config.json").read_bytes()
    line = refusal(replace(config, **flags), {**DATA, **data})
    assert str(out) in line and f"({shown})" in line and "--out" in line
    assert (out / "config.json").read_bytes() == before


def test_a_longer_training_on_other_devices_is_the_same_run(config):
    out = start(config)
    longer = replace(config, epochs=9, strategy="mirrored", dry_run=True)
    start(longer, DATA, {"precision": "float32", "strategy": "mirrored", "devices": 2})
    record = read_record(out, "")
    assert record["flags"] == longer.to_json() and record["resolved"]["devices"] == 2  # it says how the run ends
    start(replace(config, epochs=5))
    assert read_config(out, Example, "").epochs == 5


@pytest.mark.parametrize("first, then, resolved", [("auto", "bfloat16", "bfloat16"),
                                                   ("bfloat16", "auto", "bfloat16")])
def test_auto_and_what_it_stands_for_are_the_same(config, first, then, resolved):
    out = start(replace(config, precision=first), DATA, {**RESOLVED, "precision": resolved})
    start(replace(config, precision=then), DATA, {**RESOLVED, "precision": resolved})
    assert read_config(out, Example, "").precision == first


def test_another_precision_is_another_training(config):
    start(config, DATA, {**RESOLVED, "precision": "bfloat16"})
    assert "(precision: 'auto' -> 'float32')" in refusal(replace(config, precision="float32"))


def version_1(config, **flags):
    """Writes the config.json of version 1."""
    out = start(config)
    old = {name: value for name, value in config.to_json().items() if name not in ("zoom", "modality")}
    write_json(out / "config.json", {"flags": {**old, **flags}, "data": DATA, "git": "abc1234",
                                     "versions": {"python": "3.9.0"}})
    return out


def test_a_record_of_version_1_is_read_and_goes_on(config):
    out = version_1(config, epochs=30)
    assert read_config(out, Example, "") == replace(config, zoom=1.0, epochs=30)
    assert "(zoom: 1.0 -> 2.0)" in refusal(config)  # its old behaviour is asked for by name
    start(replace(config, zoom=1.0, epochs=40))
    record = read_record(out, "")
    assert record["version"] == 2 and record["resolved"] == RESOLVED
    assert record["flags"] == replace(config, zoom=1.0, epochs=40).to_json()
    assert record["git"] == "abc1234" and record["versions"] == {"python": "3.9.0"}  # of the start
    assert "precision" in refusal(replace(config, zoom=1.0, precision="bfloat16"), DATA,
                                  {**RESOLVED, "precision": "bfloat16"})


def test_a_record_of_a_later_version_or_with_unknown_options_is_refused(config):
    out = version_1(config, magic=True)
    assert "config.json has the option 'magic', which this version does not know" in refusal(config)
    write_json(out / "config.json", {**read_json(out / "config.json", ""), "version": 3})
    assert "config.json is of version 3" in refusal(config)
    with pytest.raises(UserError, match="is of version 3"):
        read_config(out, Example, "")


@pytest.mark.parametrize("content", [b"", b"{half", b"[1, 2]", b"\xff\xfe", b"{}", b'{"flags": 3}',
                                     b'{"flags": {}, "data": 3}'])
def test_a_damaged_record_is_not_trained_over(config, content):
    out = start(config)
    (out / "config.json").write_bytes(content)
    assert "config.json is damaged" in refusal(config)
    assert (out / "config.json").read_bytes() == content


def test_a_record_that_is_not_there_names_the_remedy(tmp_path):
    with pytest.raises(UserError, match="config.json is missing: train first"):
        read_config(tmp_path, Example, "train first")


@pytest.mark.training
def test_a_read_only_folder_is_named(config, tmp_path):
    script = """
import os
from configs.settings import Settings
from tests.training.test_run_folder import DATA, RESOLVED, Example, RunFolder
from training.cli import run
os.chdir(os.environ["FOLDER"])
os.chmod(".", 0o555)
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
try:
    Settings.from_variables({"CONFIG": os.environ["PRESET"], "PAIRS": "phantom"}).record()
except ValueError as error:
    print(error)
run(lambda config: RunFolder(config, DATA, RESOLVED), Example)
"""
    folder = tmp_path / "läuft"
    folder.mkdir()
    tmp_path.chmod(0o755)
    preset = tmp_path / "tiny"
    shutil.copytree(ROOT / "configs" / "quick", preset)
    answer = subprocess.run([sys.executable, "-c", script, "--pairs=drive:x", "--out=stage1"], cwd=ROOT, text=True,
                            capture_output=True, env={**os.environ, "FOLDER": str(folder), "PRESET": str(preset)})
    folder.chmod(0o755)
    assert answer.returncode == 1 and list(folder.iterdir()) == []
    assert answer.stdout.startswith("checkpoints/tiny: cannot be written (Permission denied)"), answer.stderr
    assert answer.stderr.startswith("error: stage1: Permission denied; ") and answer.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["ckpt-best.pt", "ckpt-5.pt", "photograph.png", "generator.h5", "notes/a.txt"])
def test_a_folder_with_files_of_the_user_is_refused(config, name, tmp_path):
    foreign = tmp_path / "mine" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"mine")
    assert name.partition("/")[0] in refusal(replace(config, out=str(tmp_path / "mine")))
    assert [path for path in (tmp_path / "mine").rglob("*") if path.is_file()] == [foreign]
    assert foreign.read_bytes() == b"mine"


def test_a_folder_that_a_start_was_killed_in_is_used(config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").touch()
    (tmp_path / "run" / ".partial-config.json").write_bytes(b"{half")
    out = start(replace(config, out=str(tmp_path / "run")))
    assert sorted(path.name for path in out.iterdir()) == ["config.json", "lock"]


def test_a_package_that_is_not_installed_is_unknown(config, monkeypatch):
    monkeypatch.setattr("training.run_folder.PACKAGES", ("numpy", "no-such-package"))
    versions = read_record(start(config), "")["versions"]
    assert versions["numpy"] and versions["no-such-package"] is None


def test_without_git_the_revision_is_unknown(config, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert json.loads((start(config) / "config.json").read_text())["git"] is None


@pytest.mark.training
def test_the_revision_is_that_of_the_program_and_not_of_a_repository_around_it(tmp_path):
    """An environment often lies in the folder of a project, whose revision was recorded as that of this program."""
    packages = tmp_path / "project/.venv/packages"
    shutil.copytree(ROOT / "training", packages / "training", ignore=shutil.ignore_patterns("__pycache__"))

    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=b", *words], cwd=tmp_path / "project", check=True,
                       capture_output=True)

    def recorded():
        code = "from training import run_folder; print(run_folder._git_revision(), run_folder.__file__)"
        said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), str(ROOT)])}).stdout
        revision, _, place = said.partition(" ")
        assert place.strip() == str(packages / "training/run_folder.py")
        return revision

    git("init")
    git("commit", "--allow-empty", "-m", "theirs")
    assert recorded() == "None"
    git("add", "-f", ".venv/packages/training/run_folder.py")
    git("commit", "-m", "ours")
    assert len(recorded()) >= 7

"""What a killed process leaves, and what belongs to one that still runs."""
from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import UserError
from data.system import fcntl
from data.unfinished import NewFolder, unfinished_folder

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, signal, sys
from pathlib import Path
from data.unfinished import unfinished_folder
with unfinished_folder(Path(sys.argv[1])) as folder:
    (folder / "a.png").write_bytes(b"half")
    print(folder, flush=True)
    input()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_beside_the_path_and_is_gone_in_the_end(tmp_path):
    with pytest.raises(KeyError), unfinished_folder(tmp_path / "new" / "a [b]") as folder:
        assert folder.parent == tmp_path / "new" and list(folder.iterdir()) == []
        (folder / "a.png").touch()
        raise KeyError
    assert list((tmp_path / "new").iterdir()) == []


def test_a_disk_without_locks_is_told(tmp_path, monkeypatch):
    def flock(file, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(UserError, match="its disk has no locks of files"), unfinished_folder(tmp_path / "reports"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.training
def test_what_a_kill_left_is_removed_and_what_is_in_use_is_not(tmp_path):
    (tmp_path / ".a [b].notes").mkdir()  # the user's
    other = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path / "a [b]")], cwd=ROOT, text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    theirs = Path(other.stdout.readline().rstrip("\n"))
    with unfinished_folder(tmp_path / "a [b]") as folder:
        assert folder != theirs and (theirs / "a.png").exists()
    other.communicate("\n")
    assert other.returncode == -9 and (theirs / "a.png").exists()
    with unfinished_folder(tmp_path / "a [b]"):
        assert not theirs.exists()
    assert [path.name for path in tmp_path.iterdir()] == [".a [b].notes"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), NewFolder(tmp_path / "new", "") as folder:
        folder.write("a/b.txt", b"1")
        raise RuntimeError
    assert not any(tmp_path.iterdir())
    (tmp_path / ".new.0.unfinished/new").mkdir(parents=True)  # of a process that was killed
    (tmp_path / ".new.0.unfinished/new/old.txt").touch()
    with NewFolder(tmp_path / "new", "") as folder:
        folder.write("a/b.txt", b"2")
    assert files(tmp_path) == {"new/a/b.txt": b"2"} and len([*tmp_path.iterdir()]) == 1
    (tmp_path / "other").mkdir()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode, "others may read it"


def test_two_that_make_the_same_folder_are_not_mixed_and_the_first_one_stays(tmp_path):
    first, second = (NewFolder(tmp_path / "new", "take another name") for _ in range(2))
    with pytest.raises(UserError, match="new is there already and is not replaced: take another name"), second:
        second.write("a/b.txt", b"2")
        with first:
            first.write("a/b.txt", b"1")
            second.write("c.txt", b"2")
    assert files(tmp_path) == {"new/a/b.txt": b"1"} and len([*tmp_path.iterdir()]) == 1

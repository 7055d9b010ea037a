"""Files appear complete or not at all, and no file of the user is replaced or removed."""
from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.errors import UserError, errors_in_one_line
from data.files import RECORD, OutputFolder, checksum, read_json, readable, write_file, write_json

ROOT = Path(__file__).parents[2]
NAMES = ["a.png", "two words.png", "Gefäße für Ärzte.png", "figures/figure 1.png", "*[x]?.png"]


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@contextmanager
def small_files():
    """Within it no file of more than 1000 bytes can be written, as on a full disk. Not a fixture: pytest writes its own
    report before a fixture ends, perhaps to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_without_room_the_older_file_stays(tmp_path):
    write_json(tmp_path / "a.json", {"seconds": 1})
    with small_files(), pytest.raises(UserError, match="a.json: cannot be written .*; free space"):
        write_json(tmp_path / "a.json", {"long": "x" * 5000})
    assert names(tmp_path) == ["a.json"]
    assert read_json(tmp_path / "a.json", "") == {"seconds": 1}


@pytest.mark.parametrize("content", [b"", b"{half", b"[1, 2]", b"\xff\xfe", b"[" * 100_000,
                                     b'{"a": ' + b"1" * 5000 + b"}"], ids=range(6))
def test_damaged_json_names_the_file_and_the_remedy(tmp_path, content):
    with pytest.raises(UserError, match="a.json is missing: train again"):
        read_json(tmp_path / "a.json", "train again")
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match="a.json is damaged .*: train again") as error:
        read_json(tmp_path / "a.json", "train again")
    assert "\n" not in str(error.value)


def test_what_is_no_file_in_place_of_json_names_it_and_the_remedy(tmp_path):
    (tmp_path / "audit").mkdir()
    (tmp_path / "file").touch()
    for path, why in ((tmp_path / "audit", "Is a directory"), (tmp_path / "file" / "a.json", "Not a directory"),
                      (tmp_path / ("a" * 300), "File name too long")):
        with pytest.raises(UserError, match=rf"{path} cannot be read \({why}\): call make audit$"):
            read_json(path, "call make audit")


def test_a_script_ends_with_one_line_where_a_file_cannot_be_read(tmp_path):
    with pytest.raises(SystemExit, match=f"^error: {tmp_path}: Is a directory; "), errors_in_one_line("out"):
        checksum(tmp_path)
    with pytest.raises(OSError), errors_in_one_line("out"):  # of no file, so nobody would know what to mend
        raise OSError


@pytest.mark.parametrize("name", NAMES)
def test_the_projects_own_file_is_replaced_and_removed(tmp_path, name):
    folder = tmp_path / "new" / "results"
    for content in (b"first", b"second", b"first"):
        OutputFolder(folder, "--out").write(name, content)  # an object each, as in a process each
        assert (folder / name).read_bytes() == content
        assert names(folder) == sorted([name, RECORD])
    assert OutputFolder(folder, "--out").written().keys() == {name}
    OutputFolder(folder, "--out").remove(name)
    assert names(folder) == [RECORD]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_the_user_is_refused_and_named_and_survives(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    partial = tmp_path / "partial"
    partial.write_bytes(b"made")
    folder = OutputFolder(tmp_path, "--reports")
    folder.check(["other.png"])
    for attempt in (lambda: folder.check(["other.png", name]), lambda: folder.write(name, b"made"),
                    lambda: folder.move_in(partial, name), lambda: folder.remove(name)):
        with pytest.raises(UserError) as error:
            attempt()
        assert str(tmp_path / name) in str(error.value) and "--reports" in str(error.value)
        assert "\n" not in str(error.value)
    assert (tmp_path / name).read_bytes() == b"mine"
    assert not (tmp_path / RECORD).exists()


def test_the_projects_own_file_that_the_user_has_changed_is_refused(tmp_path):
    folder = OutputFolder(tmp_path, "--out")
    folder.write("a.png", b"made")
    (tmp_path / "a.png").write_bytes(b"retouched")
    for attempt in (lambda: folder.check(["a.png"]), lambda: folder.write("a.png", b"again"),
                    lambda: folder.remove("a.png")):
        with pytest.raises(UserError, match="a.png has been changed since it was made"):
            attempt()
    assert (tmp_path / "a.png").read_bytes() == b"retouched"
    (tmp_path / "a.png").unlink()
    folder.write("a.png", b"again")
    assert (tmp_path / "a.png").read_bytes() == b"again"


@pytest.mark.parametrize("target", ["photograph.png", "nowhere.png"])
def test_a_link_or_folder_of_that_name_is_the_users(tmp_path, target):
    (tmp_path / "photograph.png").write_bytes(b"mine")
    (tmp_path / "a.png").symlink_to(tmp_path / target)
    (tmp_path / "b.png").mkdir()
    folder = OutputFolder(tmp_path, "--out")
    for name in ("a.png", "b.png"):
        with pytest.raises(UserError, match=name):
            folder.write(name, b"made")
    assert (tmp_path / "a.png").is_symlink() and (tmp_path / "photograph.png").read_bytes() == b"mine"
    assert names(tmp_path / "b.png") == []


def test_a_finished_file_is_moved_in(tmp_path):
    partial, folder = tmp_path / ".a.h5.partial", OutputFolder(tmp_path / "run", "--out")
    for content in (b"first", b"second"):
        partial.write_bytes(content)
        folder.move_in(partial, "a.h5")
        assert (tmp_path / "run" / "a.h5").read_bytes() == content and not partial.exists()


def test_without_room_nothing_new_is_left(tmp_path):
    folder = OutputFolder(tmp_path, "--out")
    folder.write("a.png", b"older")
    for name in ("a.png", "b.png"):
        with small_files(), pytest.raises(UserError, match=f"{name}: cannot be written"):
            folder.write(name, bytes(5000))
    assert names(tmp_path) == ["a.png", RECORD]
    assert (tmp_path / "a.png").read_bytes() == b"older"
    folder.write("a.png", b"newer")  # it is still the project's
    (tmp_path / "b.png").write_bytes(b"mine")  # and this is not, though it was to be written
    with pytest.raises(UserError, match="b.png has been changed"):
        folder.write("b.png", b"made")


def test_without_room_for_its_line_a_file_is_not_written_and_the_list_stays_whole(tmp_path):
    folder = OutputFolder(tmp_path, "--out")
    for number in range(13):
        folder.write(f"{number}.png", b"made")
    listed = (tmp_path / RECORD).read_bytes()
    assert 900 < len(listed) < 1000 < len(listed) + 66 + len("longer name.png\n")  # small_files ends within the line
    with small_files(), pytest.raises(UserError, match="longer name.png: cannot be written"):
        folder.write("longer name.png", b"made")
    assert (tmp_path / RECORD).read_bytes() == listed and not (tmp_path / "longer name.png").exists()
    folder.write("longer name.png", b"made")
    OutputFolder(tmp_path, "--out").check(["0.png", "longer name.png"])


def test_of_many_that_write_a_file_at_a_time_each_writes_all_of_it(tmp_path):
    contents = [bytes([number]) * 20_000 for number in range(4)]

    def write(content):
        for _ in range(25):
            write_file(tmp_path / "a.png", content)
            assert (tmp_path / "a.png").read_bytes() in contents

    with ThreadPoolExecutor(4) as pool:
        assert len([*pool.map(write, contents)]) == 4
    assert names(tmp_path) == ["a.png"]


@pytest.mark.training
def test_a_killed_write_leaves_nothing_and_the_next_one_cleans_up(tmp_path):
    script = """
import os, signal, sys
from data.files import OutputFolder
folder = OutputFolder(sys.argv[1], "--out")
os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)
folder.write("a.png", bytes(5000))
"""
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT).returncode == -9
    assert not (tmp_path / "a.png").exists()
    OutputFolder(tmp_path, "--out").write("a.png", b"made")
    assert names(tmp_path) == ["a.png", RECORD]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(UserError, match="file/a.png: cannot be written"):
        OutputFolder(tmp_path / "file", "--out").write("a.png", b"made")
    with pytest.raises(UserError, match="absent/a.png: cannot be written"):
        write_file(tmp_path / "absent" / "a.png", b"made")
    assert names(tmp_path) == ["file"]


def test_a_name_that_is_too_long_for_the_disk_has_its_own_remedy(tmp_path):
    """Masks are called as their images are, and have a longer name while they are written."""
    with pytest.raises(UserError, match=r"a.png: cannot be written \(File name too long\); .* a shorter name$"):
        OutputFolder(tmp_path, "--out").write("a" * 250 + ".png", b"made")


@pytest.mark.training
@pytest.mark.skipif(not shutil.which("sha256sum"), reason="the program sha256sum is not here")
def test_the_record_is_one_that_sha256sum_checks(tmp_path):
    folder = OutputFolder(tmp_path, "--out")
    for name in NAMES:
        folder.write(name, os.fsencode(name))
    assert f"{checksum(tmp_path / NAMES[2])}  {NAMES[2]}\n" in (tmp_path / RECORD).read_text(encoding="utf-8")
    answer = subprocess.run(["sha256sum", "-c", RECORD], cwd=tmp_path, capture_output=True)
    assert answer.returncode == 0 and answer.stdout.count(b": OK\n") == len(NAMES)


def test_names_that_are_no_utf_8_become_readable():
    name = os.fsdecode(b"Auge_\xe4.png")
    assert readable(name) == "Auge_ä.png" and readable("Äuge $ {") == "Äuge $ {"
    readable(name).encode()

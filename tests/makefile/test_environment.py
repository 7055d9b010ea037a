"""The Python that the targets run with."""
from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.makefile.calls import make, stops

pytestmark = pytest.mark.training


@pytest.mark.parametrize("python", ["/bin/false", "no-such-python"])
def test_an_unsupported_python_is_named_with_the_supported_ones(project, python):
    (project / ".venv/bin").mkdir(parents=True)
    for goal in (".venv", "stage1", "test"):
        answer = make(project, goal, "CONFIG=tiny", python=python)
        stops(answer, python, "3.9", "3.10", "3.11")
        assert "move it away" not in answer.stderr  # nobody looked at .venv


@pytest.fixture
def no_python(tmp_path):
    """A PATH on which every Python is another version than TensorFlow needs."""
    programs = tmp_path / "programs"
    for name in ("python", "python3", "python3.9", "python3.10", "python3.11"):
        program(programs / name, "exit 1")
    return f"{programs}:/usr/bin:/bin"


def program(path, script):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_where_there_is_no_python_uv_brings_one(project, no_python, tmp_path):
    program(tmp_path / "programs/uv", f"echo $* >> '{tmp_path}/calls'\n"
                                      f"mkdir -p .venv/bin && ln -s '{sys.executable}' .venv/bin/python")
    assert make(project, python="", PATH=no_python).returncode == 0 and not (tmp_path / "calls").exists()  # help
    answer = make(project, "-n", "stage1", "CONFIG=tiny", python="", PATH=no_python)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "calls").read_text() == "venv --seed --python 3.11 .venv\n"
    assert ".venv/bin/python -m configs.environment install base" in answer.stdout
    assert "exec .venv/bin/python -m configs.steps stage1" in answer.stdout


def test_an_environment_of_the_user_is_not_emptied(project, no_python, tmp_path):
    """Neither by uv, where its Python is another one, nor where it has no pip."""
    program(tmp_path / "programs/uv", "rm -r .venv")
    mine = project / ".venv/lib/python3.13/site-packages/mine"
    mine.mkdir(parents=True)
    (project / ".venv/bin").mkdir()
    (project / ".venv/bin/python").symlink_to("/bin/false")
    stops(make(project, "stage1", "CONFIG=tiny", python="", PATH=no_python), ".venv is none: move it away")
    for script in ("exit 1", f"[ \"$1\" = -c ] && exit 1; exec '{sys.executable}' \"$@\""):
        (project / ".venv/bin/python").unlink()
        program(project / ".venv/bin/python", script)
        answer = make(project, ".venv", python="" if "exec" in script else sys.executable, PATH=os.environ["PATH"])
        assert answer.returncode and ".venv is not one that make made" in answer.stderr
        assert mine.is_dir()
    (project / ".venv/installed-base").touch()  # into it, while its Python worked
    os.utime(project / ".venv/installed-base", (0, 0))  # and setup.py has changed since
    assert "not one that make made" in make(project, ".venv", python=sys.executable).stderr and mine.is_dir()


def test_a_python_in_a_folder_with_a_space(project, tmp_path):
    (tmp_path / "my programs").mkdir()
    program(tmp_path / "my programs" / "python", f"exec '{sys.executable}' \"$@\"")
    answer = make(project, "-n", "stage1", "CONFIG=tiny", python=str(tmp_path / "my programs" / "python"))
    assert f"exec '{tmp_path}/my programs/python' -m configs.steps stage1" in answer.stdout, answer.stderr


def test_where_there_is_neither_python_nor_uv_what_brings_them_is_shown(project, no_python):
    if shutil.which("uv", path=no_python):
        pytest.skip("uv lies where the other programs lie")
    for goal in (".venv", "stage1", "test"):
        stops(make(project, goal, "CONFIG=tiny", python="", PATH=no_python), "there is no Python 3.9, 3.10 or 3.11",
              "curl -LsSf https://astral.sh/uv/install.sh | sh", "make PYTHON=", "docker build")
    assert not (project / ".venv").exists()


def test_an_environment_that_has_the_packages_is_used_as_it_is(project):
    assert f"exec '{sys.executable}' -m configs.steps stage1" in make(project, "-n", "stage1", "CONFIG=tiny").stdout
    with open(project / "setup.py", "a") as file:
        file.write("REQUIREMENTS.append('a-package-that-nobody-has>=1')\n")
    answer = make(project, "-n", "stage1", "CONFIG=tiny").stdout
    assert "-m configs.environment install base" in answer
    assert "exec .venv/bin/python -m configs.steps stage1" in answer


def test_a_tilde_is_the_home_folder(project, tmp_path):
    program(tmp_path / "python", f"exec '{sys.executable}' \"$@\"")
    answer = make(project, "-n", "stage1", "CONFIG=tiny", python="~/python", HOME=str(tmp_path))
    assert f"exec '{tmp_path}/python' -m configs.steps stage1" in answer.stdout, answer.stderr


def test_a_python_that_lacks_one_of_several_extras_is_not_used_as_it_is(project):
    with open(project / "setup.py", "a") as file:
        file.write("EXTRAS['none'], EXTRAS['rare'] = [], ['a-package-that-nobody-has>=1']\n")
    for extras, own in (("none", True), ("none,rare", False), ("rare,none", False)):
        said = make(project, "-n", "stage1", "CONFIG=tiny", f"EXTRAS={extras}").stdout
        assert ("exec .venv/bin/python -m configs.steps stage1" not in said) == own
        assert (f"-m configs.environment install {extras}" in said) == (not own)

"""The Python that the targets run with."""
from __future__ import annotations

import shutil
import sys

import pytest

from tests.makefile.calls import make, stops

pytestmark = pytest.mark.training


@pytest.mark.parametrize("python", ["/bin/false", "no-such-python"])
def test_an_unsupported_python_is_named_with_the_supported_ones(project, python):
    for goal in (".venv", "stage1", "test"):
        stops(make(project, goal, "CONFIG=tiny", python=python), python, "3.9", "3.10", "3.11")


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


def test_where_there_is_neither_python_nor_uv_what_brings_them_is_shown(project, no_python):
    if shutil.which("uv", path=no_python):
        pytest.skip("uv lies where the other programs lie")
    for goal in (".venv", "stage1", "test"):
        stops(make(project, goal, "CONFIG=tiny", python="", PATH=no_python), "there is no Python 3.9, 3.10 or 3.11",
              "curl -LsSf https://astral.sh/uv/install.sh | sh", "make PYTHON=", "docker build")
    assert not (project / ".venv").exists()


def test_an_environment_that_has_the_packages_is_used_as_it_is(project):
    assert f"exec {sys.executable} -m configs.steps stage1" in make(project, "-n", "stage1", "CONFIG=tiny").stdout
    with open(project / "setup.py", "a") as file:
        file.write("REQUIREMENTS.append('a-package-that-nobody-has>=1')\n")
    answer = make(project, "-n", "stage1", "CONFIG=tiny").stdout
    assert "-m configs.environment install base" in answer
    assert "exec .venv/bin/python -m configs.steps stage1" in answer

"""The files for containers, as far as they can be read without one."""
from __future__ import annotations

import json
import re
import runpy
import subprocess
from pathlib import Path

from configs.environment import NEWEST, NO_OPENCV, OLDEST

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def instructions(name):
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def test_the_image_has_what_the_project_needs():
    [image], [packages] = instructions("FROM"), [line for line in instructions("RUN") if "apt-get" in line]
    version = re.fullmatch(r"python:(\d+)\.(\d+)-slim-bookworm", image)
    assert OLDEST <= tuple(map(int, version.groups())) <= NEWEST
    assert {"make", *NO_OPENCV.rpartition("install ")[2].split()} <= set(packages.split())


def test_both_extras_are_those_of_the_project():
    known = runpy.run_path(str(ROOT / "setup.py"))["EXTRAS"]
    given = re.findall(r"EXTRAS=([\w,]+)", DOCKERFILE)
    assert sorted(given) == ["dev", "dev,gpu"] and {name for some in given for name in some.split(",")} <= set(known)


def test_what_is_copied_is_there_and_nothing_of_the_users():
    for sources in instructions("COPY"):
        assert all((ROOT / source).exists() for source in sources.split()[:-1])
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "data/raw", "checkpoints/*", "reports/*"} <= set(ignored)
    assert not {".devcontainer", ".dockerignore", "tests"} & set(ignored)  # `make test` reads them
    kept = [line[1:] for line in ignored if line.startswith("!")]
    assert kept and all((ROOT / path).exists() for path in kept)
    # What git has in these folders, `make demo` and `make test` need: the networks that come with the project, too.
    tracked = subprocess.run(["git", "ls-files", "checkpoints", "reports"], cwd=ROOT, capture_output=True,
                             text=True).stdout
    assert all(any(path == name or path.startswith(f"{name}/") for name in kept) for path in tracked.split())


def test_it_runs_the_first_command_with_its_own_python():
    assert json.loads(instructions("CMD")[0]) == ["make", "stage1", "stage2", "eval"]
    assert "PYTHON=python" in instructions("ENV")[0].split()


def test_the_development_container_is_made_of_the_same_file():
    folder = ROOT / ".devcontainer"
    build = json.loads((folder / "devcontainer.json").read_text())["build"]
    assert (folder / build["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (folder / build["context"]).resolve() == ROOT

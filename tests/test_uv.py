"""The real uv, where it is installed: it makes the environment on a PATH without a Python that TensorFlow supports."""
from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from configs.environment import NEWEST
from tests.end_to_end.miniature import copy_project, environment

UV = shutil.which("uv")


@pytest.mark.long
@pytest.mark.skipif(not UV, reason="uv is not installed")
@pytest.mark.skipif(sys.version_info[:2] != NEWEST, reason="there is no Python here for uv to find")
def test_uv_makes_an_environment_with_pip(tmp_path):
    copy_project(tmp_path / "clone")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("python", "python3", "python3.9", "python3.10", "python3.11"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    where = {"PATH": f"{programs}:{Path(UV).parent}:/usr/bin:/bin", "UV_PYTHON_SEARCH_PATH": f"{sys.base_prefix}/bin"}
    answer = subprocess.run(["make", "-n", "stage1", "CONFIG=tiny"], cwd=tmp_path / "clone", text=True,
                            capture_output=True, env={**environment(), **where})
    if "Failed to fetch" in answer.stderr:
        pytest.skip("uv cannot reach the index of packages")
    assert answer.returncode == 0, answer.stderr
    assert ".venv/bin/python -m configs.environment install base" in answer.stdout
    python = tmp_path / "clone" / ".venv" / "bin" / "python"
    said = subprocess.run([python, "-m", "pip", "--version"], text=True, capture_output=True)
    assert said.returncode == 0 and said.stdout.startswith("pip ") and "(python 3.11)" in said.stdout

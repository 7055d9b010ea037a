from __future__ import annotations

import shutil

import pytest

from tests.makefile.calls import ROOT


@pytest.fixture
def project(tmp_path):
    """A clone with one preset, in a folder whose name has a space; the Python modules are those of the real one."""
    folder = tmp_path / "my clone"
    (folder / "configs" / "tiny").mkdir(parents=True)
    for stage in ("stage1", "stage2", "unet", "single"):
        (folder / "configs" / "tiny" / f"{stage}.flags").touch()
    for name in ("Makefile", "setup.py", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder

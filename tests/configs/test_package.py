"""What a wheel of the project holds."""
from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("data", "training", "stage1_dcgan", "stage2_pix2pix", "unet_eval", "configs")


@pytest.mark.long
def test_a_wheel_has_every_module_preset_and_template(tmp_path):
    source = tmp_path / "source"
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__", "raw"))
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    answer = subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index",
                             "-w", str(tmp_path), str(source)], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    wheel, = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if ".dist-info/" not in name}
    wanted = {path.relative_to(source).as_posix() for room in ROOMS for path in (source / room).rglob("*")
              if path.is_file() and (path.suffix in (".py", ".flags") or path.parent.name in ("sweeps", "templates"))}
    assert packed == wanted

"""What a wheel of the project holds."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("data", "training", "stage1_dcgan", "stage2_pix2pix", "unet_eval", "configs")


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """What a wheel is built from."""
    source = tmp_path_factory.mktemp("source")
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__", "raw"))
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    return source


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, source)
    wheel, = folder.glob("*.whl")
    return wheel


def call(*command, **options):
    answer = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]


def test_a_wheel_has_every_module_preset_and_template(source, wheel):
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if ".dist-info/" not in name}
    wanted = {path.relative_to(source).as_posix() for room in ROOMS for path in (source / room).rglob("*")
              if path.is_file() and (path.suffix in (".py", ".flags") or path.parent.name in ("sweeps", "templates")
                                       or path.name == "Snakefile")}
    assert packed == wanted


def test_a_wheel_in_an_empty_environment_and_folder_runs_the_chain(wheel, tmp_path):
    call(sys.executable, "-m", "venv", tmp_path / "environment")
    python, empty = tmp_path / "environment" / "bin" / "python", tmp_path / "an empty folder"
    call(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    empty.mkdir()
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    program = tmp_path / "environment" / "bin" / "dual-gan"
    call(program, cwd=empty, env=variables)
    flags = "--size=64 --base=4 --d_base=4 --steps_per_epoch=2 --epochs=1 --crop=64"
    call(program, "steps", "data", "stage1", "masks", "unet-real", "photo_masks", "stage2", "synthetic",
         "unet-synthetic", "evaluate", cwd=empty, env={**variables, "RUN": "first", "FLAGS": flags})
    call(program, "generate-masks", "--model=checkpoints/first/stage1", "--count=1", "--out=one.h5", cwd=empty,
         env=variables)
    assert (empty / "one.h5").is_file()
    results = json.loads((empty / "reports" / "first" / "results.json").read_text())
    assert set(results["arms"]) == {"real", "synthetic"} and results["arms"]["synthetic"]["n_train_pairs"] == 50
    assert "<html" in (empty / "reports" / "first" / "report.html").read_text(encoding="utf-8")

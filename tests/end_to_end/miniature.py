"""The whole pipeline in miniature: a copy of the project with a preset that trains for seconds, no step left out."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("configs", "data", "training", "stage1_dcgan", "stage2_pix2pix", "unet_eval")
VARIABLES = ("CONFIG", "RUN", "PAIRS", "PHOTOS", "FLAGS", "CELLS", "FOLDS", "PYTHON", "EXTRAS", "MAKEFLAGS",
             "MAKEOVERRIDES", "MAKELEVEL")
MAKE = ("make", f"PYTHON={sys.executable}", "CONFIG=tiny")
COMMON = "--precision=float32 --strategy=one"
PRESET = {
    "stage1": f"--size=64 --base=4 --encoding=signed_distance --d_norm=none --generator_steps=1 --reach=0.125 "
              f"--penalty=0.05 --ema=0.9 --batch_size=4 --steps_per_epoch=120 --epochs=1 --pictures_every=1 {COMMON}",
    "masks": "--count=3 --mask_size=128 --match_share --bridge=0.1 --speck=5",
    "stage2": f"--size=64 --base=4 --d_base=4 --norm=instance --upsampling=resize --tell_fov --colour_code --noise=1 "
              f"--grain --add_pairs --flips --l1_weight=10 --optimizer=adam --batch_size=2 --steps_per_epoch=3 "
              f"--epochs=2 --pictures_every=2 {COMMON}",
    "unet": f"--base=4 --poolings=2 --input=green_clahe --crop=64 --batch_size=2 --augmentation=strong --loss=bce_dice "
            f"--optimizer=adam --learning_rate=1e-2 --cosine_decay --steps_per_epoch=10 --epochs=2 --validation=1 "
            f"{COMMON}",
    "single": f"--draw=photographs --size=64 --base=4 --d_norm=none --generator_steps=1 --batch_size=4 "
              f"--steps_per_epoch=3 --epochs=1 --pictures_every=1 {COMMON}",
    "evidence": "--arms=real,real+synthetic,rendered,synthetic-relabelled --seeds=1"}


def copy_project(folder):
    """Copies the project and its tiny presets into the new `folder`."""
    folder.mkdir()
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "raw"))
    for name in ("Makefile", "setup.py", "constraints.txt"):
        shutil.copy2(ROOT / name, folder)
    for preset in ("tiny", "cells"):
        shutil.rmtree(folder / "configs" / preset, ignore_errors=True)
        (folder / "configs" / preset).mkdir()
        for name, flags in PRESET.items():
            (folder / "configs" / preset / f"{name}.flags").write_text(flags.replace(" ", "\n") + "\n")


def environment():
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return {**kept, "CUDA_VISIBLE_DEVICES": "-1"}


def make(clone, *arguments):
    return subprocess.run([*MAKE, *arguments], cwd=clone, env=environment(), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors="replace")

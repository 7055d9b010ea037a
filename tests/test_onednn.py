"""oneDNN, which doubles the U-Net's speed, is on wherever TensorFlow is imported through this project."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[1]
ROOMS = ("data", "training", "stage1_dcgan", "stage2_pix2pix", "unet_eval", "configs", "tests")
SCRIPTS = ("unet_eval.train", "configs.api", "configs.demo", "tests.bench.networks")


def after_import(module, **environment):
    """Lines that tell the variables: when TensorFlow is imported, if it is, and once the module is."""
    script = f"""
import importlib.abc, os, sys
class Notice(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "tensorflow":
            print(os.environ.get("TF_ENABLE_ONEDNN_OPTS"), "at its import")
sys.meta_path.insert(0, Notice())
import {module}
print(os.environ["TF_ENABLE_ONEDNN_OPTS"], os.environ["TF_CPP_MIN_LOG_LEVEL"])
"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={**kept, **environment}, text=True,
                            capture_output=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


@pytest.mark.parametrize("module", (*ROOMS, *SCRIPTS))
def test_it_is_on_before_tensorflow_is_imported(module):
    *at_import, last = after_import(module)
    assert at_import == ["1 at its import"] * (module in SCRIPTS) and last == "1 3"


@pytest.mark.parametrize("module", ["data", "tests"])
def test_the_users_own_setting_wins(module):
    assert after_import(module, TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="1")[-1] == "0 1"

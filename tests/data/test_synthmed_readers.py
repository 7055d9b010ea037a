"""A release, opened by programs of others that do not know this project, each in an environment of its own."""
from __future__ import annotations

import json
import os
import subprocess

import pytest

pytestmark = pytest.mark.long

DATASETS = """
import json, sys
from datasets import load_dataset
for pairs in (load_dataset("imagefolder", data_dir=sys.argv[1] + "/train", split="train"),
              load_dataset(sys.argv[1], split="train")):
    print(json.dumps([[pair["id"], pair["image"].size, pair["image"].mode, pair["mask"].mode, pair["fov"].size,
                       pair["agreement"]] for pair in pairs]))
"""
CROISSANT = """
import json, sys, mlcroissant
data = mlcroissant.Dataset(sys.argv[1] + "/croissant.json")
print(json.dumps([pair["pairs/id"] for pair in data.records("pairs")]))
print(json.dumps([[role["mask/file_name"].decode(), role["mask/content"].size] for role in data.records("mask")]))
"""


def lines(python, script, folder, tmp_path):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache"), "PYTHONPATH": "",
                   "XDG_CACHE_HOME": str(tmp_path / "cache")}
    answer = subprocess.run([python, "-c", script, str(folder)], capture_output=True, text=True, env=environment,
                            cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_hugging_face_opens_it_with_three_columns_of_pictures(python_with, released, tmp_path):
    wanted = [[row, [40, 40], "RGB", "L", [40, 40], f1] for row, f1 in ((0, None), (1, 0.6), (3, 0.8), (4, 0.9))]
    assert lines(python_with("datasets>=4.5"), DATASETS, released, tmp_path) == [wanted, wanted]


def test_croissant_is_valid_and_reads_records(python_with, released, tmp_path):
    python = python_with("mlcroissant")
    said = subprocess.run([python.parent / "mlcroissant", "validate", "--jsonld", released / "croissant.json"],
                          capture_output=True, text=True)
    assert said.returncode == 0 and "error" not in said.stderr, said.stderr
    ids, masks = lines(python, CROISSANT, released, tmp_path)
    assert ids == [0, 1, 3, 4] and sorted(masks) == [[f"{row:06d}.png", [40, 40]] for row in ids]

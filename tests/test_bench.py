"""`make bench` prints one JSON line a network."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("networks, flags", [
    (["unet"], ["--network=unet"]), pytest.param(["dcgan", "pix2pix", "unet"], [], marks=pytest.mark.long)])
def test_every_network_is_timed_and_reported_with_its_options(networks, flags):
    answer = subprocess.run([sys.executable, "-m", "tests.bench", "--size=64", "--batch=2", "--base=4", "--steps=1",
                             *flags], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [row["network"] for row in rows] == networks
    for row in rows:
        assert list(row) == ["network", "size", "batch", "base", "dtype", "step_s", "images_per_s", "peak_rss_gb"]
        assert (row["size"], row["batch"], row["base"], row["dtype"]) == (64, 2, 4, "float32")
        assert row["step_s"] > 0 and row["images_per_s"] > 0 and 0.2 < row["peak_rss_gb"] < 6

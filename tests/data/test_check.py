"""What is wrong with a data set is told in one line before anything is trained on it."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.images import write_image


@pytest.fixture
def pairs(tmp_path):
    """Five pairs in the layout `folder`: four to train, the fifth to test."""
    noise = np.random.default_rng(0)
    for number in range(5):
        image = noise.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        write_image(tmp_path / "images" / f"{number}.png", image)
        write_image(tmp_path / "masks" / f"{number}.png", np.where(image[..., 0] > 200, 255, 0).astype(np.uint8))
    return tmp_path


def check(*arguments):
    return subprocess.run([sys.executable, "-m", "data.check", *arguments], cwd=Path(__file__).parents[2],
                          capture_output=True, text=True)


def test_good_data_sets_pass(pairs):
    answer = check(f"--pairs=folder:{pairs}", f"--photos=messidor:{pairs}/images")
    assert answer.returncode == 0, answer.stderr


def test_a_truncated_test_image_stops_as_a_training_image_would(pairs):
    damaged = pairs / "images" / "4.png"
    damaged.write_bytes(damaged.read_bytes()[:2000])
    answer = check(f"--pairs=folder:{pairs}")
    assert answer.returncode == 1
    assert str(damaged) in answer.stderr.splitlines()[-1] and "Traceback" not in answer.stderr


def test_photographs_are_checked_although_stage2_needs_them_last(pairs):
    answer = check(f"--pairs=folder:{pairs}", f"--photos=messidor:{pairs}/nowhere")
    assert answer.returncode == 1
    assert f"{pairs}/nowhere" in answer.stderr.splitlines()[-1] and "Traceback" not in answer.stderr

"""What is wrong with a data set is reported in one line before anything is trained on it."""
from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from absl import logging
from PIL import Image

from data.check import check
from data.errors import UserError
from data.images import write_image
from data.layouts import samples

pytestmark = pytest.mark.training


@pytest.fixture
def pairs(tmp_path):
    """Five pairs in the layout `folder`: four to train, the fifth to test."""
    noise = np.random.default_rng(0)
    for number in range(5):
        image = noise.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        write_image(tmp_path / "images" / f"{number}.png", image)
        write_image(tmp_path / "masks" / f"{number}.png", np.where(image[..., 0] > 200, 255, 0).astype(np.uint8))
    return tmp_path


def call(*arguments):
    return subprocess.run([sys.executable, "-m", "data.check", *arguments], cwd=Path(__file__).parents[2],
                          capture_output=True, text=True)


def test_good_data_sets_pass(pairs):
    shutil.copytree(pairs / "images", pairs / "photographs")
    (pairs / "photographs" / "4.png").unlink()  # the test image
    answer = call(f"--pairs=folder:{pairs}", f"--photos=messidor:{pairs}/photographs", "--modality=cells")
    assert answer.returncode == 0, answer.stderr


def test_a_copy_of_a_test_image_stops_before_anything_is_trained(pairs):
    """4.png tests. The copies are among the training images, then among the photographs."""
    shutil.copytree(pairs / "images", pairs / "photographs")
    answer = call(f"--pairs=folder:{pairs}", f"--photos=messidor:{pairs}/photographs", "--modality=cells")
    assert answer.returncode == 1 and f"photographs/4.png is a copy of {pairs}/images/4.png" in answer.stderr
    shutil.copy(pairs / "images" / "4.png", pairs / "images" / "3.png")
    answer = call(f"--pairs=folder:{pairs}", "--modality=cells")
    assert answer.returncode == 1 and f"images/3.png is a copy of {pairs}/images/4.png" in answer.stderr


def test_a_photograph_like_a_test_image_is_warned_of(pairs, eye):
    for number in range(5):
        image, mask, _ = eye(number)
        write_image(pairs / "images" / f"{number}.png", image)
        write_image(pairs / "masks" / f"{number}.png", mask)
    write_image(pairs / "photographs" / "small.jpg", cv2.resize(eye(4)[0], None, fx=0.6, fy=0.6))
    answer = call(f"--pairs=folder:{pairs}", f"--photos=messidor:{pairs}/photographs")
    assert answer.returncode == 0, answer.stderr
    assert "small.jpg like " in answer.stderr


def test_the_rule_by_which_masks_were_paired_is_printed(pairs):
    for path in [*(pairs / "masks").iterdir()]:
        path.rename(path.with_name(f"{path.stem}_drawn.png"))
    answer = call(f"--pairs=folder:{pairs}", "--modality=cells")
    assert answer.returncode == 0 and "_drawn" in answer.stderr


def test_a_truncated_test_image_stops_as_a_training_image_would(pairs):
    damaged = pairs / "images" / "4.png"
    damaged.write_bytes(damaged.read_bytes()[:2000])
    answer = call(f"--pairs=folder:{pairs}")
    assert answer.returncode == 1
    assert str(damaged) in answer.stderr.splitlines()[-1] and "Traceback" not in answer.stderr


def test_photographs_are_checked_although_stage2_needs_them_last(pairs):
    answer = call(f"--pairs=folder:{pairs}", f"--photos=messidor:{pairs}/nowhere")
    assert answer.returncode == 1
    assert f"{pairs}/nowhere" in answer.stderr.splitlines()[-1] and "Traceback" not in answer.stderr


def test_an_unknown_modality_is_refused(pairs):
    answer = call(f"--pairs=folder:{pairs}", "--modality=cell")
    assert answer.returncode == 1 and "--modality" in answer.stderr


def test_check_opens_every_file(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    for stem in "abcdefghijk":
        image = random.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        write_image(tmp_path / "images" / f"{stem}.png", image)
        write_image(tmp_path / "masks" / f"{stem}.png", np.where(image[..., 0] > 200, 255, 0).astype(np.uint8))
    listed = samples(f"folder:{tmp_path}")
    lines = []
    for level in ("info", "warning"):
        monkeypatch.setattr(logging, level, lambda text, *values: lines.append(text % values))
    check(listed)
    assert lines == ["11 images checked, pixels 64 x 48 (11), 0 warnings"]

    lines.clear()
    for stem in "bd":
        write_image(tmp_path / "masks" / f"{stem}.png", np.zeros((48, 64), np.uint8))
    blurred = cv2.resize(cv2.circle(np.zeros((402, 402), np.uint8), (200, 190), 99, 255, -1), (299, 299))
    write_image(tmp_path / "images" / "k.png", np.dstack([blurred] * 3))
    write_image(tmp_path / "masks" / "k.png", blurred)
    check(listed)
    assert lines == ["masks all background, 2 of 11: b, d", "masks cut at half, 1 of 11: k",
                     "11 images checked, pixels 64 x 48 (10), 299 x 299 (1), 3 warnings"]

    whole = (tmp_path / "images" / "g.png").read_bytes()
    (tmp_path / "images" / "g.png").write_bytes(whole[:len(whole) // 2])
    Image.fromarray(np.eye(36, 64, dtype=np.uint8) * 255).save(tmp_path / "masks" / "h.png")
    with pytest.raises(UserError, match=r"g.png.*truncated.*\(and 1 more sample"):
        check(listed)


def test_an_interruption_is_told_in_one_line(pairs):
    script = """
import os, runpy, signal, sys
from PIL import Image
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
opened = Image.open
def interrupted(*given, **options):
    Image.open = opened
    os.kill(os.getpid(), signal.SIGINT)
    return opened(*given, **options)
Image.open = interrupted
runpy.run_module("data.check", run_name="__main__", alter_sys=True)
"""
    answer = subprocess.run([sys.executable, "-c", script, f"--pairs=folder:{pairs}"], capture_output=True, text=True,
                            cwd=Path(__file__).parents[2])
    assert answer.stderr.splitlines()[-1] == "data: interrupted; call again" and answer.returncode == 1
    assert "Traceback" not in answer.stderr

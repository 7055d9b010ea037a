"""A real script, stopped by a real signal in the middle of an epoch, and called again."""
from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[2]


def script(drive, out):
    return [sys.executable, "-m", "unet_eval.train", f"--pairs={drive}", f"--out={out}", "--base=4", "--poolings=2",
            "--crop=32", "--batch_size=2", "--epochs=2", "--steps_per_epoch=250", "--validation=0", "--seed=3",
            "--augmentation=strong", "--loss=bce_dice", "--optimizer=adam", "--cosine_decay", "--precision=float32",
            "--strategy=one"]


def weights(out):
    """{name: array} of the file that a training ends with."""
    arrays = {}
    with h5py.File(out / "weights.h5") as file:
        file.visititems(lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return arrays


def test_a_script_saves_on_sigterm_and_the_same_command_goes_on(drive, tmp_path):
    whole = subprocess.Popen(script(drive, tmp_path / "whole"), cwd=ROOT, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    out = tmp_path / "stopped"
    first = subprocess.Popen(script(drive, out), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shown = b""
    while not re.search(rb"\d+/250 \[", shown):  # it trains
        piece = os.read(first.stdout.fileno(), 1000)
        assert piece, first.stderr.read().decode()
        shown += piece
    with open(out / "lock", "w") as lock, pytest.raises(BlockingIOError):  # a second training would stop
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=120)
    assert first.returncode == 75
    last = said.decode().splitlines()[-1]
    assert last.startswith("error: stopped by SIGTERM after step") and "the same command goes on" in last
    assert not (out / "weights.h5").exists()
    step = int(last.split("after step ")[1].split(";")[0])
    assert step % 250 and (out / f"ckpt-{step}.index").exists()

    again = subprocess.run(script(drive, out), cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert f"after step {step} of 500" in again.stderr
    _, said = whole.communicate(timeout=300)
    assert whole.returncode == 0, said
    one, other = weights(tmp_path / "whole"), weights(out)
    assert one.keys() == other.keys() and len(one) > 20
    assert all(np.array_equal(one[name], other[name]) for name in one)

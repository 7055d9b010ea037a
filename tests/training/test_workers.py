"""Two workers train one network as one process does, also where one of them is killed and both are started again."""
from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from training import workers
from training.agree import agreed, check_same
from unet_eval.config import UnetConfig

ROOT = Path(__file__).parents[2]
COMMON = ["--base=4", "--batch_size=4", "--epochs=10", "--steps_per_epoch=2", "--validation=1", "--precision=float32"]
# The flags of a small training, the file it ends with, and how far its weights move at most: learning rate x steps.
# Adam and Adagrad divide by the gradient and make much of rounding errors where it is nearly zero. GANs drift apart
# once rounding puts one unit on the other side of a leaky ReLU's kink; with a tenth of the rate they hardly do.
TRAININGS = {
    "unet_eval.train": (["--poolings=2", "--crop=32", "--learning_rate=1e-3"], "weights.h5", 2e-2),
    "stage1_dcgan.train": (["--size=64", "--encoding=signed_distance", "--reach=0.125", "--ema=0.9",
                            "--learning_rate=2e-5"], "generator.h5", 4e-4),
    "stage2_pix2pix.train": (["--architecture=coarse_to_fine", "--size=64", "--crop=64", "--d_base=4",
                              "--coarse_steps=15"], "generator.h5", 2e-2)}


def start(script, drive, out, strategy, cluster=(), index=0):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    if cluster:
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster}, "task": {"type": "worker",
                                                                                       "index": index}})
    command = [sys.executable, "-m", script, f"--pairs={drive}", f"--out={out}", f"--strategy={strategy}", *COMMON,
               *TRAININGS[script][0]]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True)


def start_both(script, drive, out):
    sockets = [socket.socket() for _ in range(2)]
    for opened in sockets:
        opened.bind(("localhost", 0))
    cluster = [f"localhost:{opened.getsockname()[1]}" for opened in sockets]
    for opened in sockets:
        opened.close()
    return [start(script, drive, out, "multi_worker", cluster, index) for index in range(2)]


def weights(path):
    arrays = []
    with h5py.File(path) as file:
        file.visititems(lambda _, item: arrays.append(item[()].ravel()) if isinstance(item, h5py.Dataset) else None)
    return np.concatenate(arrays)


@pytest.mark.training
@pytest.mark.long
@pytest.mark.parametrize("script", TRAININGS)
def test_two_workers_train_what_one_process_trains_though_one_was_killed(drive, tmp_path, script):
    _, ends_with, moved = TRAININGS[script]
    chief, other = start_both(script, drive, tmp_path / "together")
    deadline = time.monotonic() + 600
    while not list((tmp_path / "together").rglob("ckpt-*.index")):
        assert chief.poll() is None and other.poll() is None and time.monotonic() < deadline, chief.stderr.read()
        time.sleep(0.02)
    other.kill()
    _, said = chief.communicate(timeout=300)  # it is told after a minute
    assert chief.returncode == 75 and "another worker has ended" in said.splitlines()[-1], said[-2000:]
    assert not (tmp_path / "together" / ends_with).exists()

    both = start_both(script, drive, tmp_path / "together")
    for each in both:
        _, said = each.communicate(timeout=1200)
        assert each.returncode == 0 and re.search(r"resuming .* after step \d", said), said[-2000:]
    alone = start(script, drive, tmp_path / "alone", "one")
    _, said = alone.communicate(timeout=1200)
    assert alone.returncode == 0, said[-2000:]
    one, two = (weights(tmp_path / name / ends_with) for name in ("alone", "together"))
    assert np.abs(one - two).mean() < 0.02 * moved and np.corrcoef(one, two)[0, 1] > 0.9999

    written = {name: {re.sub(r"events\.out.*", "events", str(path.relative_to(tmp_path / name)))
                      for path in (tmp_path / name).rglob("*") if path.is_file()} for name in ("alone", "together")}
    assert written["together"] == written["alone"]  # by the chief only, and once
    events = [path for path in (tmp_path / "together" / "logs" / "train").iterdir()]
    assert len(events) == 1 + (script != "stage2_pix2pix.train")  # that one was killed in an earlier phase


@pytest.mark.parametrize("chiefs, task, own", [
    ([], ("worker", 0), False), ([], ("chief", 0), False), ([], ("worker", 1), True),
    (["c:1"], ("chief", 0), False), (["c:1"], ("worker", 0), True), (["c:1"], ("worker", 1), True)])
def test_the_chief_writes_and_the_others_do_not(monkeypatch, tmp_path, chiefs, task, own):
    cluster = {"worker": ["a:1", "b:1"], **({"chief": chiefs} if chiefs else {})}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": dict(zip(("type", "index"), task))}))
    config = UnetConfig(pairs="drive:x", out=str(tmp_path / "out"), strategy="multi_worker")
    folder = workers.folder(config)
    assert (folder != Path(config.out)) == own and workers.folder(config) == folder
    assert workers.folder(UnetConfig(pairs="drive:x", out=config.out, strategy="one")) == Path(config.out)


def test_one_process_agrees_with_itself(unet_config):
    assert agreed(unet_config(), True, False) == [True, False]
    check_same(unet_config(), 3)

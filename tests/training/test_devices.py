"""Devices: what two make of a batch is what one makes of it."""
from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from data.errors import UserError
from training import devices
from training.weights import load_weights
from unet_eval.networks import unet

ROOT = Path(__file__).parents[2]


@pytest.mark.training
@pytest.mark.long
def test_every_stage_trains_on_two_devices_as_on_one(drive):
    answer = subprocess.run([sys.executable, str(Path(__file__).with_name("two_devices.py")), drive], cwd=ROOT,
                            env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}, text=True,
                            capture_output=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    report = json.loads(answer.stdout.splitlines()[-1])
    assert report.pop("devices") == [1, 2]
    assert len(report) == 4
    for name, what in report.items():
        assert max(what["moved"]) > 1e-3 * what["size"], name
        for moved, difference in zip(what["moved"], what["difference"]):
            assert difference < 1e-5 * what["size"], (name, what)
            # A loss scaled wrongly shows where little moves; a bias before batch norm moves by rounding errors only.
            assert difference < 1e-3 * moved + 2e-6, (name, what)
        for alone, together in zip(*(losses.values() for losses in what["losses"])):
            assert together == pytest.approx(alone, rel=1e-3), (name, what["losses"])


def start_training(drive, out, *more, cluster=None, index=0):
    """A training of two steps, started."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    if cluster:
        task = {"type": "worker", "index": index}
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster}, "task": task})
    command = [sys.executable, "-m", "unet_eval.train", f"--pairs={drive}", f"--out={out}", "--base=4", "--poolings=2",
               "--crop=32", "--batch_size=4", "--epochs=1", "--steps_per_epoch=2", "--validation=0",
               "--learning_rate=1e-3", "--precision=float32", *more]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for open_socket in sockets:
        open_socket.bind(("localhost", 0))
    ports = [open_socket.getsockname()[1] for open_socket in sockets]
    for open_socket in sockets:
        open_socket.close()
    return ports


@pytest.mark.training
@pytest.mark.long
def test_two_machines_train_one_network(drive, tmp_path):
    cluster = [f"localhost:{port}" for port in free_ports(2)]
    runs = [start_training(drive, tmp_path / str(k), "--strategy=multi_worker", cluster=cluster, index=k)
            for k in range(2)]
    runs.append(start_training(drive, tmp_path / "2", "--strategy=one"))
    weights = []
    for k, run in enumerate(runs):
        _, said = run.communicate(timeout=300)
        assert run.returncode == 0, said[-2000:]
        model = unet(4, 2)
        load_weights(model, tmp_path / str(k) / "weights.h5", "")
        weights.append([weight.numpy() for weight in model.trainable_weights])
    for first, second, alone in zip(*weights):
        assert np.array_equal(first, second)
        assert np.allclose(first, alone, rtol=0, atol=2e-5)  # it moved by up to 2e-3


def test_one_device_is_one():
    strategy, name = devices.choose_strategy("one", 7)
    assert strategy.num_replicas_in_sync == 1 and name == "one"
    several = len(tf.config.list_logical_devices("GPU")) > 1
    strategy, name = devices.choose_strategy("auto", 64)
    assert (strategy.num_replicas_in_sync > 1) == several and name == ("mirrored" if several else "one")


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "{half"])
def test_several_machines_have_to_be_named(monkeypatch, content):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if content is not None:
        monkeypatch.setenv("TF_CONFIG", content)
    with pytest.raises(UserError, match="TF_CONFIG"):
        devices.choose_strategy("multi_worker", 8)


def test_a_seed_gives_the_same_first_weights():
    def weights(seed):
        devices.set_seed(seed)
        return keras.layers.Dense(4).build((None, 3)) or keras.Sequential(
            [keras.layers.Dense(4, input_shape=(3,))]).get_weights()[0].tolist()
    assert weights(1) == weights(1) != weights(2)

"""Devices: what two make of a batch is what one makes of it."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow import keras

from data.images import DataError
from training import strategy

ROOT = Path(__file__).parents[2]


def test_every_stage_trains_on_two_devices_as_on_one(drive):
    answer = subprocess.run([sys.executable, str(Path(__file__).with_name("two_devices.py")), drive], cwd=ROOT,
                            env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}, text=True,
                            capture_output=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found.pop("devices") == [1, 2]
    assert len(found) == 5
    for name, what in found.items():
        assert what["moved"] > 1e-3, name
        assert what["apart"] < 1e-5, (name, what)
        for alone, together in zip(*(losses.values() for losses in what["losses"])):
            assert together == pytest.approx(alone, rel=1e-3), (name, what["losses"])


def test_one_device_is_one():
    assert strategy.choose("one", 7).num_replicas_in_sync == 1
    several = len(tf.config.list_logical_devices("GPU")) > 1
    assert (strategy.choose("auto", 64).num_replicas_in_sync > 1) == several


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "{half"])
def test_several_machines_have_to_be_named(monkeypatch, content):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if content is not None:
        monkeypatch.setenv("TF_CONFIG", content)
    with pytest.raises(DataError, match="TF_CONFIG"):
        strategy.choose("multi_worker", 8)


WORKER = '''
import sys
from data.images import DataError
from training import strategy
devices = strategy.choose("multi_worker", 4)
try:
    strategy.choose("multi_worker", 3)
except DataError as error:
    print(devices.num_replicas_in_sync, devices.extended.worker_index if hasattr(devices.extended, "worker_index")
          else devices.cluster_resolver.task_id, error)
'''


@pytest.mark.parametrize("name, policy", [("float32", "float32"), ("mixed_bfloat16", "mixed_bfloat16")])
def test_precision_is_what_was_asked(bfloat16, name, policy):
    strategy.set_precision(name)
    assert keras.mixed_precision.global_policy().name == policy


def test_a_seed_gives_the_same_first_weights():
    def weights(seed):
        strategy.set_seed(seed)
        return keras.layers.Dense(4).build((None, 3)) or keras.Sequential(
            [keras.layers.Dense(4, input_shape=(3,))]).get_weights()[0].tolist()
    assert weights(1) == weights(1) != weights(2)

"""A part of a checkpoint is read without a change to the folder."""
from __future__ import annotations

import pytest
import tensorflow as tf
from tensorflow import keras

from data.errors import UserError
from training.checkpoints import Checkpoints, read_newest


def network():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def test_reads_one_part_of_the_newest(tmp_path):
    judge, other = network(), network()
    checkpoints = Checkpoints(tmp_path, discriminator=judge, generator=other)
    checkpoints.save(1)
    judge.layers[0].bias.assign([1, 2])
    checkpoints.save(2)
    (tmp_path / "ckpt-3.data-00000-of-00001").write_bytes(b"unfinished")
    before, read = sorted(tmp_path.iterdir()), network()
    read_newest(tmp_path, "train again", discriminator=read)
    assert read.layers[0].bias.numpy().tolist() == [1, 2]
    tf.debugging.assert_equal(read.layers[0].kernel, judge.layers[0].kernel)
    assert sorted(tmp_path.iterdir()) == before


def test_says_what_is_missing(tmp_path):
    with pytest.raises(UserError, match="no checkpoint there: train again"):
        read_newest(tmp_path, "train again", discriminator=network())
    Checkpoints(tmp_path, generator=network()).save(1)
    with pytest.raises(UserError, match="ckpt-1 cannot be read .*: train again"):
        read_newest(tmp_path, "train again", discriminator=network())

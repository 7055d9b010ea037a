"""Local means are those of two poolings, and so are their gradients."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from stage2_pix2pix.architectures.coarse_to_fine.texture import local_mean

pytestmark = pytest.mark.training


def pooled(picture, side):
    return tf.nn.avg_pool2d(tf.nn.avg_pool2d(picture, (side, 1), 1, "SAME"), (1, side), 1, "SAME")


@pytest.mark.parametrize("side", [3, 9, 41])
def test_values_and_gradients(side):
    picture, weight = tf.random.stateless_normal((2, 2, 48, 32, 3), (0, side))
    results = []
    for mean in (local_mean, pooled):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            means = mean(picture, side)
            total = tf.reduce_sum(means * weight)
        results.append((means.numpy(), tape.gradient(total, picture).numpy()))
    for own, other in zip(*results):
        assert own == pytest.approx(other, abs=1e-6) and np.ptp(own) > 0.01


def test_a_corner_by_hand():
    picture = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    means = local_mean(picture, 3).numpy()[0, ..., 0]
    assert means[0, 0] == np.mean([0, 1, 4, 5]) and means[1, 2] == np.mean([1, 2, 3, 5, 6, 7, 9, 10, 11])

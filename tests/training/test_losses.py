"""The cross-entropy of both GANs."""
from __future__ import annotations

import math

import pytest
import tensorflow as tf

from training.losses import cross_entropy, mean_over_batch, mean_per_example


def test_cross_entropy_by_hand():
    logits = tf.constant([[0.0], [2.0]])
    # -ln sigmoid(x) for the label 1, -ln(1 - sigmoid(x)) for the label 0
    real = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    fake = (math.log(2) + math.log(1 + math.exp(2))) / 2
    assert float(cross_entropy(logits, 1.0)) == pytest.approx(real, rel=1e-6)
    assert float(cross_entropy(logits, 0.0)) == pytest.approx(fake, rel=1e-6)


def test_patches_count_as_a_mean():
    logits = tf.random.stateless_normal((3, 6, 6, 1), (0, 0))
    one_by_one = [float(cross_entropy(logits[k:k + 1], 1.0)) for k in range(3)]
    assert float(cross_entropy(logits, 1.0)) == pytest.approx(sum(one_by_one) / 3, rel=1e-5)


def test_losses_are_float32_of_large_bfloat16_logits():
    loss = cross_entropy(tf.constant([[300.0], [-300.0]], tf.bfloat16), 0.0)
    assert loss.dtype == tf.float32 and float(loss) == pytest.approx(150)


def test_means():
    assert mean_per_example(tf.constant([[[1.0, 3.0]], [[5.0, 7.0]]])).numpy().tolist() == [2, 6]
    assert float(mean_over_batch(tf.constant([2.0, 6.0]))) == 4

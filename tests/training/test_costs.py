"""Counted costs of training steps, against hands and against measurements."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow import keras

from training.costs import count

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[2]
SIDE, CHANNELS, FILTERS, BATCH = 32, 3, 5, 4


@pytest.fixture
def costs():
    """Of a convolution and its transpose, batch -> Costs."""
    model = keras.Sequential([
        keras.layers.Conv2D(FILTERS, 3, padding="same", use_bias=False, input_shape=(SIDE, SIDE, CHANNELS)),
        keras.layers.Conv2DTranspose(1, 4, 2, padding="same", use_bias=False)])
    model.compile(keras.optimizers.Adam(), "mse")
    model.optimizer.build(model.trainable_variables)

    def of(batch):
        shapes = (batch, SIDE, SIDE, CHANNELS), (batch, 2 * SIDE, 2 * SIDE, 1)
        return count(model, tuple(map(tf.TensorSpec, shapes)))
    return of


def test_operations_are_those_of_forward_and_backward_convolutions(costs):
    pixels = BATCH * SIDE ** 2
    first = 2 * pixels * 9 * CHANNELS * FILTERS   # forward, and the gradient of its filter; none of its input
    second = 2 * pixels * 16 * FILTERS            # a 4 x 4 transposed convolution: 16 products an input pixel
    assert costs(BATCH).operations == 2 * first + 3 * second


def test_weights_are_those_of_the_network_and_of_adam(costs):
    weights = 9 * CHANNELS * FILTERS + 16 * FILTERS
    assert 3 * 4 * weights <= costs(1).weights <= 3 * 4 * weights + 64  # and a few numbers


def test_memory_grows_with_the_batch_by_what_the_backward_pass_needs(costs):
    """Of each example: the picture and the first convolution's output at least, their gradients at most."""
    example = costs(3).live - costs(2).live
    plane = 4 * SIDE ** 2
    assert plane * (CHANNELS + FILTERS + 4) <= example <= plane * (CHANNELS + 2 * FILTERS + 16)


def test_the_roofline_takes_the_slower_of_both(costs):
    one = costs(1)
    assert one.seconds(1.0, 1e30) == pytest.approx(one.operations)
    assert one.seconds(1e30, 1.0) == pytest.approx(sum(moved for _, moved in one.work))
    assert one.seconds(1e9, 1e9) >= max(one.operations, sum(moved for _, moved in one.work)) / 1e9


@pytest.mark.long
@pytest.mark.parametrize("network, size, base, batch", [("dcgan", 256, 32, 8), ("pix2pix", 256, 32, 8),
                                                        ("unet", 256, 32, 8), ("fine", 128, 16, 6),
                                                        ("coarse", 48, 32, 8)])
def test_memory_is_within_a_quarter_of_what_a_process_takes(network, size, base, batch):
    answer = subprocess.run([sys.executable, "-m", "tests.costs", network, *map(str, (size, base, batch))], cwd=ROOT,
                            text=True, stdout=subprocess.PIPE, check=True)
    said = json.loads(answer.stdout)
    assert said["counted_gb"] == pytest.approx(said["peak_rss_gb"], rel=0.25), said

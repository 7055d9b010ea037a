"""Shapes, ranges and number formats of the U-Net, and its losses."""
from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unet_eval.losses import LOSSES
from unet_eval.networks import unet


@pytest.mark.parametrize("poolings, space_to_depth, height, width", [
    (1, False, 16, 18), (3, False, 64, 40), (4, False, 544, 16), (1, True, 16, 20), (3, True, 64, 80)])
def test_any_multiple_of_its_halvings(poolings, space_to_depth, height, width):
    picture = tf.random.stateless_uniform((2, height, width, 1), (0, 0))
    answer = unet(4, poolings, space_to_depth)(picture, training=True)
    assert answer.shape == (2, height, width, 1) and answer.dtype == tf.float32
    assert 0 <= np.min(answer) and np.max(answer) <= 1


def test_the_authors_sizes():
    model = unet()
    filters = [layer.filters for layer in model.layers if type(layer) is keras.layers.Conv2D]
    assert filters == [32, 32, 64, 64, 128, 128, 256, 256, 512, 512, 256, 256, 128, 128, 64, 64, 32, 32, 1]
    up = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert [(layer.filters, layer.kernel_size) for layer in up] == [(size, (4, 4)) for size in (256, 128, 64, 32)]


def test_half_the_resolution_has_the_same_levels_below():
    whole, half = ([layer.filters for layer in unet(8, 2, space_to_depth).layers if type(layer) is keras.layers.Conv2D]
                   for space_to_depth in (False, True))
    assert half == [*whole[:-1], 4] and whole[-1] == 1


def test_the_output_is_float32_whatever_the_layers_multiply(bfloat16):
    assert unet(4, 2)(tf.zeros((1, 16, 16, 1))).dtype == tf.float32


@pytest.mark.training
@pytest.mark.parametrize("space_to_depth, base, epochs", [(False, 4, 40), (True, 8, 100)])
def test_it_learns_what_it_is_shown(space_to_depth, base, epochs):
    """With space_to_depth, each pixel has to come back where it was."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    picture = random.random((4, 32, 32, 1)).astype(np.float32)
    model = unet(base, 1, space_to_depth)
    model.compile(keras.optimizers.Adam(1e-2), LOSSES["bce_dice"])
    masks = (picture > 0.5).astype(np.float32)
    losses = model.fit(picture, masks, epochs=epochs, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]


def test_losses_by_hand():
    masks = tf.constant([[1.0, 0, 0, 1], [0, 0, 0, 0]])[..., None, None]
    answers = tf.constant([[0.5, 0.5, 0.25, 1 - 1e-7], [0.5, 0.5, 0.5, 0.5]])[..., None, None]
    bce = [(2 * math.log(2) - math.log(0.75) + 0) / 4, math.log(2)]
    dice = [(2 * 1.5 + 1) / (2 + 2.25 + 1), 1 / (0 + 2 + 1)]
    assert np.allclose(LOSSES["bce"](masks, answers), bce, atol=1e-5)
    assert np.allclose(LOSSES["bce_dice"](masks, answers), np.array(bce) + 1 - dice, atol=1e-5)
    assert np.allclose(LOSSES["mse"](masks, answers), [(0.25 + 0.25 + 0.0625) / 4, 0.25], atol=1e-5)


@pytest.mark.parametrize("name", list(LOSSES))
def test_losses_know_right_from_wrong(name):
    masks = tf.cast(tf.random.stateless_uniform((2, 8, 8, 1), (0, 0)) < 0.2, tf.float32)
    right, wrong, empty = (LOSSES[name](masks, answers).numpy() for answers in (masks, 1 - masks, 0 * masks))
    assert right.shape == (2,)
    assert (right < 0.01).all() and (right < empty).all() and (empty < wrong).all()

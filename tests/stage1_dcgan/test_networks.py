"""Shapes, ranges and number formats of the DCGAN's networks."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa
from tensorflow import keras

from stage1_dcgan.networks import Z_DIM, discriminator, generator


@pytest.mark.parametrize("size", [64, 96, 128, 512])
def test_any_size_from_64_to_512(size):
    z = tf.random.uniform((2, Z_DIM), -1, 1)
    drawn = generator(size, base=4)(z, training=True)
    assert drawn.shape == (2, size, size, 1) and drawn.dtype == tf.float32
    assert np.abs(drawn).max() <= 1
    logits = discriminator(size, base=4)(drawn)
    assert logits.shape == (2, 1) and logits.dtype == tf.float32


def test_three_channels_for_photographs():
    drawn = generator(64, 4, 3)(tf.zeros((2, Z_DIM)))
    assert drawn.shape == (2, 64, 64, 3)
    assert discriminator(64, 4, 3, "none")(drawn).shape == (2, 1)


def test_the_authors_sizes():
    filters = [layer.output_shape[1:] for layer in generator(512).layers
               if isinstance(layer, (keras.layers.Reshape, keras.layers.Conv2DTranspose))]
    assert filters == [(32, 32, 512), (64, 64, 256), (128, 128, 128), (256, 256, 64), (512, 512, 1)]
    filters = [layer.output_shape[1:] for layer in discriminator(512).layers
               if isinstance(layer, keras.layers.Conv2D)]
    assert filters == [(256, 256, 64), (128, 128, 128), (64, 64, 256), (32, 32, 512)]


def test_outputs_are_float32_whatever_the_layers_multiply(bfloat16):
    drawn = generator(64, 4)(tf.zeros((1, Z_DIM)))
    assert drawn.dtype == tf.float32
    assert discriminator(64, 4)(drawn).dtype == tf.float32
    assert all(weight.dtype == tf.float32 for weight in generator(64, 4).weights)


def test_normalisations_of_the_discriminator():
    def layers(norm, kind):
        return sum(isinstance(layer, kind) for layer in discriminator(64, 4, norm=norm).layers)

    batch, spectral = keras.layers.BatchNormalization, tfa.layers.SpectralNormalization
    assert [layers(norm, batch) for norm in ("batch", "spectral", "none")] == [3, 0, 0]
    assert [layers(norm, spectral) for norm in ("batch", "spectral", "none")] == [0, 5, 0]


def test_spectral_normalisation_bounds_the_weights():
    network = discriminator(64, 4, norm="spectral")
    for layer in network.layers:
        if isinstance(layer, tfa.layers.SpectralNormalization):
            layer.layer.kernel.assign(layer.layer.kernel * 1000)
    for _ in range(20):
        network(tf.ones((1, 64, 64, 1)), training=True)
    for layer in network.layers:
        if isinstance(layer, tfa.layers.SpectralNormalization):
            kernel = layer.layer.kernel.numpy().reshape(-1, layer.layer.kernel.shape[-1])
            assert np.linalg.norm(kernel, 2) == pytest.approx(1, abs=0.1)


def test_noise_makes_the_picture():
    network = generator(64, 4)
    first, second = network(tf.random.uniform((2, Z_DIM), -1, 1, seed=1), training=True)
    assert np.abs(first - second).max() > 0

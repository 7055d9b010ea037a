"""Shapes, ranges and number formats of pix2pix's networks."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa
from tensorflow import keras

from stage2_pix2pix.inputs import DROPOUT
from stage2_pix2pix.networks import Repeated, SeededDropout, discriminator, generator


def known(size, channels=2, batch=1):
    return tf.random.stateless_uniform((batch, size, size, channels), (0, 0), -1, 1)


def keys(*numbers):
    return tf.constant([[DROPOUT, number] for number in numbers], tf.int64)


@pytest.mark.parametrize("size", [64, 96, 192, 512, 1024])
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_any_size_from_64_to_1024(size, upsampling):
    rendered = generator(size, 4, upsampling=upsampling)([known(size), keys(1)], training=False)
    assert rendered.shape == (1, size, size, 3) and rendered.dtype == tf.float32
    assert np.abs(rendered).max() <= 1


@pytest.mark.parametrize("size, patches", [(64, 6), (96, 10), (256, 30), (512, 62)])
def test_patches_follow_the_size(size, patches):
    logits = discriminator(size, 4)([known(size), known(size, 3)])
    assert logits.shape == (1, patches, patches, 1) and logits.dtype == tf.float32


def test_a_patch_sees_70_pixels():
    network = discriminator(256, 4)
    picture = tf.Variable(known(256, 3))
    with tf.GradientTape() as tape:
        logit = network([known(256), picture])[0, 15, 15, 0]
    slope = np.abs(tape.gradient(logit, picture)).sum(axis=(0, 3))
    seen = [np.flatnonzero(slope.any(axis=axis)) for axis in (0, 1)]
    assert [int(np.ptp(places)) + 1 for places in seen] == [70, 70]


def test_the_authors_sizes():
    drawing, judging = generator(512), discriminator(512)
    down = [layer.output_shape[1:] for layer in drawing.layers if type(layer) is keras.layers.Conv2D]
    assert down == [(256, 256, 64), (128, 128, 128), (64, 64, 256)] + [(size, size, 512) for size in (32, 16, 8, 4, 2)]
    up = [layer.output_shape[1:] for layer in drawing.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert up == [(size, size, 512) for size in (4, 8, 16, 32)] + [(64, 64, 256), (128, 128, 128), (256, 256, 64),
                                                                  (512, 512, 3)]
    dropped = [layer for layer in drawing.layers if isinstance(layer, SeededDropout)]
    assert len(dropped) == 3 and dropped[0].rate == 0.5
    filters = [layer.filters for layer in judging.layers if isinstance(layer, keras.layers.Conv2D)]
    assert filters == [64, 128, 256, 512, 1]


@pytest.mark.parametrize("norm, kind", [("batch", keras.layers.BatchNormalization),
                                        ("instance", tfa.layers.InstanceNormalization)])
def test_normalisations(norm, kind):
    kinds = (keras.layers.BatchNormalization, tfa.layers.InstanceNormalization)
    for network in (generator(256, 4, norm=norm), discriminator(256, 4, norm=norm)):
        assert {type(layer) for layer in network.layers if isinstance(layer, kinds)} == {kind}
    for network in (generator(64, 4, norm="none"), discriminator(64, 4)):
        assert not any(isinstance(layer, kinds) for layer in network.layers)


def test_where_a_picture_is_coarse_an_instance_is_not_normalised():
    """There it would take away what the few pixels have in common, which is how light and red the whole is."""
    sizes = [layer.output_shape[1] for layer in generator(256, 4, norm="instance").layers
             if isinstance(layer, tfa.layers.InstanceNormalization)]
    assert sorted(sizes) == [32, 32, 64, 64, 128]


def test_outputs_are_float32_whatever_the_layers_multiply(bfloat16):
    for norm in ("batch", "instance"):
        rendered = generator(64, 4, norm=norm)([known(64), keys(1)], training=True)
        assert rendered.dtype == tf.float32 and np.isfinite(rendered).all()
        assert discriminator(64, 4, norm=norm)([known(64), rendered]).dtype == tf.float32


def test_every_level_is_skipped_across():
    """What is told in one pixel reaches the picture there, whatever the bottleneck does."""
    network = generator(64, 4, norm="none", dropout=0.0)
    for layer in network.layers:
        if type(layer) is keras.layers.Conv2D and layer.output_shape[1] <= 16:
            layer.kernel.assign(tf.zeros_like(layer.kernel))
    told = tf.Variable(known(64))
    with tf.GradientTape() as tape:
        pixel = tf.reduce_sum(network([told, keys(1)])[0, 20, 20])
    assert np.abs(tape.gradient(pixel, told)[0, 18:23, 18:23]).max() > 0


def test_dropout_follows_from_each_examples_key():
    layer, x = SeededDropout(0.5, 0), tf.ones((3, 8, 8, 4))
    dropped = layer(x, keys(1, 2, 1), training=True).numpy()
    assert np.array_equal(dropped[0], dropped[2]) and not np.array_equal(dropped[0], dropped[1])
    assert set(np.unique(dropped)) == {0, 2}
    assert 0.4 < (dropped == 0).mean() < 0.6
    assert np.array_equal(layer(x[:1], keys(2), training=True)[0], dropped[1])  # whichever batch it comes in
    assert not np.array_equal(SeededDropout(0.5, 1)(x, keys(1, 2, 1), training=True), dropped)
    assert np.array_equal(layer(x, keys(1, 2, 1), training=False), x)


def test_repeated_pixels_and_their_gradient_are_those_of_keras():
    picture = tf.random.stateless_normal((2, 6, 4, 3), (1, 2))
    weight = tf.random.stateless_normal((2, 12, 8, 3), (3, 4))
    results = []
    for layer in (Repeated(), keras.layers.UpSampling2D(interpolation="nearest")):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            total = tf.reduce_sum(layer(picture) * weight)
        results.append((layer(picture).numpy(), tape.gradient(total, picture).numpy()))
    for own, other in zip(*results):
        assert np.array_equal(own, other)

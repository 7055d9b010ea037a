"""From a run folder to masks on the images' own grids."""
from __future__ import annotations

import numpy as np
import pytest
from tensorflow import keras

from data.fundus import View
from data.images import DataError
from training.run_folder import write_json
from training.weights import load_weights, save_weights
from unet_eval.inputs import picture
from unet_eval.networks import unet
from unet_eval.segment import TILES, Network, Segmenter, bottleneck, features, probability

FLAGS = {"base": 4, "poolings": 3, "input": "grey", "test_flips": True, "seed": 0}


@pytest.fixture
def run(tmp_path):
    """The run folder of a U-Net that was never trained."""
    write_json(tmp_path / "config.json", {"flags": FLAGS})
    save_weights(unet(4, 3), tmp_path / "weights.h5")
    return tmp_path


def cut(view, height, width):
    """The view's upper left corner; no multiple of anything."""
    inside = np.s_[:height, :width]
    return View("cut", view.image[inside], view.mask[inside], view.fov[inside], (0, 0, height, width), (height, width))


def test_probabilities_of_a_view_of_any_size(run, views):
    view = cut(views[0], 301, 403)
    found = Segmenter(run).probability(view)
    assert found.shape == (301, 403) and found.dtype == np.float32
    assert 0 <= found.min() and found.max() <= 1
    assert not found[view.fov == 0].any() and found[view.fov > 0].min() > 0


def test_the_weights_are_those_of_the_folder(run, views):
    first, again = (Segmenter(run).probability(views[0]) for _ in range(2))
    assert np.array_equal(first, again)
    save_weights(unet(4, 3), run / "weights.h5")
    assert not np.allclose(Segmenter(run).probability(views[0]), first)


def test_padding_moves_nothing(views):
    """Away from the padded edge the answer is that to the whole picture."""
    model, network = unet(4, 1), Network(4, 1, "grey", False)
    whole = probability(model, cut(views[0], 300, 300), network)
    part = probability(model, cut(views[0], 299, 297), network)
    assert np.allclose(part[:280, :280], whole[:280, :280], atol=1e-6)


def test_flips_are_turned_back_and_averaged(views):
    model, view = unet(4, 2), cut(views[1], 256, 320)
    x = picture(view.image, "grey").astype(np.float32)[None, ..., None] / 255
    one = model(x, training=False).numpy()[0, ..., 0]
    other = model(x[:, ::-1, ::-1], training=False).numpy()[0, ::-1, ::-1, 0]
    averaged, plain = (probability(model, view, Network(4, 2, "grey", flips)) for flips in (True, False))
    inside = view.fov > 0
    assert np.allclose(plain[inside], one[inside], atol=1e-6)
    turned = View("turned", view.image[::-1, ::-1], view.mask, view.fov[::-1, ::-1], view.box, view.native_shape)
    assert np.allclose(probability(model, turned, Network(4, 2, "grey", True))[::-1, ::-1], averaged, atol=1e-5)
    assert np.abs(averaged - plain)[inside].max() > 1e-4
    assert np.abs(averaged - (one + other) / 2)[inside].max() < np.abs(one - other)[inside].max()


def test_features_are_the_bottleneck_of_the_whole_network(run, views):
    model, network = unet(4, 3), Network(4, 3, "grey", False)
    load_weights(model, run / "weights.h5", "")
    view = cut(views[0], 301, 403)
    found = Segmenter(run).features(view)
    assert found.dtype == np.float32 and found.shape[1] == 4 * 2 ** 3 and 0 < len(found) <= TILES ** 2
    encoder = bottleneck(model)
    assert encoder.output is [layer for layer in model.layers if isinstance(layer, keras.layers.LeakyReLU)][7].output
    assert np.array_equal(found, features(encoder, view, network))
    whole = View("all", view.image, view.mask, np.full_like(view.fov, 255), view.box, view.native_shape)
    x = picture(np.pad(view.image, ((0, 3), (0, 5), (0, 0)), "reflect"), "grey").astype(np.float32)[None, ..., None]
    expected = encoder(x / 255, training=False).numpy()[0]
    assert expected.shape == (38, 51, 32)
    tiles = features(encoder, whole, network, tiles=2)
    assert np.allclose(tiles[0], expected[:19, :26].mean(axis=(0, 1)), atol=1e-5)
    assert len(tiles) == 4


def test_features_are_of_the_field_of_view_only(views):
    """Of an image black but for its left 40 %, a right half is not taken, and black parts do not dilute the left."""
    model, network = unet(4, 1), Network(4, 1, "grey", False)
    fov = np.zeros((64, 64), np.uint8)
    fov[:, :24] = 255
    lit = View("lit", np.full((64, 64, 3), 90, np.uint8), fov, fov, (0, 0, 64, 64), (64, 64))
    found = features(bottleneck(model), lit, network, tiles=2)
    assert found.shape == (2, 8)
    deep = bottleneck(model)(np.full((1, 64, 64, 1), 90 / 255, np.float32), training=False).numpy()[0]
    assert np.allclose(found[0], deep[:16, :12].mean(axis=(0, 1)), atol=1e-5)
    none = View("none", lit.image, fov, np.zeros_like(fov), lit.box, lit.native_shape)
    assert features(bottleneck(model), none, network).shape == (0, 8)


@pytest.mark.parametrize("name", ["weights.h5", "config.json"])
def test_without_a_finished_training_it_stops(run, name):
    (run / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing: train it first"):
        Segmenter(run)


def test_weights_of_another_network_stop(run):
    write_json(run / "config.json", {"flags": {**FLAGS, "base": 8}})
    with pytest.raises(DataError, match="weights.h5 does not fit"):
        Segmenter(run)

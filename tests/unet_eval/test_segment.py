"""From a run folder to masks on the images' own grids."""
from __future__ import annotations

import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from data.errors import UserError
from data.files import RECORD, write_json
from data.fundus import View
from data.images import read_image, write_image
from data.layouts import samples
from data.masks import read_mask
from training.weights import load_weights, save_weights
from unet_eval.config import SegmentConfig
from unet_eval.inputs import picture
from unet_eval.networks import trust_pictures, unet, unet_of
from unet_eval.segment import TILES, Segmenter, as_graph, bottleneck, features, probability, segment

pytestmark = pytest.mark.training


@pytest.fixture
def run(tmp_path, unet_config):
    """The run folder of a U-Net that was never trained."""
    config, folder = unet_config(poolings=3), tmp_path / "unet"
    folder.mkdir()
    write_json(folder / "config.json", {"version": 2, "flags": config.to_json()})
    save_weights(unet(4, 3), folder / "weights.h5")
    return folder


def cut(view, height, width):
    """The view's upper left corner; no multiple of anything."""
    inside = np.s_[:height, :width]
    return View("cut", view.image[inside], view.mask[inside], view.fov[inside], (0, 0, height, width), (height, width))


def test_probabilities_of_a_view_of_any_size(run, views):
    view = cut(views[0], 301, 403)
    answer = Segmenter(run).probability(view)
    assert answer.shape == (301, 403) and answer.dtype == np.float32
    assert 0 <= answer.min() and answer.max() <= 1
    assert not answer[view.fov == 0].any() and answer[view.fov > 0].min() > 0


def test_a_network_of_half_the_resolution_answers_to_any_size(tmp_path, views, unet_config):
    config = unet_config(poolings=2, space_to_depth=True)
    write_json(tmp_path / "config.json", {"version": 2, "flags": config.to_json()})
    save_weights(unet_of(config), tmp_path / "weights.h5")
    view = cut(views[0], 301, 403)
    assert Segmenter(tmp_path).probability(view).shape == (301, 403)
    found = Segmenter(tmp_path).features(view)
    assert found.shape[1] == 4 * 2 ** 2 and 0 < len(found) <= TILES ** 2


def test_the_weights_are_those_of_the_folder(run, views):
    first, again = (Segmenter(run).probability(views[0]) for _ in range(2))
    assert np.array_equal(first, again)
    save_weights(unet(4, 3), run / "weights.h5")
    assert not np.allclose(Segmenter(run).probability(views[0]), first)


def test_padding_moves_nothing(views, unet_config):
    """Away from the padded edge the answer is that to the whole picture."""
    answer, config = as_graph(unet(4, 1)), unet_config(poolings=1)
    whole = probability(answer, cut(views[0], 300, 300), config)
    part = probability(answer, cut(views[0], 299, 297), config)
    assert np.allclose(part[:280, :280], whole[:280, :280], atol=1e-6)


def test_beyond_a_picture_it_is_black(views, unet_config):
    """The edge of a field of view, mirrored, was taken for a vessel."""
    view, asked = cut(views[0], 301, 403), []
    lit = View("lit", np.full_like(view.image, 200), view.mask, view.fov, view.box, view.native_shape)

    def answer(x):
        asked.append(x[0, ..., 0])
        return tf.constant(x)

    assert probability(answer, lit, unet_config(poolings=3)).shape == (301, 403)
    assert asked[0].shape == (304, 408) and (asked[0][:301, :403] > 0.5).all()
    assert not asked[0][301:].any() and not asked[0][:, 403:].any()


def test_a_picture_is_normalised_as_in_training_or_by_what_the_photographs_taught(views):
    model, x = unet(4, 3), picture(views[0].image, "grey")[None, 200:264, 200:264, None].astype(np.float32) / 255
    plain = model(x, training=False).numpy()
    trust_pictures(model, 10 ** 4)
    assert np.allclose(model(x, training=False), plain, atol=1e-5)
    trust_pictures(model, 0)
    alone = model(x, training=False).numpy()
    assert np.abs(alone - plain).max() > 1e-2
    assert np.allclose(alone, model(x, training=True), atol=1e-5)


def test_the_photographs_are_those_that_the_training_saw(run, views, unet_config):
    """A U-Net trusts a picture the more the fewer they are. Features show all of a picture, whatever it trusts."""
    write_json(run / "config.json", {"version": 2, "flags": unet_config(poolings=3, own_statistics=True).to_json()})
    with pytest.raises(UserError, match="seen.json is missing"):
        Segmenter(run)
    answers = []
    for count in (1, 3, 10 ** 4):
        write_json(run / "seen.json", {"images": [str(number) for number in range(count)]})
        answers.append((Segmenter(run).probability(views[0]), Segmenter(run).features(views[0])))
    write_json(run / "config.json", {"version": 2, "flags": unet_config(poolings=3).to_json()})
    plain, features_of_it = Segmenter(run).probability(views[0]), Segmenter(run).features(views[0])
    away = [np.abs(answer - plain).mean() for answer, _ in answers]
    assert away[0] > 1.5 * away[1] > 100 * away[2]
    assert all(np.array_equal(found, features_of_it) for _, found in answers)


def test_flips_are_turned_back_and_averaged(views, unet_config):
    model, view = unet(4, 2), cut(views[1], 256, 320)
    x = picture(view.image, "grey").astype(np.float32)[None, ..., None] / 255
    upright = model(x, training=False).numpy()[0, ..., 0]
    other = model(x[:, ::-1, ::-1], training=False).numpy()[0, ::-1, ::-1, 0]
    averaged, plain = (probability(as_graph(model), view, unet_config(test_flips=flips)) for flips in (True, False))
    inside = view.fov > 0
    assert np.allclose(plain[inside], upright[inside], atol=1e-6)
    turned = View("turned", view.image[::-1, ::-1], view.mask, view.fov[::-1, ::-1], view.box, view.native_shape)
    again = probability(as_graph(model), turned, unet_config(test_flips=True))[::-1, ::-1]
    assert np.allclose(again, averaged, atol=1e-5)
    assert np.abs(averaged - plain)[inside].max() > 1e-4
    assert np.abs(averaged - (upright + other) / 2)[inside].max() < np.abs(upright - other)[inside].max()


def test_features_are_the_bottleneck_of_the_whole_network(run, views):
    model = unet(4, 3)
    load_weights(model, run / "weights.h5", "")
    view = cut(views[0], 301, 403)
    answer = Segmenter(run).features(view)
    assert answer.dtype == np.float32 and answer.shape[1] == 4 * 2 ** 3 and 0 < len(answer) <= TILES ** 2
    encoder = bottleneck(model)
    assert encoder.output is [layer for layer in model.layers if isinstance(layer, keras.layers.LeakyReLU)][7].output
    assert np.array_equal(answer, features(as_graph(encoder), view, "grey", 3))
    whole = View("all", view.image, view.mask, np.full_like(view.fov, 255), view.box, view.native_shape)
    x = np.pad(picture(view.image, "grey"), ((0, 3), (0, 5))).astype(np.float32)[None, ..., None]
    expected = encoder(x / 255, training=False).numpy()[0]
    assert expected.shape == (38, 51, 32)
    tiles = features(as_graph(encoder), whole, "grey", 3, tiles=2)
    assert np.allclose(tiles[0], expected[:19, :26].mean(axis=(0, 1)), atol=1e-5)
    assert len(tiles) == 4


def test_features_are_of_the_field_of_view_only():
    """Of an image black but for its left 40 %, a right half is not taken, and black parts do not dilute the left."""
    model = unet(4, 1)
    fov = np.zeros((64, 64), np.uint8)
    fov[:, :24] = 255
    lit = View("lit", np.full((64, 64, 3), 90, np.uint8), fov, fov, (0, 0, 64, 64), (64, 64))
    answer = features(as_graph(bottleneck(model)), lit, "grey", 1, tiles=2)
    assert answer.shape == (2, 8)
    deep = bottleneck(model)(np.full((1, 64, 64, 1), 90 / 255, np.float32), training=False).numpy()[0]
    assert np.allclose(answer[0], deep[:16, :12].mean(axis=(0, 1)), atol=1e-5)
    strip = np.zeros_like(fov)
    strip[34:44] = 255  # of a photograph more than six times as wide as high
    wide = View("wide", lit.image, fov, strip, lit.box, lit.native_shape)
    answer = features(as_graph(bottleneck(model)), wide, "grey", 1, tiles=2)
    assert np.allclose(answer[1], deep[17:22, 16:].mean(axis=(0, 1)), atol=1e-5)
    none = View("none", lit.image, fov, np.zeros_like(fov), lit.box, lit.native_shape)
    assert features(as_graph(bottleneck(model)), none, "grey", 1).shape == (0, 8)


@pytest.mark.parametrize("name", ["weights.h5", "config.json"])
def test_without_a_finished_training_it_stops(run, name):
    (run / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing: train it first"):
        Segmenter(run)


def test_weights_of_another_network_stop(run, unet_config):
    write_json(run / "config.json", {"version": 2, "flags": unet_config(base=8, poolings=3).to_json()})
    with pytest.raises(UserError, match="weights.h5 does not fit"):
        Segmenter(run)


def test_a_network_of_version_1_segments_as_before(run, views, unet_config):
    """Its config.json has neither a version nor the options that came later, and null where nothing was given."""
    before = Segmenter(run).probability(views[0])
    flags = unet_config(poolings=3).to_json()
    flags.pop("modality")
    write_json(run / "config.json", {"flags": {**flags, "synthetic": None}, "data": {}, "git": None, "versions": {}})
    assert np.array_equal(Segmenter(run).probability(views[0]), before)


@pytest.fixture
def call(run, tmp_path, messidor):
    """call(out): segments the photographs of `messidor`; what lies in the folder then."""
    def segment_into(out, images=messidor, shard=""):
        segment(SegmentConfig(model=str(run), images=str(images), out=str(out), probability=0.3, shard=shard))
        return sorted(path.name for path in out.iterdir())
    return segment_into


def test_masks_are_of_the_photographs_own_size_and_replaced_by_the_next_call(call, tmp_path, messidor):
    for _ in range(2):
        assert call(tmp_path / "masks") == sorted([RECORD, *(f"photo {number}.png" for number in range(3))])
    for sample in samples(messidor, "all", masks=False):
        mask = read_mask(tmp_path / "masks" / f"{sample.stem}.png")
        assert mask.shape == read_image(sample.image).shape[:2]


def test_shares_of_the_images_are_all_of_them(call, tmp_path):
    assert call(tmp_path / "masks", shard="2/2") == [RECORD, "photo 1.png", "photo 2.png"]
    assert call(tmp_path / "masks", shard="1/2") == [RECORD, *(f"photo {number}.png" for number in range(3))]


def test_any_folder_of_images_is_segmented(call, tmp_path, eye):
    write_image(tmp_path / "mine" / "an eye.jpg", eye(7)[0])
    assert call(tmp_path / "masks", tmp_path / "mine") == ["an eye.png", RECORD]


def test_the_photographs_themselves_are_not_overwritten(call, tmp_path, eye):
    photographs = tmp_path / "mine"
    for number in range(2):
        write_image(photographs / f"{number}.png", eye(number)[0])
    before = {path.name: path.read_bytes() for path in photographs.iterdir()}
    with pytest.raises(UserError, match="mine/0.png is there already .* another --out"):
        call(photographs, photographs)
    assert {path.name: path.read_bytes() for path in photographs.iterdir()} == before


def test_masks_do_not_become_photographs(call, tmp_path, eye):
    """Of JPG, whose masks have other names, beside them or in a folder within."""
    photographs = tmp_path / "mine"
    write_image(photographs / "a.jpg", eye(0)[0])
    for out, said in ((photographs, "has files that were not made by this command, such as a.jpg"),
                      (photographs / "masks", "lies in the folder of the images")):
        for spec in (photographs, f"folder:{photographs}"):
            with pytest.raises(UserError, match=said):
                call(out, spec)
    assert [path.name for path in photographs.rglob("*")] == ["a.jpg"]


def test_the_phantoms_of_the_working_folder_are_segmented(call, tmp_path, messidor, monkeypatch):
    """Their name has no path, and masks in the working folder do not lie in theirs."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(messidor.partition(":")[2], "data/raw/phantom/MESSIDOR")
    assert len(call(tmp_path / "checkpoints" / "photo_masks", "phantom")) == 4


def test_masks_drawn_by_hand_are_not_overwritten(call, tmp_path, eye):
    """Neither where they were there first, nor where the segmentation of an earlier call was retouched."""
    hand = eye(0)[1]
    write_image(tmp_path / "masks" / "photo 2.png", hand)
    with pytest.raises(UserError, match="masks/photo 2.png is there already"):
        call(tmp_path / "masks")
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["photo 2.png"]  # none of the others was written
    hand_drawn = tmp_path / "others"
    write_image(hand_drawn / "another eye.png", hand)
    with pytest.raises(UserError, match="others has files .* another eye.png: choose another --out"):
        call(hand_drawn)  # nothing would be replaced, but nobody could tell later which masks were drawn by hand
    assert [path.name for path in hand_drawn.iterdir()] == ["another eye.png"]
    call(tmp_path / "retouched")
    write_image(tmp_path / "retouched" / "photo 1.png", hand)
    with pytest.raises(UserError, match="photo 1.png has been changed since it was made"):
        call(tmp_path / "retouched")
    for path in (tmp_path / "masks" / "photo 2.png", tmp_path / "retouched" / "photo 1.png"):
        assert np.array_equal(read_mask(path), hand)

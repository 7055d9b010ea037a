"""Each measure finds what was moved, and tells it from other eyes."""
from __future__ import annotations

import numpy as np
import pytest

from unet_eval.audit import controls, features, minutiae, patches, pictures, search
from unet_eval.audit.measures import MASK, MEASURES, PHOTOGRAPH, WHOLE, measures_for
from unet_eval.audit.records import PART, SIZE
from unet_eval.audit.search import Position


@pytest.fixture(scope="module")
def real(eyes):
    return eyes(range(4))


@pytest.fixture(scope="module")
def copies(real):
    return controls.altered(real, seed=3)


@pytest.mark.parametrize("name", MEASURES)
def test_slightly_changed_copies_are_nearest_to_their_originals(name, real, copies):
    alike = MEASURES[name].compare(copies, real)
    assert alike.shape == (4, 4)
    assert alike.argmax(axis=1).tolist() == [0, 1, 2, 3]
    others = alike[~np.eye(4, dtype=bool)]
    assert np.diag(alike).min() > others.max()


@pytest.mark.parametrize("name", MEASURES)
def test_equals_reach_one(name, real):
    assert np.diag(MEASURES[name].compare(real.take([0, 1]), real.take([0, 1]))) == pytest.approx(1, abs=0.02)


POSITIONS = [Position(True, 90, 1.0), Position(False, 200, 1.06), Position(False, 0, 0.94, (20, -24)),
             Position(True, 333, 1.03, (-9, 12))]


@pytest.mark.parametrize("position", POSITIONS)
def test_a_picture_is_found_where_it_was_put(real, position):
    picture = pictures.mask_pictures(real.take([1]))[0]
    put = position.apply(picture)
    found = search.find(put, picture)
    assert found.flip == position.flip
    assert abs((found.degrees - position.degrees + 180) % 360 - 180) < 3
    assert found.scale == pytest.approx(position.scale, abs=0.03)
    assert np.abs(np.subtract(found.shift, position.shift)).max() <= 6
    assert search.similarity(put[None], picture[None])[0, 0] > 0.7


@pytest.mark.parametrize("kind", [MASK, PHOTOGRAPH])
def test_a_pasted_quadrant_is_found_by_parts_and_not_by_the_whole(eyes, real, kind):
    pasted = controls.with_quadrants(eyes(range(10, 14)), real, seed=0)
    whole, parts = (MEASURES[name].compare(pasted, real) for name in (WHOLE[kind], f"{kind}_patches"))
    found = np.diag(parts) > 1.2 * parts[~np.eye(4, dtype=bool)].max()
    assert found.sum() >= (4 if kind == MASK else 3)  # light and noise can hide one photograph
    assert np.median(np.diag(parts)) > (0.75 if kind == MASK else 0.65) > 0.6 > np.median(np.diag(whole))


@pytest.mark.parametrize("position", [Position(True, 10, 1.0), Position(False, 188, 1.04, (20, -24))])
def test_a_part_is_cut_out_where_it_was_found(real, position):
    picture = pictures.mask_pictures(real.take([1]))[0]
    put = position.apply(picture)
    put[SIZE // 2:] = pictures.mask_pictures(real.take([2]))[0][SIZE // 2:]  # of another eye
    match = patches.find(put, picture)
    assert match.position.flip == position.flip and match.window[0] <= SIZE // 8 and match.alike > 0.8
    own, other = match.cut(put, picture)
    assert own.shape == other.shape == (PART, PART)
    assert np.corrcoef(own.ravel(), other.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("name", [name for name, measure in MEASURES.items() if measure.kind == PHOTOGRAPH])
def test_a_photograph_without_contrast_leaves_the_others_comparable(name, real):
    three = real.take([0, 1, 2])
    photographs = [np.zeros_like(three.photographs[0]), *three.photographs[1:]]
    with_black = three.with_pictures(list(three.masks), photographs, list(three.fovs))
    synthetic, among_real = MEASURES[name].compare(with_black, three), MEASURES[name].compare(three, with_black)
    assert np.isfinite(synthetic).all() and np.isfinite(among_real).all() and synthetic[0].max() < 0.5
    for alike in (synthetic, among_real):
        assert np.diag(alike)[1:] == pytest.approx(1, abs=0.02)


def test_parts_of_an_empty_picture_are_like_nothing(real):
    empty = np.zeros((1, SIZE, SIZE), np.float32)
    picture = pictures.mask_pictures(real.take([0]))
    assert patches.similarity(empty, picture)[0, 0] == patches.similarity(picture, empty)[0, 0] == 0
    assert search.similarity(empty, picture)[0, 0] == 0


@pytest.mark.parametrize("flip, turns", [(False, 1), (False, 3), (True, 0), (True, 2)])
def test_features_do_not_see_mirroring_and_quarter_turns(real, flip, turns):
    picture = pictures.photograph_pictures(real)
    turned = np.rot90(picture[:, :, ::-1] if flip else picture, turns, axes=(1, 2))
    own, others = features.features(turned), features.features(picture)
    alike = features.similarity(own, others)
    assert np.diag(alike) == pytest.approx(1, abs=1e-3)
    assert {features.find(*each) for each in zip(own, others)} == {Position(flip, 90 * turns, 1.0)}


def test_minutiae_by_hand():
    """Ten points, turned by 40 degrees, mirrored, and two of them replaced: 8 of 10 and 10 meet."""
    random = np.random.default_rng(0)
    tree = random.uniform(-90, 90, 10) + 1j * random.uniform(-90, 90, 10)
    moved = -(tree * np.exp(1j * np.radians(40)) * 1.05).conj() + 12 - 7j
    assert minutiae.similarity([tree], [moved])[0, 0] == 1
    moved[[2, 5]] = [200 + 200j, -300]
    assert minutiae.similarity([tree], [moved])[0, 0] == pytest.approx(0.8)
    assert minutiae.similarity([tree], [tree[:2]])[0, 0] == 0  # too few to have segments
    few = np.array([0, 30, 40j])  # whose segments vote for fewer cells than are looked at
    assert minutiae.similarity([few], [few + 3])[0, 0] == 1


@pytest.mark.parametrize("position", POSITIONS)
def test_a_tree_is_found_where_it_was_put(real, position):
    mask = real.masks[1]
    put = real.take([1]).with_pictures([position.apply(mask)], [real.photographs[1]], [real.fovs[1]])
    (tree,), (other,) = minutiae.points(put), minutiae.points(real.take([1]))
    found = minutiae.find(tree, other)
    assert found.flip == position.flip
    assert abs((found.degrees - position.degrees + 180) % 360 - 180) < 1
    assert found.scale == pytest.approx(position.scale, abs=0.01)
    assert np.abs(np.subtract(found.shift, position.shift)).max() <= 1
    assert minutiae.find(tree, other[:2]) == Position(False, 0, 1)  # too few to be found anywhere


def test_branch_points_are_for_vessels():
    assert "trees" in measures_for("fundus") and "trees" not in measures_for("cells")

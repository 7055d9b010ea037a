"""Fields of view, the working scale, and the way back to the native grid."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from data.check import check_sample
from data.errors import UserError
from data.fundus import ACROSS, field_of_view, find_field_of_view, load_view, load_views, square, to_native
from data.images import read_image, write_image
from data.layouts import Sample, samples
from data.masks import read_mask


def overlap(one, other):
    """Intersection over union of two masks."""
    return ((one > 0) & (other > 0)).sum() / ((one > 0) | (other > 0)).sum()


@pytest.fixture
def sample(tmp_path):
    def write(image, mask=None, fov=None, modality="fundus"):
        paths = {}
        for role, picture in (("image", image), ("mask", mask), ("fov", fov)):
            if picture is not None:
                paths[role] = tmp_path / f"{role}.png"
                write_image(paths[role], picture)
        return Sample("one", **paths, modality=modality)
    return write


def test_at_drives_scale_no_pixel_changes(eye, sample):
    image, mask, fov = eye(0)
    view = load_view(sample(image, mask, fov))
    top, left, bottom, right = view.box
    assert (top, left, bottom - top, right - left) == (22, 12, 541, 541)
    native = image[top:bottom, left:right]
    assert np.array_equal(view.image[view.fov > 0], native[view.fov > 0])
    assert not view.image[view.fov == 0].any()
    assert np.array_equal(view.mask, mask[top:bottom, left:right])
    assert np.array_equal(view.fov, fov[top:bottom, left:right])
    assert view.native_shape == (584, 565)


@pytest.mark.parametrize("shape, diameter", [((960, 999), 930), ((300, 400), 260)])
def test_other_cameras_are_brought_to_drives_scale(eye, sample, shape, diameter):
    view = load_view(sample(*eye(1, shape, diameter)))
    assert max(view.image.shape[:2]) == ACROSS
    assert view.image.shape[:2] == view.mask.shape == view.fov.shape
    assert set(np.unique(view.mask)) == set(np.unique(view.fov)) == {0, 255}


def test_a_field_of_view_cut_above_and_below_keeps_its_proportions(eye, sample):
    view = load_view(sample(*eye(1, (700, 999), 930)))
    assert view.image.shape == (round(700 * ACROSS / 931), ACROSS, 3)


@pytest.mark.parametrize("noise", [0.0, 6.0, 15.0])
@pytest.mark.parametrize("shape, diameter", [((584, 565), 540), ((1500, 2300), 1400), ((500, 700), 620)])
def test_a_round_field_of_view_is_found(eye, noise, shape, diameter):
    image, _, fov = eye(2, shape, diameter, noise)
    assert overlap(find_field_of_view(image), fov) > 0.98


def test_a_shadow_and_a_vessel_at_the_rim_belong_to_the_field_of_view(eye):
    image, _, fov = eye(2, (584, 565), 540)
    rows, columns = np.nonzero(fov)
    rim = rows.min() + 3, columns[rows == rows.min() + 3].mean()
    place = int(rim[1]), int(rim[0])
    cv2.circle(image, place, 25, (4, 2, 1), cv2.FILLED)
    shadow = (cv2.circle(np.zeros_like(fov), place, 25, 255, cv2.FILLED) > 0) & (fov > 0)
    assert (find_field_of_view(image)[shadow] > 0).mean() > 0.9


def test_pictures_without_a_round_field_of_view_are_whole(eye):
    random = np.random.default_rng(0)
    grey = np.clip(random.normal(130, 20, (200, 300, 1)), 0, 255).astype(np.uint8).repeat(3, axis=2)
    cell = cv2.circle(grey // 8, (150, 100), 40, (250, 250, 250), cv2.FILLED)  # a bright cell on a dark ground
    filling = eye(0)[0][150:450, 120:450]  # a fundus that fills its picture
    for image in (grey, cell, filling, np.zeros_like(grey)):
        assert find_field_of_view(image).all()


@pytest.mark.parametrize("shape, diameter", [((1100, 1300), 1040), ((300, 340), 270)])
def test_the_way_back_is_aligned_to_within_a_pixel(eye, sample, shape, diameter):
    image, _, fov = eye(3, shape, diameter)
    height, width = shape
    mark = np.zeros(shape, np.uint8)
    cv2.ellipse(mark, (width // 2 - diameter // 5, height // 2 + diameter // 7), (diameter // 6, diameter // 12), 30, 0,
                360, 255, cv2.FILLED)
    view = load_view(sample(image, mark, fov))
    back = to_native(view, view.mask.astype(np.float32) / 255)
    assert back.shape == shape and back.dtype == np.float32
    assert 0 <= back.min() and back.max() <= 1
    returned = back >= 0.5
    centres = [np.mean(np.nonzero(where), axis=1) for where in (returned, mark > 0)]
    assert np.abs(centres[0] - centres[1]).max() < 0.5
    assert overlap(returned, mark) > 0.96


def test_outside_the_view_the_way_back_is_empty(eye, sample):
    view = load_view(sample(*eye(4, (700, 900), 600)))
    back = to_native(view, np.ones(view.fov.shape, np.float32))
    top, left, bottom, right = view.box
    assert np.array_equal(np.argwhere(back > 0.99)[[0, -1]], [(top, left), (bottom - 1, right - 1)])
    assert (back > 0).sum() == (bottom - top) * (right - left)


def test_without_a_mask_there_is_none(eye, sample):
    assert load_view(sample(eye(5)[0])).mask is None


def test_a_field_of_view_is_searched_for_in_fundus_photographs_only(eye, sample):
    image, mask, fov = eye(7)
    assert overlap(field_of_view(sample(image), image), fov) > 0.98
    for modality in ("cells", "other"):
        assert (field_of_view(sample(image, modality=modality), image) == 255).all()
        assert np.array_equal(field_of_view(sample(image, fov=fov, modality=modality), image), fov)
        view = load_view(sample(image, mask, modality=modality))
        assert view.box == (0, 0, 584, 565) == (0, 0, *view.native_shape) and view.fov.all()


def test_views_of_a_folder_are_of_its_modality(eye, tmp_path):
    image, mask, _ = eye(8)
    write_image(tmp_path / "images" / "a.png", image)
    write_image(tmp_path / "masks" / "a.png", mask)
    boxes = [load_views(f"folder:{tmp_path}", "train", modality=modality)[0].box for modality in ("fundus", "")]
    assert boxes[0][:2] > (0, 0) and boxes[1] == (0, 0, 584, 565)


def test_square_is_centred_and_keeps_two_levels(eye):
    mask = eye(6)[1][:, 100:400]
    small = square(mask, 256)
    assert small.shape == (256, 256) and set(np.unique(small)) == {0, 255}
    bar = np.full((100, 40), 255, np.uint8)
    columns = np.flatnonzero(square(bar, 50).any(axis=0))
    assert columns.tolist() == list(range(15, 35))
    assert square(bar, 50).any(axis=1).all()
    assert square(eye(6)[0], 64).shape == (64, 64, 3)


def test_fields_of_view_found_in_hrf_agree_with_its_own(hrf):
    eyes = {sample.stem: sample for sample in samples(f"hrf:{hrf}", "all")}
    for stem in ("01_h", "07_dr", "12_g"):
        assert overlap(find_field_of_view(read_image(eyes[stem].image)), read_mask(eyes[stem].fov)) > 0.98, stem


def test_views_of_chase_are_540_across(chase):
    for sample in samples(f"chase_db1:{chase}", "test")[:3]:
        view = load_view(sample)
        assert max(view.image.shape[:2]) == ACROSS
        assert 0.75 < (view.fov > 0).mean() < 0.9  # a disc in its square: pi / 4, or cut above and below
        assert 0.04 < (view.mask > 0).mean() < 0.12


@pytest.mark.parametrize("drawn", [True, False])
def test_a_mask_that_leaves_the_field_of_view_is_named(eye, sample, drawn):
    image, mask, fov = eye(0)
    assert check_sample(sample(image, mask, fov if drawn else None)).remarks == ()
    moved = np.roll(mask, 80, axis=1)
    remark = "masks partly out of the field of view"
    assert check_sample(sample(image, moved, fov if drawn else None)).remarks == (remark,)
    assert check_sample(sample(image, moved, modality="other")).remarks == ()


@pytest.mark.parametrize("permille", [8, 12])
def test_one_percent_of_a_mask_may_lie_out_of_the_field_of_view(eye, sample, permille):
    image, mask, fov = eye(0)
    mask = np.where(fov > 0, mask, 0).astype(np.uint8)
    outside = round((mask > 0).sum() * permille / (1000 - permille))
    mask.ravel()[np.flatnonzero(fov == 0)[:outside]] = 255
    assert bool(check_sample(sample(image, mask, fov)).remarks) == (permille > 10)


def test_an_inverted_field_of_view_is_found(eye, sample):
    image, mask, fov = eye(0)
    with pytest.raises(UserError, match="fov.png: the field of view looks inverted.*paint white"):
        check_sample(sample(image, mask, 255 - fov))

"""Masks as pictures, and pictures as masks again."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from stage1_dcgan.config import Stage1Config
from stage1_dcgan.encoding import Cut, decode, encode, level_for_share
from stage1_dcgan.inputs import pictures


def config(**values):
    return Stage1Config(**{"pairs": "drive:x", "out": "x", "size": 128, "encoding": "signed_distance", **values})


def bar():
    """A bar of 4 rows, 6 to 9, across 16 x 16 pixels."""
    mask = np.zeros((16, 16), np.uint8)
    mask[6:10] = 255
    return mask


def test_the_signed_distance_of_a_bar_by_hand():
    encoded = encode(bar(), 16, "signed_distance", clip=4.0)
    assert encoded.shape == (16, 16) and encoded.dtype == np.float32
    # distances of pixel centres to the outline at 5.5 | 6 ... 9 | 9.5, cut at 4 and divided by it
    rows = [-4, -4, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 1.5, 0.5, -0.5, -1.5, -2.5, -3.5, -4, -4]
    assert np.allclose(encoded, np.array(rows)[:, None] / 4)


def test_binary_is_minus_one_and_one():
    encoded = encode(bar(), 16, "binary", clip=4.0)
    assert np.array_equal(encoded, np.where(bar() > 0, 1.0, -1.0))


@pytest.mark.parametrize("encoding", ["binary", "signed_distance"])
@pytest.mark.parametrize("mask", [np.zeros((40, 40), np.uint8), np.full((40, 40), 255, np.uint8)])
def test_masks_of_one_level(encoding, mask):
    assert np.array_equal(encode(mask, 16, encoding, 8.0), np.full((16, 16), 1.0 if mask.any() else -1.0))


def test_oblong_masks_are_centred_on_background():
    mask = np.full((20, 40), 255, np.uint8)
    for encoding in ("binary", "signed_distance"):
        encoded = encode(mask, 40, encoding, 8.0)
        assert np.array_equal(encoded > 0, np.pad(mask, ((10, 10), (0, 0))) > 0)


@pytest.mark.parametrize("size, least", [(128, 0.8), (256, 0.93)])
def test_a_vessel_tree_comes_back_from_its_distances(eye, size, least):
    mask = eye(3)[1][22:562, 12:552]
    back = decode(encode(mask, size, "signed_distance", 8.0), 540)
    assert set(np.unique(back)) == {0, 255}
    assert ((back > 0) & (mask > 0)).sum() / ((back > 0) | (mask > 0)).sum() > least


def test_pictures_are_masks_within_their_fields_of_view(views):
    shown = pictures(views, config())
    assert shown.shape == (3, 128, 128, 1) and shown.dtype == np.float32
    assert shown.min() == -1 and 0.2 < shown.max() <= 1
    for picture, view in zip(shown, views):
        assert (picture > 0).mean() == pytest.approx((view.mask > 0).mean(), rel=0.3)


def test_photographs_are_shown_as_they_are(views):
    """Neither the encoding nor its clip changes them; colours keep their order; outside the field of view is black."""
    shown = pictures(views, config(draw="photographs"))
    assert shown.shape == (3, 128, 128, 3) and shown.dtype == np.float32
    assert config(draw="photographs").channels == 3 and config().channels == 1
    assert np.array_equal(shown, pictures(views, config(draw="photographs", encoding="binary", clip=2.0)))
    for picture, view in zip(shown, views):
        middle = 127.5 * (picture[32:96, 32:96] + 1)
        assert (picture[:8, :8] == -1).all()
        assert np.allclose(middle.mean(axis=(0, 1)), view.image[135:405, 135:405].mean(axis=(0, 1)), atol=2)


def dashed():
    """A row of dashes at 0.5 on a faint ridge at -0.1, a faint ridge alone, and a dot."""
    picture = np.full((64, 64), -1.0, np.float32)
    picture[20:23, 4:60] = -0.1
    picture[20:23, 4:24] = picture[20:23, 40:60] = 0.5
    picture[40:43, 4:60] = -0.1
    picture[55:57, 30:32] = 0.5
    return picture


def components(mask):
    return cv2.connectedComponents(mask, connectivity=8)[0] - 1


def test_a_bridge_joins_dashes_and_wakes_no_ridge_of_its_own():
    plain, bridged = decode(dashed(), 64), decode(dashed(), 64, Cut(bridge=0.2))
    assert components(plain) == 3 and components(bridged) == 2
    assert (bridged[19:24, 24:40] > 0).any(axis=0).all()      # the gap is closed
    assert not bridged[38:45].any()                           # no foreground touches this ridge
    assert ((plain > 0) <= (bridged > 0)).all()
    assert not decode(dashed(), 64, Cut(bridge=0.05))[19:24, 30].any()  # the ridge is fainter than that


def test_specks_are_dropped():
    assert components(decode(dashed(), 64, Cut(speck=10))) == 2
    assert decode(dashed(), 64, Cut(speck=4))[56, 31]
    assert not decode(dashed(), 64, Cut(speck=100)).any()


def test_a_higher_level_cuts_thinner():
    picture = encode(bar(), 16, "signed_distance", 4.0)
    counts = [(decode(picture, 16, Cut(level=level)) > 0).sum() / 16 for level in (-0.5, 0.0, 0.3)]
    assert counts == [8, 4, 2]


@pytest.mark.parametrize("share", [0.05, 0.12])
def test_the_level_gives_the_share_that_was_asked(eye, share):
    drawn = [encode(eye(seed)[1][22:562, 12:552], 64, "signed_distance", 8.0) for seed in (1, 2)]
    level = level_for_share(drawn, 128, Cut(), share)
    reached = np.mean([decode(picture, 128, Cut(level=level)) > 0 for picture in drawn])
    assert reached == pytest.approx(share, rel=0.1)

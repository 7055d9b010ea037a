"""Crops for the U-Net: pictures and masks of the same place."""
from __future__ import annotations

from dataclasses import replace

import cv2
import h5py
import numpy as np
import pytest

from data.errors import UserError
from data.fundus import ACROSS
from data.pairs import PairReader, PairWriter
from training.fit import Schedule
from unet_eval.config import UnetConfig
from unet_eval.inputs import Mixture, RealPairs, SyntheticPairs, dataset, in_turn, margin, pair_views, picture


@pytest.fixture
def blobs():
    """Pairs whose picture is their mask: smooth blobs of two levels, two sizes."""
    random = np.random.default_rng(0)
    pairs = []
    for shape in ((200, 180), (90, 300)):
        smooth = cv2.GaussianBlur(random.normal(size=shape), (0, 0), 8)
        mask = np.where(smooth > 0, 255, 0).astype(np.uint8)
        pairs.append((mask, mask))
    return pairs


def crops(size, augmentation="none", rotate=0.0, elastic=0.0, **options):
    return UnetConfig(pairs="drive:x", out="x", crop=size, poolings=1, augmentation=augmentation, rotate=rotate,
                      elastic=elastic, **options)


def batches(pairs, config, steps=6, batch_size=4, seed=0):
    return list(dataset(pairs, config, Schedule(1, steps, batch_size, seed)).as_numpy_iterator())


@pytest.mark.parametrize("augmentation", ["none", "light", "strong"])
@pytest.mark.parametrize("size", [32, 128])  # 128 is more than one of the pairs is high
def test_shapes_and_ranges(blobs, augmentation, size):
    for pictures, masks in batches(blobs, crops(size, augmentation), steps=2):
        assert pictures.shape == masks.shape == (4, size, size, 1)
        assert pictures.dtype == masks.dtype == np.float32
        assert 0 <= pictures.min() and pictures.max() <= 1
        assert set(np.unique(masks)) == {0, 1}


@pytest.mark.parametrize("rotate, elastic", [(0.0, 0.0), (45.0, 0.0), (0.0, 6.0), (180.0, 6.0)])
def test_a_mask_goes_where_its_picture_goes(blobs, rotate, elastic):
    for pictures, masks in batches(blobs, crops(64, "light", rotate, elastic)):
        assert np.array_equal(np.round(pictures), masks)


def test_turning_and_bending_bring_in_picture_not_padding():
    white = np.full((300, 300), 255, np.uint8)
    config = crops(64, "light", 45.0, 4.0)
    assert margin(config) == 13 + 4 and margin(crops(64)) == 0
    shares = [masks.mean() for pictures, masks in batches([(white, white)], config, steps=20)]
    assert np.mean(shares) > 0.97  # black comes in only where a crop reaches beyond the picture


def test_crops_are_of_every_place():
    rows, columns = np.indices((250, 250)).astype(np.uint8)
    for ramp in (rows, columns):
        corners = np.concatenate([pictures[:, 0, 0, 0] for pictures, _ in
                                  batches([(ramp, ramp)], crops(50), steps=60)]) * 255
        assert corners.min() < 10 and corners.max() > 190 and corners.max() <= 200
        assert np.histogram(corners, 4, (0, 200))[0].min() > 30


def test_a_picture_smaller_than_a_crop_lies_whole_in_it_with_black_around():
    ramp = np.arange(31 * 31).reshape(31, 31) % 255 + 1
    for pictures, masks in batches([(np.uint8(ramp), np.full(ramp.shape, 255, np.uint8))], crops(64)):
        for crop, mask in zip(np.round(255 * pictures[..., 0]), masks[..., 0]):
            rows, columns = np.nonzero(mask)
            assert np.array_equal(crop[rows.min():rows.max() + 1, columns.min():columns.max() + 1], ramp)
            assert crop.sum() == ramp.sum() and mask.sum() == ramp.size


def test_every_batch_is_changed_in_its_own_way(blobs):
    corner = [tuple(part[:32, :32] for part in blobs[0])]  # all crops are this one
    flipped = {pictures.tobytes() for pictures, _ in batches(corner, crops(32, "light"), steps=80, batch_size=1)}
    assert len(flipped) == 8
    lit = {pictures.tobytes() for pictures, _ in batches(corner, crops(32, "strong"), steps=5, batch_size=1)}
    assert len(lit) == 5


def test_without_augmentation_pictures_stay_upright():
    columns = np.indices((100, 100))[1].astype(np.uint8)
    for pictures, _ in batches([(columns, columns)], crops(40)):
        assert (np.diff(pictures, axis=2) > 0).all() and (np.diff(pictures, axis=1) == 0).all()


@pytest.mark.parametrize("rotate, elastic", [(45.0, 0.0), (0.0, 6.0)])
def test_crops_are_turned_and_bent_without_other_changes_too(rotate, elastic):
    """As the flags say, whose default of --augmentation is none."""
    columns = np.indices((100, 100))[1].astype(np.uint8)
    assert all(np.diff(pictures, axis=1).any() for pictures, _ in
               batches([(columns, columns)], crops(40, "none", rotate, elastic)))


def test_what_it_sees_of_a_photograph(eye):
    image = eye(0)[0]
    grey, green = picture(image, "grey"), picture(image, "green_clahe")
    assert grey.shape == green.shape == image.shape[:2] and grey.dtype == green.dtype == np.uint8
    assert np.abs(grey - image @ [0.299, 0.587, 0.114]).max() <= 1
    swapped = picture(np.ascontiguousarray(image[..., ::-1]), "green_clahe")
    assert np.array_equal(swapped, green)  # of red and blue it sees nothing
    middle = np.s_[200:380, 200:380]
    assert green[middle].std() > 1.2 * image[..., 1][middle].std()  # and of green more


def test_real_pairs_are_views(views):
    pairs = RealPairs(views, "grey")
    assert len(pairs) == 3
    grey, mask = pairs[1]
    assert np.array_equal(grey, picture(views[1].image, "grey")) and np.array_equal(mask, views[1].mask)


def test_real_masks_end_at_the_field_of_view(views):
    drawn = np.full_like(views[0].mask, 255)
    [(grey, mask)] = RealPairs([replace(views[0], mask=drawn)], "grey")
    assert np.array_equal(mask, views[0].fov) and not grey[mask == 0].any()


@pytest.fixture
def synthetic(tmp_path, eye):
    path = tmp_path / "synthetic.h5"
    with PairWriter(path, {"seed": 1}) as writer:
        for seed in range(2):
            image, mask, fov = (plane[22:534, 20:532] for plane in eye(seed))
            writer.append(images=image, masks=mask[..., None], fovs=fov[..., None])
    return path


def test_synthetic_pairs_are_of_the_scale_of_views(synthetic):
    pairs = SyntheticPairs(PairReader(synthetic), "green_clahe", range(2))
    assert len(pairs) == 2
    grey, mask = pairs[1]
    assert grey.shape == mask.shape == (ACROSS, ACROSS) and grey.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 255}
    vessels, around = grey[mask > 0].mean(), grey[(mask == 0) & (grey > 20)].mean()
    assert vessels < 0.8 * around  # vessels are dark: the mask lies on them
    for pictures, masks in batches(pairs, crops(64, "strong", 10.0, 2.0), steps=2):
        assert pictures.shape == masks.shape == (4, 64, 64, 1)


def test_synthetic_pairs_are_the_first_of_the_file(synthetic):
    all_of_them, first = (SyntheticPairs(PairReader(synthetic), "grey", rows) for rows in ([0, 1], [0]))
    assert len(first) == 1 and np.array_equal(first[0][0], all_of_them[0][0])


def test_in_turn_shows_made_pairs_then_real_ones_and_resumes():
    real, made = ([(np.full((16, 16), value, np.uint8), np.zeros((16, 16), np.uint8))] * 3 for value in (255, 51))
    config, schedule = crops(16, synthetic_first=0.3), Schedule(5, 2, 4, 0)

    def shown(first_step):
        return [float(pictures[0, 0, 0, 0]) for pictures, _ in
                in_turn(Mixture(real, made, 0.5), config, schedule, first_step)]

    assert shown(0) == pytest.approx([0.2] * 3 + [1.0] * 7)
    least = crops(16, synthetic_first=1e-4)  # a step at least
    assert [float(pictures[0, 0, 0, 0]) for pictures, _ in in_turn(Mixture(real, made, 0.5), least, schedule)] == \
        pytest.approx([0.2] + [1.0] * 9)
    assert shown(2) == pytest.approx([0.2] + [1.0] * 7)
    assert shown(4) == pytest.approx([1.0] * 6)


def test_pairs_as_views_have_what_the_training_sees(synthetic):
    with PairReader(synthetic) as reader:
        grey, mask = SyntheticPairs(reader, "grey", [1])[0]
        [view] = pair_views(reader, [1])
    assert np.array_equal(picture(view.image, "grey"), grey) and np.array_equal(view.mask, mask)
    assert view.fov.shape == mask.shape and set(np.unique(view.fov)) == {0, 255}


def test_a_damaged_row_is_told(synthetic):
    with h5py.File(synthetic) as file:
        chunk = file["images"].id.get_chunk_info(1)
    pairs = SyntheticPairs(PairReader(synthetic), "grey", range(2))
    with open(synthetic, "r+b") as file:  # after it was opened, which finds what is damaged before
        file.seek(chunk.byte_offset + 40)
        file.write(bytes(160))
    with pytest.raises(UserError, match="synthetic.h5: row 1 is damaged"):
        pairs[1]

"""Fields of view for drawn eyes: like those of the training images, and none of them."""
from __future__ import annotations

import numpy as np
import pytest

from data.fundus import square
from data.rims import NUMBERS, describe, draw


def disc(side, radius, column=0.5, row=0.5, cut=1.0):
    """uint8 (side, side): a disc in shares of the side, without what lies below the row `cut`."""
    rows, columns = (np.indices((side, side)) + 0.5) / side
    inside = ((rows - row) ** 2 + (columns - column) ** 2 <= radius ** 2) & (rows <= cut)
    return np.where(inside, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("fov", [disc(200, 0.5), disc(200, 0.45, 0.52, 0.47, 0.8), np.full((120, 160), 255, np.uint8)])
def test_discs_cut_discs_and_rectangles_are_drawn_as_they_are(fov):
    drawn = draw(describe([fov]), 128, np.random.default_rng(0))
    assert (drawn != square(fov, 128)).mean() < 0.004, "one field of view varies in nothing"
    assert set(np.unique(drawn)) <= {0, 255}


@pytest.mark.parametrize("shapes", [[(120, 160)], [(120, 160), (100, 160)], [(120, 160), (160, 100), (160, 160)]])
def test_whole_images_of_several_shapes_have_whole_images_drawn(shapes):
    """Centred rectangles as long as the square, with corners, and hardly longer or shorter than the real ones."""
    rims = describe([np.full(shape, 255, np.uint8) for shape in shapes])
    ratios = set()
    for seed in range(40):
        drawn = draw(rims, 128, np.random.default_rng(seed))
        rows, columns = drawn.any(axis=1), drawn.any(axis=0)
        assert (drawn[rows][:, columns] == 255).all() and (rows.all() or columns.all())
        assert np.array_equal(drawn, drawn[::-1, ::-1])
        ratios.add(columns.sum() / rows.sum())
    low, high = (end(width / height for height, width in shapes) for end in (min, max))
    assert 0.95 * low < min(ratios) <= max(ratios) < 1.05 * high and (len(ratios) > 5) == (len(shapes) > 1)


def test_drawn_ones_vary_as_the_training_images_do_and_none_is_of_them():
    random = np.random.default_rng(1)
    fovs = [disc(300, *random.normal((0.48, 0.5, 0.5), 0.006)) for _ in range(12)]
    rims = describe(fovs)
    assert rims.shape == (2, NUMBERS) and rims.dtype == np.float32
    drawn = np.stack([draw(rims, 256, np.random.default_rng(seed)) for seed in range(60)])
    real = np.stack([square(fov, 256) for fov in fovs])
    assert abs((drawn > 0).mean() / (real > 0).mean() - 1) < 0.01
    areas = [(set_ > 0).mean(axis=(1, 2)).std() for set_ in (drawn, real)]
    assert 0.5 < areas[0] / areas[1] < 2
    apart = (drawn[:, None] != real[None]).sum(axis=(2, 3))
    assert apart.min() > 0, "no field of view is that of a training image"
    assert (draw(rims, 256) != square(disc(300, *rims[0][[2, 0, 1]]), 256)).mean() < 0.004

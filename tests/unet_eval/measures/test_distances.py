"""Distances of sets of photographs, against numbers worked by hand and SciPy."""
from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import sqrtm

from unet_eval.measures import distances
from unet_eval.measures.distances import Photographs


def test_frechet_of_two_lines_by_hand():
    """Means 2 and 7, standard deviations 1 and 4 (n - 1): 5^2 + 3^2."""
    narrow, wide = np.float64([[1], [2], [3]]), np.float64([[3], [7], [11]])
    assert distances.frechet(narrow, wide) == pytest.approx(25 + 9)


def test_frechet_along_two_axes_by_hand():
    """Variances (2, 0) and (0, 8): the product of the covariances is 0, so their traces add."""
    across, along = np.float64([[-1, 0], [1, 0]]), np.float64([[0, -2], [0, 2]])
    assert distances.frechet(across, along) == pytest.approx(2 + 8)


def test_frechet_is_the_formula_of_heusel():
    random = np.random.default_rng(0)
    a, b = random.normal(0, 1, (50, 4)), random.normal(1, [1, 2, 3, 4], (70, 4)) @ random.normal(0, 1, (4, 4))
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert distances.frechet(a, b) == pytest.approx(expected)
    assert distances.frechet(b, a) == pytest.approx(expected)


def test_frechet_with_fewer_samples_than_features():
    random = np.random.default_rng(1)
    a = random.normal(0, 1, (6, 40)).astype(np.float32)
    assert distances.frechet(a, a[::-1]) == pytest.approx(0, abs=1e-6)
    assert distances.frechet(a, a + 3) == pytest.approx(40 * 9, rel=1e-5)
    assert math.isnan(distances.frechet(a, a[:1]))


def test_neighbourhoods_of_points_by_hand():
    """With one neighbour, the reaches of the real points 0, 1, 10 are 1, 1, 9; of the synthetic 0.5, 20, 24 they are
    19.5, 4, 4. Of the synthetic, 0.5 is within reach of 0 and 1, and 9.5 from 10, the others are not within 9 of 10;
    real points all lie within 19.5."""
    real, synthetic = np.float64([[0], [1], [10]]), np.float64([[0.5], [20], [24]])
    assert distances.neighbourhoods(real, synthetic, k=1) == pytest.approx((1 / 3, 1, 2 / 3, 2 / 3))
    assert distances.neighbourhoods(synthetic, real, k=1) == pytest.approx((1, 1 / 3, 1, 1 / 3))
    # With two, the reaches of the real ones are 10, 9, 10, so that 20 is within reach of 10.
    assert distances.neighbourhoods(real, synthetic, k=2) == pytest.approx((2 / 3, 1, 4 / 3 / 2, 1))


def test_a_set_that_covers_one_of_two_clusters_is_precise_with_half_the_recall():
    random = np.random.default_rng(2)
    first, second, synthetic = (random.normal(centre, 1, (40, 2)) for centre in (0, 100, 0))
    precision, recall, density, coverage = distances.neighbourhoods(np.concatenate([first, second]), synthetic)
    assert precision > 0.85 and 0.4 < recall <= 0.5 and 0.7 < density < 1.3 and 0.4 < coverage <= 0.5
    assert distances.neighbourhoods(first, first)[:2] == (1, 1)
    assert all(map(math.isnan, distances.neighbourhoods(first, synthetic[:3])))


def test_an_outlier_among_the_real_ones_counts_for_precision_and_little_for_density():
    random = np.random.default_rng(3)
    real = np.concatenate([random.normal(0, 1, (40, 2)), [[30, 30]]])
    far = random.normal(10, 0.1, (40, 2))
    precision, _, density, coverage = distances.neighbourhoods(real, far)
    assert precision == 1 and density == pytest.approx(1 / 3) and coverage == pytest.approx(1 / 41)


def test_the_kernel_distance_by_hand():
    """One tile an image, one feature: the kernel is (x y + 1)^3."""
    a, b = [np.float32([[0]]), np.float32([[1]])], [np.float32([[1]]), np.float32([[2]])]
    # within a: 1; within b: 27; across: 1, 1, 8, 27
    assert distances.kid(a, b) == pytest.approx(1 + 27 - 2 * 37 / 4)
    assert math.isnan(distances.kid(a, b[:1]))


def test_the_kernel_distance_has_no_bias_where_images_are_few():
    """Sets of one distribution, 4 images of 3 to 8 tiles that are alike within an image."""
    random = np.random.default_rng(5)

    def photographs(centre):
        return [random.normal(random.normal(centre, 1, 3), 0.5, (random.integers(3, 9), 3)) for _ in range(4)]

    equal = np.array([distances.kid(photographs(0), photographs(0)) for _ in range(600)])
    other = np.array([distances.kid(photographs(0), photographs(1)) for _ in range(600)])
    assert abs(equal.mean()) < 2.5 * equal.std() / 600 ** 0.5 and (equal < 0).mean() > 0.3
    assert other.mean() > 5 * other.std() / 600 ** 0.5


def features(random, centre, count, tiles=8):
    return [random.normal(centre, 1, (tiles, 3)).astype(np.float32) for _ in range(count)]


def test_sets_are_compared_at_the_size_of_the_floor():
    random = np.random.default_rng(3)
    real, like, unlike = (features(random, centre, count) for centre, count in ((0, 12), (0, 30), (4, 30)))
    floor = distances.compare_sets(real, None, 6)
    near, far = (distances.compare_sets(real, synthetic, 6) for synthetic in (like, unlike))
    assert floor.keys() == near.keys() == {*distances.KEYS, "spread"}
    assert near["frechet"] == pytest.approx(floor["frechet"], abs=0.2)
    assert far["frechet"] == pytest.approx(3 * 4 ** 2, rel=0.1)
    assert far["precision"] < 0.1 < 0.8 < near["precision"]
    # More images make it smaller, were the sizes not the same.
    assert distances.compare_sets(like, None, 15)["frechet"] < 0.7 * floor["frechet"]


def test_the_floor_compares_other_images():
    alone = [np.full((4, 1), value, np.float32) for value in (0, 10)]
    assert distances.compare_sets(alone, None, 1)["frechet"] == pytest.approx(100)
    # One image of each set is drawn 20 times: 0 or 100 each time.
    both = distances.compare_sets(alone, alone, 1)
    assert both["frechet"] in [pytest.approx(100 * k / 20) for k in range(1, 20)]
    share = both["frechet"] / 100  # of the choices that have 100; the deviation follows from it
    assert both["spread"]["frechet"] == pytest.approx(100 * math.sqrt(share * (1 - share) * 20 / 19))


def test_too_few_images_have_no_distance():
    values = distances.compare_sets(features(np.random.default_rng(0), 0, 1), None, 0)
    assert all(map(math.isnan, [*values.pop("spread").values(), *values.values()]))


@pytest.fixture(scope="module")
def textures():
    random = np.random.default_rng(4)
    return [random.integers(0, 256, (300, 260, 3), np.uint8) for _ in range(4)]


def test_copies_are_not_diverse(textures):
    assert distances.ms_ssim_diversity(textures[:1] * 3).value == pytest.approx(1, abs=1e-4)
    assert distances.ms_ssim_diversity(textures).value < 0.5
    assert math.isnan(distances.ms_ssim_diversity(textures[:1]).value)


def test_diversity_takes_each_pair_of_distinct_images(textures):
    """Of three images, two of which are the same, one pair in three has MS-SSIM 1."""
    different = distances.ms_ssim_diversity(textures[:2]).value
    found = distances.ms_ssim_diversity([textures[0], textures[0], textures[1]])
    assert found.value == pytest.approx((1 + 2 * different) / 3, abs=1e-5)
    # Without the third image the mean is 1, without one of the others `different`.
    assert found.error == pytest.approx(2 / 3 * (1 - different), abs=1e-5)


def test_describe_measures_every_set_with_the_same_number_of_images(views):
    def photographs(images):
        features = [image[::60, ::60].reshape(-1, 3).astype(np.float32) for image in images]
        return Photographs(features, [each[:, :1] for each in features], images)

    bright = [view.image for view in views]
    dark = [image // 3 for image in bright[:1]] * 2
    described = distances.describe(photographs(bright), {"same": photographs(bright), "dark": photographs(dark)})
    assert described["n"] == 1 and described["k"] == 3 and described["repeats"] == 20
    sets = described["sets"]
    assert sets.keys() == {"real_real", "same", "dark"}
    assert all(each.keys() == {*distances.KEYS, "ms_ssim", "spread"} for each in sets.values())
    fixed = described["fixed"]
    assert fixed.keys() == sets.keys() and fixed["dark"].keys() == {*distances.KEYS, "spread"}
    assert 0 < fixed["dark"]["frechet"] < sets["dark"]["frechet"]  # of one feature in place of three
    assert sets["dark"]["frechet"] > 3 * sets["real_real"]["frechet"]
    assert sets["dark"]["ms_ssim"] == pytest.approx(1, abs=1e-4)
    assert sets["same"]["ms_ssim"] == pytest.approx(sets["real_real"]["ms_ssim"])

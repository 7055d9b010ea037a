"""KL between histograms of pixel intensities, against hand-worked numbers."""
from __future__ import annotations

import math

import numpy as np
import pytest

from unet_eval.measures import kl
from unet_eval.measures.kl import Definition

PAPER = {"kl_synthetic_real": 4.759, "kl_real_real": 4.212e-4}


def photographs(colours, shape=(2, 2)):
    """A photograph a colour, all of it inside its field of view."""
    return [(np.full((*shape, 3), colour, np.uint8), np.full(shape, 255, np.uint8)) for colour in colours]


def test_kl_by_hand():
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert kl.kl_divergence([3, 1], [20, 20], smoothing=0) == pytest.approx(expected)
    smoothed = 4 / 6 * math.log(4 / 6 / 0.5) + 2 / 6 * math.log(2 / 6 / 0.5)
    assert kl.kl_divergence([3, 1], [20, 20], smoothing=1) == pytest.approx(smoothed)


def test_kl_is_zero_for_equal_shapes_and_has_a_direction():
    assert kl.kl_divergence([1, 2, 3], [100, 200, 300], smoothing=0) == pytest.approx(0)
    there, back = kl.kl_divergence([90, 10], [50, 50]), kl.kl_divergence([50, 50], [90, 10])
    assert there > 0 and back > 0 and there != pytest.approx(back)


def test_kl_over_empty_bins():
    assert 0 < kl.kl_divergence([10, 0], [0, 10]) < 10
    assert kl.kl_divergence([1, 1], [1, 0], smoothing=0) == math.inf
    assert kl.kl_divergence([1, 0, 0], [1, 1, 0], smoothing=0) == pytest.approx(math.log(2))  # 0 ln 0 = 0


def test_kl_of_several_histograms_at_once():
    value = kl.kl_divergence([[3, 1], [1, 1]], [[20, 20], [5, 5]], smoothing=0)
    assert value == pytest.approx([0.75 * math.log(1.5) + 0.25 * math.log(0.5), 0])


def counts_of(*grey):
    """As `histograms`, of photographs with these counts of the two ends of each channel."""
    counted = np.zeros((len(grey), 2, 4, 256), np.int64)
    counted[..., 0], counted[..., -1] = np.moveaxis(np.array(grey), 1, 0)[:, :, None, None]
    return counted


def test_the_floor_compares_disjoint_images():
    def floor(*real, smoothing=0.0):
        return kl.compare(counts_of(*real), counts_of([1, 1]), Definition(2, "grey", "all", smoothing))["real_real"]

    assert floor([4, 4], [4, 4], [8, 8]) == pytest.approx(0)
    assert floor([9, 1], [1, 9]) == pytest.approx(0.8 * math.log(9))
    assert floor([9, 1], [1, 9], smoothing=1.0) == pytest.approx(8 / 12 * math.log(5))
    # of three images two are compared: equal ones in a third of the choices
    assert floor([9, 1], [9, 1], [1, 9]) == pytest.approx(2 / 3 * 0.8 * math.log(9), rel=0.15)
    assert math.isnan(floor([9, 1]))


def test_equal_numbers_are_compared():
    """One of each side: KL(10, 90) or 0, half each. Pooled, the four synthetic ones would be 50:50."""
    half, real = [[9, 1], [9, 1], [1, 9], [1, 9]], [[9, 1], [9, 1]]
    value = kl.compare(counts_of(*real), counts_of(*half), Definition(2, "grey", "all", 0.0))
    assert value["n"] == 1 and value["synthetic_real"] == pytest.approx(0.4 * math.log(9), rel=0.25)
    assert value["range"]["synthetic_real"] == pytest.approx([0, 0.8 * math.log(9)])
    assert kl.compare(counts_of(*real * 5), counts_of(*half), Definition())["n"] == 4
    assert kl.compare(counts_of(*real * 2), counts_of(*half), Definition())["n"] == 2


def test_equal_distributions_reach_the_floor():
    """A synthetic set that is as good as can be lies at the floor on average, and below it in about half of the cases;
    in next to none its range lies above that of the floor."""
    random, synthetic, floor, above = np.random.default_rng(0), [], [], []
    for _ in range(200):
        levels = random.normal(random.normal(120, 20, (70, 1)), 25, (70, 400)).clip(0, 255).astype(int)
        counted = np.stack([np.bincount(image, minlength=256) for image in levels])
        images = np.broadcast_to(counted[:, None, None], (70, 2, 4, 256))
        value = kl.compare(images[:20], images[20:], Definition(64))
        synthetic.append(value["synthetic_real"])
        floor.append(value["real_real"])
        above.append(value["range"]["synthetic_real"][0] > value["range"]["real_real"][1])
    assert np.mean(synthetic) == pytest.approx(np.mean(floor), rel=0.05)
    assert 0.4 < np.mean(np.less(synthetic, floor)) < 0.62 and np.mean(above) < 0.02


def test_histograms_count_channels_inside_and_everywhere():
    photograph = np.zeros((2, 2, 3), np.uint8)
    photograph[0, 0], photograph[0, 1] = 255, (200, 100, 50)
    inside = np.array([[255, 255], [255, 0]], np.uint8)
    counted = kl.histograms([(photograph, inside)])
    assert counted.shape == (1, 2, 4, 256)
    fov, everywhere = counted[0]
    grey = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    for channel, level in enumerate((grey, 200, 100, 50)):
        assert fov[channel, [0, level, 255]].tolist() == [1, 1, 1] and fov[channel].sum() == 3
        assert everywhere[channel, [0, level, 255]].tolist() == [2, 1, 1]


def test_definitions_choose_from_the_same_counts():
    counted = kl.histograms(photographs([(255, 64, 63), (0, 128, 191)]))
    red, green, blue = np.moveaxis(kl.select(counted, Definition(4, "rgb", "all")), 1, 0).tolist()
    assert red == [[0, 0, 0, 4], [4, 0, 0, 0]]
    assert green == [[0, 4, 0, 0], [0, 0, 4, 0]]
    assert blue == [[4, 0, 0, 0], [0, 0, 4, 0]]
    assert kl.select(counted, Definition(4, "grey", "fov")).shape == (2, 1, 4)
    (steps, inside), = photographs([0], (1, 4))
    steps[0] = np.uint8([0, 3, 63, 64])[:, None]
    assert kl.select(kl.histograms([(steps, inside)]), Definition(4)).tolist() == [[[3, 1, 0, 0]]]


@pytest.mark.parametrize("change", [{"bins": 100}, {"channels": "hsv"}, {"pixels": "none"}, {"smoothing": -1.0}])
def test_what_cannot_be_counted_is_no_definition(change):
    with pytest.raises(ValueError, match="no definition"):
        Definition(**change)


def test_compare_is_the_mean_over_channels():
    """The real photographs are bright in red alone, the made one in green and blue too."""
    real = kl.histograms(photographs([(200, 0, 0), (200, 0, 0)]))
    made = kl.histograms(photographs([(200, 200, 200)]))
    value = kl.compare(real, made, Definition(2, "rgb", "all", 0.0))
    assert value["synthetic_real"] == math.inf and value["real_synthetic"] == math.inf
    value = kl.compare(real, made, Definition(2, "rgb", "all", 1.0))
    # Counts with smoothing: in red 1:5 of both, in green and blue 5:1 and 1:5.
    assert value["synthetic_real"] == pytest.approx(2 / 3 * 4 / 6 * math.log(5))
    assert value["real_real"] == 0
    assert {key: value[key] for key in ("bins", "channels", "pixels", "smoothing")} == {
        "bins": 2, "channels": "rgb", "pixels": "all", "smoothing": 1.0}


def test_the_table_of_definitions_is_short_and_without_repetition():
    tried = kl.definitions()
    assert len(tried) == len(set(tried)) <= 24 and Definition() in tried
    assert {definition.bins for definition in tried} == {16, 64, 256} and \
        {definition.smoothing for definition in tried} == {0, 1e-3, 1}


def test_the_nearest_definition_is_so_on_a_logarithmic_scale():
    def entry(synthetic_real, real_real):
        return {"synthetic_real": synthetic_real, "real_real": real_real}

    # e times too much twice; 1 and 4.2 too little and exact; the other way round.
    entries = [entry(4.759 * math.e, 4.212e-4 * math.e), entry(4.759 / 2, 4.212e-4), entry(4.759, 4.212e-4 * 8)]
    assert kl.nearest_to_paper(entries, PAPER) == 1
    assert kl.nearest_to_paper(entries[::-1], PAPER) == 1
    undefined = [entry(math.inf, 4.212e-4), entry(4.759, math.nan), entry(0.0, 4.212e-4)]
    assert kl.nearest_to_paper([*undefined, entry(1e-6, 100)], PAPER) == 3

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


def test_kl_of_halves_compares_disjoint_images():
    assert kl.kl_of_halves([[4, 4], [4, 4], [8, 8]], smoothing=0) == pytest.approx(0)
    expected = kl.kl_divergence([9, 1], [1, 9])  # the same both ways
    assert kl.kl_of_halves([[9, 1], [1, 9]]) == pytest.approx(expected)
    assert math.isnan(kl.kl_of_halves([[9, 1]]))


def test_halves_of_an_odd_number_are_of_equal_size():
    """Of three images two are compared: equal ones in a third of the splits, KL(9:1, 1:9) = 0.8 ln 9 in the others."""
    value = kl.kl_of_halves([[9, 1], [9, 1], [1, 9]], smoothing=0, splits=3000)
    assert value == pytest.approx(2 / 3 * 0.8 * math.log(9), rel=0.05)


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
    """Two of four real photographs are bright in red alone, all made ones in green and blue too."""
    real = kl.histograms(photographs([(200, 0, 0), (0, 0, 0), (200, 0, 0), (0, 0, 0)]))
    made = kl.histograms(photographs([(200, 200, 200)]))
    value = kl.compare(real, made, Definition(2, "rgb", "all", 0.0))
    assert value["synthetic_real"] == math.inf and value["real_synthetic"] == math.inf
    value = kl.compare(real, made, Definition(2, "rgb", "all", 1.0))
    # Counts with smoothing: real 9:9, 17:1, 17:1 and made 1:5 in each channel.
    red = 1 / 6 * math.log(1 / 6 / 0.5) + 5 / 6 * math.log(5 / 6 / 0.5)
    green = 1 / 6 * math.log(1 / 6 / (17 / 18)) + 5 / 6 * math.log(5 / 6 / (1 / 18))
    assert value["synthetic_real"] == pytest.approx((red + 2 * green) / 3)
    assert value["real_synthetic"] != pytest.approx(value["synthetic_real"])
    assert 0 < value["real_real"] < value["synthetic_real"]
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

"""Shapes of masks that are drawn by hand."""
from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from scipy.stats import ttest_ind
from skimage.morphology import skeletonize

from unet_eval.measures import morphology

WHOLE = np.ones((128, 128), bool)


def draw(*lines, thickness=1, size=128):
    canvas = np.zeros((size, size), np.uint8)
    for start, end in lines:
        cv2.line(canvas, start, end, 1, thickness)
    return canvas > 0


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 8])
def test_a_straight_vessel_is_as_wide_as_it_was_drawn(width):
    mask = np.zeros((128, 128), bool)
    mask[60:60 + width, 10:110] = True
    described = morphology.describe(mask, WHOLE)
    assert described["width_median"] == width
    assert described["width_mean"] == pytest.approx(width, abs=0.3)  # its ends are rounded
    assert described["length"] == pytest.approx(99, abs=width)
    assert described["density"] == pytest.approx(100 * width / 128 ** 2)
    assert described["components"] == 1 and described["largest_component"] == 1 and described["branching"] == 0


def test_a_diagonal_vessel_is_measured_across():
    mask = draw(((20, 20), (100, 100)), thickness=7)
    assert mask[60].sum() == 13
    described = morphology.describe(mask, WHOLE)
    assert described["width_median"] == pytest.approx(13 / math.sqrt(2), rel=0.02)
    assert described["length"] == pytest.approx(80 * math.sqrt(2), rel=0.03)


def test_foreground_that_is_cut_ends_there():
    mask = np.ones((128, 128), bool)
    inside = np.zeros_like(mask)
    inside[:, 61:66] = True
    described = morphology.describe(mask, inside)
    assert described["width_median"] == 5 and described["density"] == 1
    assert morphology.widths(mask, skeletonize(mask)).max() <= 128  # the edge of the image cuts, too


def test_lengths_by_hand():
    line = np.zeros((8, 12), bool)
    line[0, 0:5] = True                    # 4 steps
    line[4, 0:3] = line[5, 3] = True       # 2 steps and a diagonal one
    line[6, 2] = True                      # and another, upwards
    line[1:4, 9] = line[3, 10:12] = True   # a corner: 2 + 2 steps, no diagonal
    assert morphology.line_length(line) == pytest.approx(4 + 2 + 2 * math.sqrt(2) + 4)
    assert morphology.line_length(line.T) == morphology.line_length(line[:, ::-1]) == morphology.line_length(line)
    assert morphology.line_length(line & False) == 0


def test_a_fork_has_one_branch_point():
    fork = draw(((64, 120), (64, 64)), ((64, 64), (24, 16)), ((64, 64), (104, 16)), thickness=5)
    line = skeletonize(fork)
    assert morphology.branch_points(line) == 1
    described = morphology.describe(fork, WHOLE)
    assert described["branching"] == pytest.approx(1000 / morphology.line_length(line))


def test_branch_points_by_hand():
    cross = draw(((10, 64), (118, 64)), ((64, 10), (64, 118)))
    assert morphology.branch_points(cross) == 1
    ladder = draw(((10, 30), (118, 30)), ((10, 90), (118, 90)), ((40, 30), (40, 90)), ((80, 30), (80, 90)))
    assert morphology.branch_points(ladder) == 4
    stairs = np.zeros((20, 20), bool)
    for i in range(0, 18):
        stairs[i, i:i + 2] = True          # corners have three neighbours and are none
    assert morphology.branch_points(stairs) == 0


def test_branch_points_do_not_come_round_the_edge():
    line = np.zeros((16, 16), bool)
    line[0] = line[15, 8] = True
    assert morphology.branch_points(line) == 0


def test_components_by_hand():
    mask = np.zeros((128, 128), bool)
    mask[10, 10:40] = True
    diagonal = np.arange(20, 26)
    mask[diagonal, diagonal] = True  # one component
    mask[50, 50:54] = True           # dust: fewer than 5 pixels of 128 x 128
    described = morphology.describe(mask, WHOLE)
    assert described["components"] == 2 and described["largest_component"] == pytest.approx(30 / 36)
    assert described["density"] == pytest.approx(36 / 128 ** 2)
    assert described["length"] == pytest.approx(29 + 5 * 2 ** 0.5)


def test_dimensions_of_a_line_and_an_area():
    line = draw(((0, 64), (127, 64)))
    assert morphology.fractal_dimension(line) == pytest.approx(1)     # 64, 32, 16, 8 boxes of 2, 4, 8, 16
    assert morphology.fractal_dimension(WHOLE) == pytest.approx(2)
    assert morphology.fractal_dimension(draw(((3, 5), (120, 101)))) == pytest.approx(1, abs=0.15)  # boxes cut at ends
    square = np.zeros((128, 128), bool)
    square[20:100, 15:95] = True
    assert morphology.fractal_dimension(square) == pytest.approx(2, abs=0.2)


def test_the_dimension_of_cantor_dust_is_that_of_the_theory():
    """Keeping 3 of 4 quarters each time: ln 3 / ln 2."""
    dust = np.ones((1, 1), bool)
    for _ in range(8):
        dust = np.kron(dust, np.array([[1, 1], [1, 0]], bool))
    assert morphology.fractal_dimension(dust) == pytest.approx(math.log(3) / math.log(2))


def test_an_empty_mask_has_no_shape():
    described = morphology.describe(~WHOLE, WHOLE)
    assert described.keys() == morphology.STATISTICS.keys()
    assert described["density"] == described["length"] == described["components"] == 0
    assert all(math.isnan(described[key]) for key in ("width_mean", "width_median", "branching", "largest_component",
                                                  "fractal_dimension"))


def vessels(widths):
    for width in widths:
        mask = np.zeros_like(WHOLE)
        mask[60:60 + width, 10:110] = True
        yield mask, WHOLE


def test_compare_by_hand():
    """Widths 1, 3, 5, 7 against 5, 7, 9, 11: the distribution functions differ by 2 / 4 at most."""
    described = morphology.compare(vessels([1, 3, 5, 7]), vessels([5, 7, 9, 11]), list("abcd"))
    assert described.keys() == morphology.STATISTICS.keys()
    width = described["width_median"]
    assert width["synthetic"] == [1, 3, 5, 7] and width["real"] == [5, 7, 9, 11]
    assert width["statistic"] == pytest.approx(0.5)
    assert described["components"]["statistic"] == 0 and described["components"]["p"] == 1
    assert all(entry["p_holm"] >= entry["p"] for entry in described.values())


def test_how_alike_by_hand():
    """Quartiles of 1, 2, 3, 4, 5 are 2 and 4. Welch's interval of a difference of means is the jackknife's."""
    made, own = np.array([3.0, 5, 7, 9]), np.array([1.0, 2, 3, 4, 5])
    found = morphology.alike(made, own, np.array(list("abcde")))
    assert found["shift"]["mean"] == pytest.approx((6 - 3) / 2)
    welch = ttest_ind(made, own, equal_var=False).confidence_interval()
    assert found["shift"]["ci95"] == pytest.approx([welch.low / 2, welch.high / 2])
    assert found["spread"]["mean"] == pytest.approx((20 / 3) ** 0.5 / 2.5 ** 0.5)
    low, high = found["spread"]["ci95"]
    assert 0.3 < low < 1 < high < 10 and low * high == pytest.approx(found["spread"]["mean"] ** 2)
    # Two eyes of a patient say less than those of two patients.
    made = np.repeat(made, 10)
    pairs = morphology.alike(made, np.repeat(own, 2), np.repeat(list("abcde"), 2))["shift"]["ci95"]
    alone = morphology.alike(made, np.repeat(own, 2), np.array(list("abcdefghij")))["shift"]["ci95"]
    assert pairs[1] - pairs[0] > alone[1] - alone[0]


def test_too_few_masks_or_no_spread_are_not_compared():
    three, equal = np.array([1.0, 2, 3]), np.ones(4)
    for made, own, patients in ((three[:2], three, "abc"), (three, three, "aab"), (three, equal, "abcd")):
        assert np.isnan(morphology.alike(made, own, np.array(list(patients)))["shift"]["ci95"]).all()
    flat = morphology.alike(equal, three, np.array(list("abc")))
    assert np.isfinite(flat["shift"]["ci95"]).all() and np.isnan(flat["spread"]["mean"])


def test_sets_apart_by_hand():
    """Three against three with no overlap: 2 of the 20 orders are as extreme."""
    described = morphology.compare(vessels([1, 1, 3]), vessels([5, 7, 7]), list("abc"))
    assert described["density"]["statistic"] == 1 and described["density"]["p"] == pytest.approx(2 / 20)


def test_values_that_are_not_defined_are_left_out():
    empty = [(~WHOLE, WHOLE)]
    described = morphology.compare([*vessels([3, 3]), *empty], vessels([3, 3]), list("ab"))
    assert math.isnan(described["width_mean"]["synthetic"][2]) and described["width_mean"]["statistic"] == 0
    alone = morphology.compare(empty, vessels([3, 3]), list("ab"))["width_mean"]
    assert math.isnan(alone["statistic"]) and math.isnan(alone["p"]) and math.isnan(alone["p_holm"])


def test_a_large_set_is_cut(monkeypatch):
    monkeypatch.setattr(morphology, "MOST", 2)
    assert len(morphology.compare(vessels([1, 3, 5]), vessels([1]), ["a"])["density"]["synthetic"]) == 2


def test_widths_are_shared_out_by_length():
    """Vessels of widths 1 and 5 that are equally long count about equally, though their areas are 1 : 5."""
    shares = morphology.width_shares(vessels([1, 5]))
    assert len(shares) == len(morphology.WIDTHS) and sum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx(0.5, abs=0.05) and shares[4] == pytest.approx(0.45, abs=0.1)
    assert morphology.width_shares(vessels([30]))[-1] > 0.5  # 20 pixels or wider
    assert sum(morphology.width_shares(vessels([0]))) == 0


def test_mask_statistics_by_hand():
    mask = np.zeros((20, 20), bool)
    mask[0, 0:10] = True                          # 10 pixels
    mask[[2, 3, 4], [0, 1, 2]] = True             # 3 in a diagonal: one component
    mask[10, [0, 2, 4, 6, 8, 10]] = True          # 6 specks
    mask[19] = True                               # outside
    inside = np.ones_like(mask)
    inside[19] = False
    statistics = morphology.mask_statistics(mask, inside)
    assert statistics["density"] == pytest.approx(19 / 380)
    assert statistics["largest_components"] == pytest.approx((10 + 3 + 1 + 1 + 1) / 19)
    assert morphology.mask_statistics(mask, inside, largest=1)["largest_components"] == pytest.approx(10 / 19)


def test_mask_statistics_of_an_empty_mask_are_zero():
    empty = np.zeros((4, 4), bool)
    assert morphology.mask_statistics(empty, ~empty) == {"density": 0, "largest_components": 0}
    assert morphology.mask_statistics(empty, empty) == {"density": 0, "largest_components": 0}

"""Contrast of vessels by their width, on pictures whose contrast is known."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from data.fundus import load_views
from training.contrast import SIZE, contrast, mean_contrast

WIDTHS = {"thin": 1, "middle": 3, "wide": 7}  # pixels of the vessels that are drawn


def draw(darker, deviation=10.0, widths=WIDTHS):
    """Horizontal vessels that are so many grey levels darker than their surroundings, whose deviation is known."""
    mask, green = np.zeros((SIZE, SIZE), np.uint8), np.full((SIZE, SIZE), 120.0)
    for place, (name, width) in enumerate(widths.items()):
        rows = slice(100 * (place + 1), 100 * (place + 1) + width)
        mask[rows, 40:-40] = 255
        green[rows, 40:-40] -= darker[name]
    fov = cv2.circle(np.zeros((SIZE, SIZE), np.uint8), (SIZE // 2, SIZE // 2), SIZE // 2, 255, cv2.FILLED)
    green += deviation * np.random.default_rng(0).standard_normal(green.shape)
    picture = np.dstack([np.full_like(green, 200), green, np.zeros_like(green)])
    return np.where(fov[..., None] > 0, np.clip(np.round(picture), 0, 255), 0).astype(np.uint8), mask, fov


def test_contrast_is_in_deviations_of_the_surroundings_and_by_width():
    darker = {"thin": 5, "middle": 10, "wide": 20}
    assert contrast(*draw(darker)) == pytest.approx({"thin": 0.5, "middle": 1.0, "wide": 2.0}, abs=0.12)
    assert contrast(*draw(darker, deviation=5.0)) == pytest.approx({"thin": 1, "middle": 2, "wide": 4}, abs=0.12)


def test_vessels_near_by_and_the_dark_rim_are_no_surroundings():
    """A vessel 4 pixels beside another would halve the difference, the black beyond the rim would turn its sign."""
    picture, mask, fov = draw({"thin": 10, "middle": 10, "wide": 10})
    expected = contrast(picture, mask, fov)
    mask[108:111, 40:-40], picture[108:111, 40:-40, 1] = 255, 20
    assert contrast(picture, mask, fov)["thin"] == pytest.approx(expected["thin"], abs=0.12)
    leaving = np.zeros_like(mask)  # short vessels that leave the field of view
    for angle in np.arange(0, 360, 2):
        ends = [tuple(int(SIZE / 2 + r * f(np.radians(angle))) for f in (np.cos, np.sin)) for r in (246, 256)]
        cv2.line(leaving, *ends, 255)
    picture[(leaving & fov & ~mask) > 0, 1] -= 10
    mask |= leaving
    assert contrast(picture, mask, fov)["thin"] == pytest.approx(expected["thin"], abs=0.12)


def test_what_cannot_be_measured_is_nan_and_left_out_of_means():
    thin = draw({"thin": 10}, widths={"thin": 1})
    both = draw({"thin": 20, "wide": 20}, widths={"thin": 1, "wide": 7})
    assert np.isnan([contrast(*thin)[name] for name in ("middle", "wide")]).all()
    means = mean_contrast([thin, both])
    assert means["thin"] == pytest.approx(1.5, abs=0.1) and means["wide"] == pytest.approx(2, abs=0.1)
    assert np.isnan(means["middle"])
    picture, mask, fov = thin
    for nothing in (np.zeros_like(mask), np.full_like(mask, 255)):
        assert np.isnan(list(contrast(picture, nothing, fov).values())).all()
    assert np.isnan(contrast(np.zeros_like(picture), mask, fov)["thin"])  # surroundings of one colour


def test_the_scale_is_that_of_the_field_of_view():
    picture, mask, fov = draw({"thin": 10, "middle": 10, "wide": 20})
    larger = [cv2.resize(array, (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_NEAREST)
              for array in (picture, mask, fov)]
    assert contrast(*larger) == pytest.approx(contrast(picture, mask, fov), abs=1e-6)


def test_wider_vessels_of_real_eyes_are_clearer(chase):
    views = load_views(f"chase_db1:{chase}", "train")[:6]
    thin, middle, wide = mean_contrast((view.image, view.mask, view.fov) for view in views).values()
    assert 0.15 < thin < middle < wide < 1

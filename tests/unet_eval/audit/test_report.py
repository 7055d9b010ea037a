"""Pictures of an audit show what was found, where it was found."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from unet_eval.audit import controls, report
from unet_eval.audit.examine import Alike, Columns, Real
from unet_eval.audit.measures import MEASURES
from unet_eval.audit.records import concatenate


@pytest.fixture
def sheets(monkeypatch):
    """[(rows of pictures, texts)] of the sheets that are drawn."""
    drawn, grid = [], report.grid

    def draw(path, rows, **texts):
        drawn.append((rows, texts))
        grid(path, rows, **texts)

    monkeypatch.setattr(report, "grid", draw)
    return drawn


def like(picture, other):
    """Correlation of two pictures, smoothed, for lines may lie a little off."""
    smooth = (cv2.GaussianBlur(each.astype(np.float32), (0, 0), 2) for each in (picture, other))
    return np.corrcoef(*map(np.ravel, smooth))[0, 1]


def draw_worst(eyes, name, sheets):
    """(copies of training records 2, 0 and 1; the training records; rows of the sheet). By how alike they are said to
    be, copies 1, 2 and 0 follow one another, and so records 0, 1 and 2."""
    training, measure = eyes(range(3)), MEASURES[name]
    copies = controls.altered(training.take([2, 0, 1]), seed=5)
    columns = Columns.of(Real(training, eyes([3])), measure.kind)
    near = np.full((3, 4), 0.1, np.float32)
    near[[0, 1, 2], [2, 0, 1]] = 0.7, 0.9, 0.8
    near[:, 3] = 1  # held out, so nobody learned from it
    found = {name: Alike(measure, columns, {"synthetic": near}, np.eye(2), {}, 1)}
    drawn = report.pictures({"duplicates": []}, found, copies)
    assert list(drawn) == [f"worst_{name}.png"] and drawn[f"worst_{name}.png"].startswith(b"\x89PNG")
    ((rows, texts),) = sheets
    assert texts["labels"] == ["synthetic", "training"]
    assert texts["feet"] == {1: ["1: 0.90, drawn eye 0", "2: 0.80, drawn eye 1", "0: 0.70, drawn eye 2"]}
    return copies, training, rows


def test_the_row_of_branch_points_says_how_alike_drawn_eyes_are():
    def entry(name, match):
        return {"title": name, "nearest": 0.4, "nearest_row": 2, "median": 0.3, "threshold": 0.5, "unrelated": 0.45,
                "finds": 0.9, "match_is": match, "one_eye_twice": 0.625, "two_eyes": 0.211}

    rows = report.table({
        "measures": {"masks": entry("masks", "copies"), "trees": entry("branch points", "eyes")},
        "records": {"synthetic": 3}, "left_out": [], "copies": {}, "duplicates": [], "whole_set": {}, "controls": {},
        "generators": {}, "power": {"mask": 0.1, "photograph": 0.1, "certainty": 0.95}}).rows
    masks, trees = rows[:2]
    assert trees[0].startswith("branch points") and trees[3] == "passes"
    assert trees[2].endswith("one drawn eye photographed twice: 0.625 (median), two drawn eyes: 0.211 at most")
    assert "drawn eye" not in masks[2]


def test_the_worst_by_branch_points_lie_over_the_training_masks_that_they_copy(eyes, sheets):
    copies, training, (synthetic, found) = draw_worst(eyes, "trees", sheets)
    assert all(np.array_equal(*both) for both in zip(synthetic, copies.masks[[1, 2, 0]]))
    assert min(map(like, synthetic, found)) > 0.85 > 0.75 > max(map(like, synthetic, training.masks))


def test_the_worst_by_features_have_their_training_photographs_below_mirrored_as_they_were(eyes, sheets):
    copies, training, (synthetic, found) = draw_worst(eyes, "features", sheets)
    assert all(np.array_equal(*both) for both in zip(synthetic, copies.photographs[[1, 2, 0]]))
    first, second, third = training.photographs
    assert all(np.array_equal(*both) for both in zip(found, (first, second[:, ::-1], third)))


def test_duplicates_stand_beside_what_they_repeat(eyes, sheets):
    real = eyes(range(3))
    synthetic = concatenate([real, controls.altered(real.take([2, 0]), seed=3)])
    again = [{"row": 3, "of": 2, "alike": 0.8}, {"row": 4, "of": 0, "alike": 0.9}]
    assert list(report.pictures({"duplicates": again}, {}, synthetic)) == [report.DUPLICATES]
    ((rows, texts),) = sheets
    assert texts["labels"] == ["4 and 0: 0.90", "3 and 2: 0.80"]
    for (mask, earlier, photograph, other), row in zip(rows, (4, 3)):
        assert np.array_equal(mask, synthetic.masks[row]) and np.array_equal(photograph, synthetic.photographs[row])
        assert like(mask, earlier) > 0.75 and like(photograph, other) > 0.98

"""Controls are what they claim to be, and duplicates are found."""
from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from unet_eval.audit import controls
from unet_eval.audit.duplicates import duplicates
from unet_eval.audit.examine import caught
from unet_eval.audit.measures import COPIES, MASK, PHOTOGRAPH
from unet_eval.audit.records import SIZE, concatenate


def test_altered_copies_differ_and_are_the_same_for_a_seed(eyes):
    real = eyes(range(2))
    copies, again, others = (controls.altered(real, seed) for seed in (0, 0, 1))
    assert np.array_equal(copies.masks, again.masks) and np.array_equal(copies.photographs, again.photographs)
    assert not np.array_equal(copies.masks, others.masks) and not np.array_equal(copies.masks, real.masks)
    assert set(np.unique(copies.masks)) == {0, 255}
    assert not copies.photographs[copies.fovs == 0].any() and not copies.masks[copies.fovs == 0].any()


def test_a_quadrant_and_no_more_is_pasted(eyes):
    hosts, real = eyes([7]), eyes(range(3))
    pasted = controls.with_quadrants(hosts, real, seed=0)
    assert pasted.names == real.names
    changed = (pasted.masks != hosts.masks).reshape(3, 2, SIZE // 2, 2, SIZE // 2).any(axis=(2, 4))
    assert changed.sum(axis=(1, 2)).tolist() == [1, 1, 1]


def test_eyes_twice_are_the_same_eyes(eyes):
    first, second = controls.eyes_twice(2, seed=0)
    assert first.names == second.names and first.masks.shape == second.masks.shape == (2, SIZE, SIZE)
    assert 0.03 < (first.masks > 0).mean() < 0.25
    assert not np.array_equal(first.masks, second.masks) and not np.array_equal(first.masks[0], first.masks[1])


def test_duplicates_are_left_out_but_one(eyes):
    real = eyes(range(3))
    copies = controls.altered(real.take([1, 1]), seed=2)
    rows = duplicates(concatenate([real, copies]), {"mask": 0.5})
    assert [(row, of) for row, of, _ in rows] == [(3, 1), (4, 1)] and min(alike for *_, alike in rows) > 0.5
    assert duplicates(real, {"mask": 0.5, "photograph": 0.6}) == []
    assert duplicates(real.take([0]), {"mask": 0.5}) == duplicates(real.take([]), {"mask": 0.5}) == []


def test_copies_of_few_masks_and_of_more_photographs_are_counted_together():
    """Stage-II may learn from more photographs than there are masks."""
    called = {MASK: [True, False], PHOTOGRAPH: [False, True, False]}
    found = {kind: SimpleNamespace(measure=SimpleNamespace(kind=kind), sets={COPIES: None},
                                   flagged=lambda name, rows=rows: np.array(rows)) for kind, rows in called.items()}
    assert caught(found, COPIES) == {MASK: 1 / 2, PHOTOGRAPH: 1 / 3, "any": 1}

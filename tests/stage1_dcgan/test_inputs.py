"""The batches of Stage-I, with masks that are other eyes in each step (--vary_masks)."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.finding import Sample
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.inputs import amount_of_variety, dataset
from training.fit import Schedule


@pytest.fixture
def real():
    """Two fields of distances, (2, 64, 64, 1): a wide vessel across, and one down."""
    distance = np.clip(6 - np.abs(np.arange(64, dtype=np.float32) - 20), -8, 8) / 8
    return np.stack([np.tile(distance[:, None], (1, 64)), np.tile(distance, (64, 1))])[..., None]


def batches(real, amount, first_step=0):
    schedule = Schedule(epochs=1, steps_per_epoch=4, batch_size=3, seed=5)
    return [batch["pictures"].numpy() for batch in dataset(real, schedule, first_step, amount)]


def test_without_variety_pictures_are_the_training_masks(real):
    for batch in batches(real, 0.0):
        for picture in batch:
            assert any(np.array_equal(picture, one) for one in real)


def test_with_it_none_is_seen_twice(real):
    shown = np.concatenate([real, *batches(real, 1.0)])
    assert shown.dtype == np.float32 and np.abs(shown).max() <= 1
    apart = np.abs(shown[:, None] - shown[None]).mean(axis=(2, 3, 4))
    assert apart[~np.eye(len(shown), dtype=bool)].min() > 0.01


def test_a_resumed_training_sees_the_same_pictures(real):
    for whole, resumed in zip(batches(real, 1.0)[2:], batches(real, 1.0, first_step=2), strict=True):
        np.testing.assert_array_equal(whole, resumed)


@pytest.mark.parametrize("draw, modality, amount", [("masks", "fundus", 0.5), ("masks", "cells", 0.0),
                                                    ("photographs", "fundus", 0.0)])
def test_only_masks_of_eyes_are_varied(draw, modality, amount):
    config = Stage1Config(pairs="phantom", out="x", draw=draw, encoding="signed_distance", vary_masks=0.5)
    assert amount_of_variety(config, [replace(Sample("a", Path("a.png")), modality=modality)]) == amount


def test_outlines_cannot_be_bent():
    with pytest.raises(UserError, match="--encoding=signed_distance"):
        Stage1Config(pairs="phantom", out="x", vary_masks=1.0).check()

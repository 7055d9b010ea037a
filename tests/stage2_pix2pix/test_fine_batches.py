"""The crops that the fine network is trained on do not depend on what is kept in memory."""
from __future__ import annotations

import numpy as np
import pytest

from stage2_pix2pix.architectures.coarse_to_fine import inputs
from stage2_pix2pix.config import Stage2Config
from training.fit import Schedule

pytestmark = pytest.mark.training
CONFIG = Stage2Config(pairs="drive:x", out="x", size=64, crop=64, architecture="coarse_to_fine")


def batches(pairs):
    return list(inputs.fine_batches(inputs.Views(pairs), CONFIG, Schedule(1, 4, 2, seed=3), 0).as_numpy_iterator())


def test_crops_are_the_same_whatever_is_kept(pairs, monkeypatch):
    kept = batches(pairs)
    monkeypatch.setattr(inputs, "KEPT", 1)
    for batch, again in zip(kept, batches(pairs)):
        assert all(np.array_equal(batch[name], again[name]) for name in batch)


def test_crops_are_rounded_to_float16_as_ever(pairs):
    for batch in batches(pairs):
        for planes in (batch["known"], batch["photograph"]):
            assert planes.dtype == np.float32 and np.array_equal(planes, planes.astype(np.float16))
        assert set(np.unique(batch["known"][..., :2])) <= {-1, 1} and np.abs(batch["photograph"]).max() <= 1

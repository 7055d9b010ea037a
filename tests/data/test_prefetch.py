"""Batches are prepared while the network works, also where operations have to be repeatable."""
from __future__ import annotations

import time

import pytest

from stage2_pix2pix.architectures.coarse_to_fine.inputs import Views, fine_batches
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import dataset as stage2_dataset
from training.devices import set_seed
from training.fit import Schedule
from unet_eval.config import UnetConfig
from unet_eval.inputs import RealPairs
from unet_eval.inputs import dataset as unet_dataset

pytestmark = pytest.mark.training
COMMON = {"pairs": "drive:x", "out": "x"}
SCHEDULE = Schedule(epochs=1, steps_per_epoch=20, batch_size=2, seed=0)


class Counted:
    """A data set that counts how often it is read."""

    def __init__(self, inner):
        self.inner, self.reads = inner, 0

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, index):
        self.reads += 1
        return self.inner[index]

    def __getattr__(self, name):
        return getattr(self.inner, name)


@pytest.mark.parametrize("stage", ["unet", "pix2pix", "coarse_to_fine"])
def test_the_next_batches_are_made_before_they_are_asked_for(views, pairs, stage):
    set_seed(0)
    if stage == "unet":
        counted = Counted(RealPairs(views, "grey"))
        batches = unet_dataset(counted, UnetConfig(**COMMON, crop=32, augmentation="strong", rotate=20.0, elastic=3.0),
                               SCHEDULE)
    elif stage == "pix2pix":
        counted = Counted(pairs)
        batches = stage2_dataset(counted, Stage2Config(**COMMON, size=64, noise=1), SCHEDULE)
    else:
        counted = Counted(Views(pairs))
        batches = fine_batches(counted, Stage2Config(**COMMON, size=64, crop=64), SCHEDULE, 0)
    rest = iter(batches)
    next(rest)
    until = time.monotonic() + 20
    while counted.reads < 3 * SCHEDULE.batch_size and time.monotonic() < until:
        time.sleep(0.05)
    assert counted.reads >= 3 * SCHEDULE.batch_size  # the one that was asked for, and two that wait

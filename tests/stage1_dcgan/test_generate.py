"""Which training mask a drawn one is shown beside."""
from __future__ import annotations

import numpy as np
import pytest

from stage1_dcgan.generate import nearest


@pytest.mark.parametrize("index", [0, 2])
def test_the_nearest_training_mask_is_the_one_it_was_copied_from(eye, index):
    training = [eye(seed)[1][30:542, 20:532] for seed in range(4)]
    copy = np.roll(training[index], (2, -2), axis=(0, 1))
    copy[:40] = 0
    assert nearest(copy, training) == index

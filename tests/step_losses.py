"""Losses of the first steps of a GAN, for tests that compare two ways to compute a step."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from training import devices

STEPS = 20


def losses_of(make, step_of):
    """float (STEPS, 2), of D and of G: `make` -> (GAN, batch), always from the same weights; `step_of` takes both."""
    devices.set_seed(0)
    gan, batch = make()
    step, shown = tf.function(lambda: step_of(gan, batch)), []
    for _ in range(STEPS):
        gan.reset_metrics()
        losses = step()
        shown.append([float(losses[name]) for name in ("d_loss", "g_loss")])
    return np.array(shown)


def assert_same_losses(make, apart):
    """That a step of the GAN has the losses of `apart`, another way to compute it."""
    together, one_by_one = losses_of(make, lambda gan, batch: gan.train_step(batch)), losses_of(make, apart)
    assert np.ptp(together, axis=0).min() > 0.01
    assert together[:10] == pytest.approx(one_by_one[:10], rel=1e-4)
    assert together == pytest.approx(one_by_one, rel=1e-2)  # rounding grows: Adam divides by the gradient

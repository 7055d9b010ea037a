"""Distances from a cloud tell what its points were mixed of."""
from __future__ import annotations

import numpy as np
import pytest

from training.cloud import mahalanobis


def test_distances_of_a_round_cloud_are_those_in_its_deviations():
    cloud = np.random.default_rng(0).normal([5, -2], [1, 10], size=(20_000, 2))
    assert mahalanobis(np.array([[5.0, -2], [7, -2], [5, 18]]), cloud) == pytest.approx([0, 4, 4], rel=0.06, abs=0.01)


def test_what_a_cloud_was_mixed_of_is_told_from_others():
    random = np.random.default_rng(1)
    own, others = random.normal(size=(8, 12)), random.normal(size=(8, 12))
    mixed = random.dirichlet(np.ones(8), size=300) @ own
    assert mahalanobis(own, mixed).max() < mahalanobis(others, mixed).min()
    alike = random.normal(size=(300, 12))
    assert mahalanobis(own, alike).max() > mahalanobis(others, alike).min()

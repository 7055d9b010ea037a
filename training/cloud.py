"""How far points lie from a cloud of others, for attacks that ask what the cloud was made of."""
from __future__ import annotations

import numpy as np

RIDGE = 0.01  # of the cloud's variance, in every direction: less would be rounding and noise


def mahalanobis(points: np.ndarray, cloud: np.ndarray) -> np.ndarray:
    """float (N, K), (M, K) -> (N,): squared distances of points from the middle of a cloud, in the cloud's own
    deviations in every direction.

    Mixtures of a few points lie in a space of few directions. Those points have small distances, others large ones.
    """
    middle, deviation = cloud.mean(axis=0), np.maximum(cloud.std(axis=0), 1e-6)
    points, cloud = (points - middle) / deviation, (cloud - middle) / deviation
    covariance = cloud.T @ cloud / len(cloud) + RIDGE * np.eye(cloud.shape[1])
    return np.einsum("nk,nk->n", points @ np.linalg.inv(covariance), points)

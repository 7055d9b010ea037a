"""A network that judges photographs and that no photograph has trained."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from data.fundus import View
from data.randomness import numpy_generator
from unet_eval.networks import unet
from unet_eval.segment import as_graph, bottleneck, features

BASE, POOLINGS, KIND = 8, 4, "green_clahe"
WEIGHTS = 0  # a stream of random numbers (data/randomness.py)


def fixed_features() -> Callable[[View], np.ndarray]:
    """view -> float32 (n, C), as `segment.features`, of a U-Net with random weights, always the same ones.

    Features of random convolutions serve where a data set is unlike those that networks are trained on (Naeem et al.,
    Reliable Fidelity and Diversity Metrics for Generative Models, ICML 2020, Section 4.1). They cannot favour the real
    photographs that they were trained on, for there are none.
    """
    encoder = bottleneck(unet(BASE, POOLINGS))
    for number, weight in enumerate(encoder.trainable_variables):
        if "kernel" in weight.name:
            fan_in = np.prod(weight.shape[:-1])
            weight.assign(numpy_generator(0, number, WEIGHTS).normal(0, np.sqrt(2 / fan_in), weight.shape))
    answer = as_graph(encoder)
    return lambda view: features(answer, view, KIND, POOLINGS)

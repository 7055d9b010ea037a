from __future__ import annotations

import pytest

begun = {}


@pytest.fixture
def training(request, views, pairs):
    """The named network at its first weights; built once, since tracing takes longer than training."""
    from tests.training.three_networks import MAKERS  # TensorFlow takes long to import, and not all tests need it
    from training import devices

    name = request.param
    if name not in begun:
        devices.set_seed(1)
        begun[name] = MAKERS[name](views, pairs)
    begun[name].begin()
    return begun[name]

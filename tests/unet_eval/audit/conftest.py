"""Drawn eyes as records of an audit; the eyes of tests/conftest.py have too few vessels to be told apart."""
from __future__ import annotations

import pytest

from unet_eval.audit import controls


@pytest.fixture(scope="session")
def eyes():
    """eyes(numbers): Records of drawn eyes, each a patient of its own."""
    drawn, _ = controls.eyes_twice(14, seed=99)
    return drawn.take

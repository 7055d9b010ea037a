"""Colours that the coarse-to-fine architecture draws: light that nowhere turns green."""
from __future__ import annotations

import numpy as np
import pytest

from stage2_pix2pix import inputs
from stage2_pix2pix.architectures.coarse_to_fine.inputs import drawn_codes, light, redness


@pytest.fixture
def reddish():
    """Codes of 18 photographs, (18, 21): a red ground, the light of which falls off to the rim, red most and most
    differently."""
    mean = np.zeros((7, 3))
    mean[0], mean[1], mean[5:] = (0.3, -0.5, -0.9), 0.1, (-0.8, -0.5, -0.1)
    deviation = np.full((7, 3), 0.02)
    deviation[[0, 2, 3, 4, 5, 6], 0] = 0.2
    chance = np.random.default_rng(0).normal(size=(18, 7, 3))
    return (mean + deviation * chance).reshape(18, 21).astype(np.float32)


def test_redness_is_that_of_the_greenest_point_in_the_circle():
    code = np.zeros(21, np.float32)
    code[:3] = 0.4, -0.2, -0.5
    assert redness(code) == pytest.approx(0.6)
    code[6] = -0.5  # red falls off downwards: at the rim 0.6 - 0.5, in the corner it would be the same; across, less
    code[9] = -0.5  # and to the right: at the rim 0.6 - 0.5 * 2 ** 0.5, in the corner 0.6 - 1
    assert redness(code) == pytest.approx(0.6 - 0.5 * 2 ** 0.5, abs=0.01)
    assert (light(code)[..., 0] - light(code)[..., 1]).min() == pytest.approx(-0.4, abs=1e-6)


def test_drawn_light_is_nowhere_green(reddish):
    photographs = np.mean([redness(code) for code in reddish])
    plain, drawn = inputs.drawn_codes(reddish, 0), drawn_codes(reddish, 0)
    assert min(redness(code) for code in plain) < 0 < photographs, "or the test shows nothing"
    assert min(redness(code) for code in drawn) > 0.2 * photographs
    changed = (plain != drawn).any(axis=1)
    assert 0 < changed.mean() < 0.5
    assert all(redness(code) < 0.26 * photographs for code in plain[changed]), "the others stay as they are"


@pytest.mark.parametrize("channels", ([0, 0, 0], [1, 0, 2]))
def test_photographs_that_are_grey_or_green_keep_their_variety(reddish, channels):
    codes = reddish.reshape(18, 7, 3)[..., channels].reshape(18, 21)
    np.testing.assert_array_equal(drawn_codes(codes, 0), inputs.drawn_codes(codes, 0))


def test_one_photograph_has_one_colour(reddish):
    np.testing.assert_allclose(drawn_codes(reddish[:1], 0), np.tile(reddish[:1], (200, 1)), atol=1e-5)

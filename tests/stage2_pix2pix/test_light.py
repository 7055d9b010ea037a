"""What the coarse-to-fine architecture draws for a rendering: light that nowhere turns green, and where the disc is."""
from __future__ import annotations

import numpy as np
import pytest

from stage2_pix2pix import inputs
from stage2_pix2pix.architectures.coarse_to_fine.coarse import (
    COARSE,
    COLOURED,
    disc_of,
    drawn_codes,
    light,
    redness,
)


@pytest.fixture
def reddish():
    """Codes of 18 photographs, (18, 23): a red ground, the light of which falls off to the rim, red most and most
    differently; discs 0.6 coarse pixels below the point where vessels meet, and 2.5 beside it."""
    mean = np.zeros((7, 3))
    mean[0], mean[1], mean[5:] = (0.3, -0.5, -0.9), 0.1, (-0.8, -0.5, -0.1)
    deviation = np.full((7, 3), 0.02)
    deviation[[0, 2, 3, 4, 5, 6], 0] = 0.2
    random = np.random.default_rng(0)
    colours = (mean + deviation * random.normal(size=(18, 7, 3))).reshape(18, COLOURED)
    return np.hstack([colours, [0.6, 2.5] + random.normal(size=(18, 2)) * [1.3, 0.7]]).astype(np.float32)


def test_redness_is_that_of_the_greenest_point_in_the_circle():
    code = np.zeros(COLOURED, np.float32)
    code[:3] = 0.4, -0.2, -0.5
    assert redness(code) == pytest.approx(0.6)
    code[6] = -0.5  # red falls off downwards: at the rim 0.6 - 0.5, in the corner it would be the same; across, less
    code[9] = -0.5  # and to the right: at the rim 0.6 - 0.5 * 2 ** 0.5, in the corner 0.6 - 1
    assert redness(code) == pytest.approx(0.6 - 0.5 * 2 ** 0.5, abs=0.01)
    assert (light(code)[..., 0] - light(code)[..., 1]).min() == pytest.approx(-0.4, abs=1e-6)


def test_drawn_light_is_nowhere_green(reddish):
    photographs = np.mean([redness(code) for code in reddish])
    plain, drawn = inputs.drawn_codes(reddish[:, :COLOURED], 0), drawn_codes(reddish, 0)[:, :COLOURED]
    assert min(redness(code) for code in plain) < 0 < photographs, "or the test shows nothing"
    assert min(redness(code) for code in drawn) > 0.2 * photographs
    changed = (plain != drawn).any(axis=1)
    assert 0 < changed.mean() < 0.5
    assert all(redness(code) < 0.26 * photographs for code in plain[changed]), "the others stay as they are"


@pytest.mark.parametrize("channels", ([0, 0, 0], [1, 0, 2]))
def test_photographs_that_are_grey_or_green_keep_their_variety(reddish, channels):
    colours = reddish[:, :COLOURED].reshape(18, 7, 3)[..., channels].reshape(18, COLOURED)
    drawn = drawn_codes(np.hstack([colours, reddish[:, COLOURED:]]), 0)
    np.testing.assert_array_equal(drawn[:, :COLOURED], inputs.drawn_codes(colours, 0))


def test_one_photograph_has_one_colour_and_its_disc_at_either_side(reddish):
    drawn = drawn_codes(reddish[:1], 0)
    drawn[:, -1] = np.abs(drawn[:, -1])
    np.testing.assert_allclose(drawn, np.tile(reddish[:1], (200, 1)), atol=1e-5)


def test_discs_lie_as_far_beside_the_vessels_as_those_of_photographs_at_either_side(reddish):
    reddish[::2, -1] *= -1  # right eyes
    drawn, meeting = drawn_codes(reddish, 0), np.array([300.0, 200.0])
    down, across = np.transpose([disc_of(code, meeting, 480) - meeting for code in drawn]) / (480 / COARSE)
    own = reddish[:, COLOURED:]
    for values, photographs in ((down, own[:, 0]), (np.abs(across), np.abs(own[:, 1]))):
        assert np.mean(values) == pytest.approx(photographs.mean(), abs=0.2)
        assert 0.3 * photographs.std() < np.std(values) < photographs.std()
    assert 0.4 < (across > 0).mean() < 0.6

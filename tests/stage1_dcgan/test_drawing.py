"""What becomes of drawings before they are cut or traced."""
from __future__ import annotations

import numpy as np

from stage1_dcgan.drawing import Recipe, Tree

SIZE = 128
UNCHANGED = 1e-6  # of an amount of variety; none at all would leave the margin in
INSIDE = np.ones((SIZE, SIZE), bool)


def field(row):
    """float32 (64, 64): a bright row; two rows at each side are margin."""
    return np.where(np.arange(64)[:, None] == row, 1, -1).astype(np.float32).repeat(64, axis=1)


def test_the_margin_of_a_varied_drawing_is_left_out():
    recipe = Recipe(SIZE, UNCHANGED, Tree(), INSIDE)
    inner, outer = recipe.varied(field(2), 0, 0), recipe.varied(field(1), 0, 0)
    assert inner.shape == outer.shape == (SIZE, SIZE)
    edge = np.s_[[0, -1], SIZE // 4:SIZE // 2]  # the drawing is mirrored at most left to right
    assert inner[edge].max() > 0.5 and outer.max() < 0


def test_a_drawing_that_is_not_varied_stays_as_it_is():
    drawn = field(1)
    assert Recipe(SIZE, 0, Tree(), INSIDE).varied(drawn, 0, 0) is drawn

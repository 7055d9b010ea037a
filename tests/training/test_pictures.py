"""Grids of pictures."""
from __future__ import annotations

import numpy as np

from training.pictures import grid


def test_a_grid_has_every_picture_in_its_place():
    pictures = [np.full((10, 12), value, np.uint8) for value in (10, 20, 30, 40, 50)]
    sheet = grid(pictures, columns=2)
    assert sheet.shape == (3 * 14 - 4, 2 * 16 - 4, 3)
    assert [int(sheet[row, column, 0]) for row in (5, 19, 33) for column in (5, 21)] == [10, 20, 30, 40, 50, 128]


def test_coloured_pictures_and_single_channels_share_a_grid():
    colour = np.full((6, 6, 3), (200, 100, 0), np.uint8)
    sheet = grid([colour, np.full((6, 6, 1), 7, np.uint8)], columns=2)
    assert sheet[3, 3].tolist() == [200, 100, 0] and sheet[3, 13].tolist() == [7, 7, 7]

"""Distances are exact, and the same from call to call, where OpenCV's are not."""
from __future__ import annotations

import warnings

import numpy as np
from scipy import ndimage

from data.distances import to_background


def test_distances_are_exact_and_do_not_change(eye):
    mask = eye(3)[1] == 0
    exact = ndimage.distance_transform_edt(mask).astype(np.float32)
    for number in range(1, 60):
        _ = np.empty(number * 997, np.uint8)  # the copy lies elsewhere in memory, to which OpenCV's last digit is due
        assert np.array_equal(to_background(mask.copy()), exact)


def test_a_mask_without_background_is_far_from_it():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for shape in ((40, 30), (5, 7)):
            assert (to_background(np.ones(shape, bool)) > 50).all()
    assert not to_background(np.zeros((4, 3), np.uint8)).any()

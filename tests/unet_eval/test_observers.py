"""The network that no photograph has trained."""
from dataclasses import replace

import cv2
import numpy as np
from tensorflow import keras

from unet_eval.measures.distances import frechet
from unet_eval.observers import fixed_features


def test_it_is_always_the_same_and_leaves_no_trace(views):
    keras.utils.set_random_seed(1)
    first = fixed_features()(views[0])
    keras.utils.set_random_seed(2)
    assert np.array_equal(fixed_features()(views[0]), first)
    assert first.shape[1] == 128 and 8 <= len(first) <= 16 and np.isfinite(first).all()


def test_it_tells_blurred_photographs_from_sharp_ones(views):
    look = fixed_features()
    one, other = look(views[0]), look(views[1])
    blurred = look(replace(views[1], image=cv2.GaussianBlur(views[1].image, (0, 0), 3)))
    assert frechet(one, blurred) > 2 * frechet(one, other)

"""The order of examples and their random numbers, and the same of all three stages' data sets."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import stage1_dcgan.inputs
import stage2_pix2pix.inputs
import unet_eval.inputs
from data.pipeline import examples, order, uniform
from training.fit import Schedule


def test_every_pass_is_a_permutation_of_its_own():
    passes = order(count=7, length=35, seed=3).reshape(5, 7)
    assert all(sorted(one) == list(range(7)) for one in passes.tolist())
    assert len({tuple(one) for one in passes.tolist()}) == 5
    assert order(7, 35, 4).tolist() != passes.ravel().tolist()


def test_a_longer_training_begins_like_a_shorter_one():
    assert np.array_equal(order(5, 43, 1)[:17], order(5, 17, 1))


def test_examples_from_the_middle_are_those_of_the_whole():
    whole = list(examples(5, 4, 6, seed=2).as_numpy_iterator())
    rest = list(examples(5, 4, 6, seed=2, first_step=4).as_numpy_iterator())
    assert rest == whole[16:] and len(whole) == 24
    assert [number for _, number in whole] == list(range(24))


def test_random_numbers_follow_from_seed_number_and_stream():
    base = uniform(1, tf.constant(5, tf.int64), (1000,)).numpy()
    assert np.array_equal(base, uniform(1, 5, (1000,)))
    assert 0 <= base.min() and base.max() < 1 and abs(base.mean() - 0.5) < 0.05
    for other in (uniform(2, 5, (1000,)), uniform(1, 6, (1000,)), uniform(1, 5, (1000,), stream=1)):
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.2


def stage1(views, schedule, step):
    artist = stage1_dcgan.inputs.Artist(64, 4, "signed_distance", 8.0)
    return stage1_dcgan.inputs.dataset(stage1_dcgan.inputs.pictures(views, artist), schedule, step)


def stage2(views, schedule, step):
    renderer = stage2_pix2pix.inputs.Renderer(64, 4, "none", 0.5, "resize", True, True, 2, False)
    pairs = stage2_pix2pix.inputs.Pairs.of(views, 64)
    return stage2_pix2pix.inputs.dataset(pairs, renderer, True, schedule, step)


def unet(views, schedule, step):
    crops = unet_eval.inputs.Crops(32, "strong", 20.0, 3.0)
    return unet_eval.inputs.dataset(unet_eval.inputs.RealPairs(views, "green_clahe"), crops, schedule, step)


@pytest.mark.parametrize("make", [stage1, stage2, unet])
def test_a_data_set_goes_on_where_it_stopped(views, make):
    schedule = Schedule(epochs=3, steps_per_epoch=2, batch_size=2, seed=5)
    whole = [tf.nest.flatten(batch) for batch in make(views, schedule, 0).as_numpy_iterator()]
    rest = [tf.nest.flatten(batch) for batch in make(views, schedule, 3).as_numpy_iterator()]
    assert len(whole) == 6 and len(rest) == 3
    for one, other in zip(whole[3:], rest):
        assert all(np.array_equal(a, b) for a, b in zip(one, other))
    # no two batches are alike in what is random
    assert len({b"".join(part.tobytes() for part in batch) for batch in whole}) == 6


@pytest.mark.parametrize("make", [stage1, stage2, unet])
def test_another_seed_gives_other_batches(views, make):
    first = [tf.nest.flatten(next(make(views, Schedule(1, 1, 2, seed), 0).as_numpy_iterator())) for seed in (0, 1)]
    changed = [not np.array_equal(a, b) for a, b in zip(*first)]
    assert sum(changed) >= len(changed) - 1  # round fields of view are alike


def test_a_batch_larger_than_the_set_repeats_some(views):
    batch = next(stage1(views, Schedule(1, 1, 7, 0), 0).as_numpy_iterator())
    assert batch["pictures"].shape == (7, 64, 64, 1)
    assert len({picture.tobytes() for picture in batch["pictures"]}) == 3
    assert len({z.tobytes() for z in batch["z"]}) == 7

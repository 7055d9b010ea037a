"""The order of examples, and that all three stages' data sets follow from their seed."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import stage1_dcgan.inputs
import stage2_pix2pix.inputs
import unet_eval.inputs
from data.errors import UserError
from data.pipeline import examples, order, read, user_errors
from stage1_dcgan.config import Stage1Config
from stage2_pix2pix.config import Stage2Config
from training.fit import Schedule
from unet_eval.config import UnetConfig

pytestmark = pytest.mark.training

COMMON = {"pairs": "drive:x", "out": "x"}


def test_every_pass_is_a_permutation_of_its_own():
    passes = order(count=7, length=35, seed=3).reshape(5, 7)
    assert all(sorted(indices) == list(range(7)) for indices in passes.tolist())
    assert len({tuple(indices) for indices in passes.tolist()}) == 5
    assert order(7, 35, 4).tolist() != passes.ravel().tolist()


def test_a_longer_training_begins_like_a_shorter_one():
    assert np.array_equal(order(5, 43, 1)[:17], order(5, 17, 1))


def test_examples_from_the_middle_are_those_of_the_whole():
    whole = list(examples(5, 4, 6, seed=2).as_numpy_iterator())
    rest = list(examples(5, 4, 6, seed=2, first_step=4).as_numpy_iterator())
    assert rest == whole[16:] and len(whole) == 24
    assert [number for _, number in whole] == list(range(24))


def fail(index):
    if index == 3:
        raise UserError(f"row {index} is damaged")
    return np.int64(index)


def test_nothing_is_tuned_in_the_background():
    """The thread that does so is waited for at the end of a training, the longer the more steps it had."""
    assert not examples(3, 2, 4, 0).map(lambda index, number: index).options().autotune.enabled


def test_an_error_of_the_user_in_a_pipeline_arrives_as_itself():
    """TensorFlow passes on its text only, with that of the traceback."""
    def mapped(function):
        return tf.data.Dataset.range(5).map(lambda index: read(function, [index], tf.int64))

    assert list(mapped(lambda index: index).as_numpy_iterator()) == [0, 1, 2, 3, 4]
    for _ in range(2):
        with pytest.raises(UserError) as error, user_errors():
            list(mapped(fail))
        assert str(error.value) == "row 3 is damaged"
    with pytest.raises(tf.errors.OpError), user_errors():
        list(mapped(lambda index: {}[index]))  # a fault of the project stays one, and no older error is shown for it


def stage1(views, pairs, schedule, step):
    config = Stage1Config(**COMMON, size=64, encoding="signed_distance")
    return stage1_dcgan.inputs.dataset(stage1_dcgan.inputs.pictures(views, config), schedule, step)


def stage2(views, pairs, schedule, step):
    config = Stage2Config(**COMMON, size=64, tell_fov=True, colour_code=True, noise=2, flips=True)
    return stage2_pix2pix.inputs.dataset(pairs, config, schedule, step)


def unet(views, pairs, schedule, step):
    config = UnetConfig(**COMMON, crop=32, augmentation="strong", rotate=20.0, elastic=3.0, texture=0.1)
    return unet_eval.inputs.dataset(unet_eval.inputs.RealPairs(views, "green_clahe"), config, schedule, step)


@pytest.mark.parametrize("make", [stage1, stage2, unet])
def test_a_data_set_goes_on_where_it_stopped(views, pairs, make):
    schedule = Schedule(epochs=3, steps_per_epoch=2, batch_size=2, seed=5)
    whole = [tf.nest.flatten(batch) for batch in make(views, pairs, schedule, 0).as_numpy_iterator()]
    rest = [tf.nest.flatten(batch) for batch in make(views, pairs, schedule, 3).as_numpy_iterator()]
    assert len(whole) == 6 and len(rest) == 3
    for batch, again in zip(whole[3:], rest):
        assert all(np.array_equal(a, b) for a, b in zip(batch, again))
    # no two batches are alike in what is random
    assert len({b"".join(part.tobytes() for part in batch) for batch in whole}) == 6


@pytest.mark.parametrize("make", [stage1, stage2, unet])
def test_another_seed_gives_other_batches(views, pairs, make):
    first = [tf.nest.flatten(next(make(views, pairs, Schedule(1, 1, 2, seed), 0).as_numpy_iterator()))
             for seed in (0, 1)]
    changed = [not np.array_equal(a, b) for a, b in zip(*first)]
    assert sum(changed) >= len(changed) - 1  # round fields of view are alike


def test_a_batch_larger_than_the_set_repeats_some(views, pairs):
    batch = next(stage1(views, pairs, Schedule(1, 1, 7, 0), 0).as_numpy_iterator())
    assert batch["pictures"].shape == (7, 64, 64, 1)
    assert len({picture.tobytes() for picture in batch["pictures"]}) == 3
    assert len({z.tobytes() for z in batch["z"]}) == 7

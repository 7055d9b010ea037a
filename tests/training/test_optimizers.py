"""Adam in one operation is Keras's Adam."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from training.optimizers import Adam

STEPS = 20
OPTIONS = [{"learning_rate": 2e-4, "beta_1": 0.5},
           {"learning_rate": keras.optimizers.schedules.CosineDecay(1e-2, STEPS)},
           {"learning_rate": 3e-4, "beta_1": 0.5, "use_ema": True, "ema_momentum": 0.9}]


@pytest.mark.parametrize("options", OPTIONS)
def test_weights_and_slots_are_those_of_keras_after_20_steps(options):
    random = np.random.default_rng(0)
    start = random.normal(size=(33, 5)).astype(np.float32)
    pair = [(kind(**options), tf.Variable(start, name="kernel")) for kind in (keras.optimizers.Adam, Adam)]

    @tf.function
    def update(gradient):
        for optimizer, weight in pair:
            optimizer.apply_gradients([(gradient, weight)])

    for _ in range(STEPS):
        update(tf.constant(random.normal(size=start.shape) * 10.0 ** random.integers(-6, 2), tf.float32))
    (keras_adam, expected), (adam, weight) = pair
    assert np.abs(expected.numpy() - start).max() > 1e-3
    assert weight.numpy() == pytest.approx(expected.numpy(), abs=2e-6)
    for variable, other in zip(adam.variables, keras_adam.variables):
        assert variable.name.split("/")[1:] == other.name.split("/")[1:]  # before it Adam and Adam_1
        # One of them rounds 1 - 0.999, the other 0.999.
        assert variable.numpy() == pytest.approx(other.numpy(), rel=3e-5, abs=1e-9), variable.name


def test_an_update_is_one_operation_for_each_weight():
    optimizer, weights = Adam(), [tf.Variable(tf.ones((4, 4))), tf.Variable(tf.ones((4,)))]
    optimizer.build(weights)

    @tf.function
    def update():
        optimizer.apply_gradients([(tf.ones_like(weight), weight) for weight in weights])

    kinds = [operation.type for operation in update.get_concrete_function().graph.get_operations()]
    assert kinds.count("ResourceApplyAdam") == 2
    assert "AssignSubVariableOp" not in kinds
    assert kinds.count("AssignAddVariableOp") == 1  # iterations


def test_a_checkpoint_of_keras_s_adam_is_restored(tmp_path):
    weight = tf.Variable(tf.ones((3,)))
    before = keras.optimizers.Adam(0.1)
    before.apply_gradients([(tf.constant([1.0, 2.0, 3.0]), weight)])
    path = tf.train.Checkpoint(optimizer=before).write(str(tmp_path / "ckpt"))
    after = Adam(0.1)
    after.build([weight])
    tf.train.Checkpoint(optimizer=after).read(path).assert_consumed()
    assert [v.numpy().tolist() for v in after.variables] == [v.numpy().tolist() for v in before.variables]

"""Optimizers."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras


class Adam(keras.optimizers.Adam):
    """Keras's Adam, with the update of a weight in one operation.

    Keras computes it in a dozen, each of which reads and writes whole arrays. At a batch of one this takes a large part
    of a step. Variables, names and options are Keras's, and so are results but for rounding. Gradients are dense.
    """

    def update_step(self, gradient, variable):
        index = self._index_dict[self._var_key(variable)]
        rate, beta_1, beta_2, epsilon = (tf.cast(value, variable.dtype) for value in (
            self.learning_rate, self.beta_1, self.beta_2, self.epsilon))
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle, m=self._momentums[index].handle, v=self._velocities[index].handle,
            beta1_power=tf.pow(beta_1, step), beta2_power=tf.pow(beta_2, step), lr=rate, beta1=beta_1, beta2=beta_2,
            epsilon=epsilon, grad=gradient)

"""Batches that do not fit into memory: the gradients of their parts are computed one after the other and added up."""
from __future__ import annotations

import threading
from collections.abc import Callable

import tensorflow as tf
from tensorflow import keras


def accumulate(model: keras.Model, parts: int) -> None:
    """Makes the compiled `model` train on each batch in `parts` of equal size.

    It is updated as by the whole batch, for every loss is a mean over examples; but batch norm sees one part at a time.
    A step of several updates, as a GAN's, is gone through once for each of them, so that a later update follows from
    what an earlier one made of the whole batch; what only serves the other updates is not computed then. The losses
    that Keras shows are means over all of that.
    """
    whole = model.train_step
    here = threading.local()  # replicas run in a thread each
    for optimizer in vars(model).values():
        if isinstance(optimizer, keras.optimizers.Optimizer):
            _record(optimizer, here)

    def train_step(batch):
        update, updates = 0, 1
        while update < updates:
            total = None
            for part in _split(batch, parts):
                here.updates = []
                with tf.control_dependencies([value for value in total or [] if value is not None]):
                    shown = whole(part)
                recorded, here.updates, updates = here.updates, None, len(here.updates)
                optimizer, gradients, weights = recorded[update]
                total = gradients if total is None else _each(tf.add, total, gradients)
            total = _each(lambda value, _: value / parts, total, total)
            optimizer.apply_gradients(zip(total, weights))
            update += 1
        return shown

    model.train_step = train_step


def _record(optimizer: keras.optimizers.Optimizer, here: threading.local) -> None:
    """Has the optimizer note its updates in here.updates in place of making them, where that is a list."""
    apply = optimizer.apply_gradients

    def noted(grads_and_vars, *arguments, **options):
        if getattr(here, "updates", None) is None:
            return apply(grads_and_vars, *arguments, **options)
        gradients, weights = zip(*grads_and_vars)
        here.updates.append((optimizer, list(gradients), list(weights)))

    optimizer.apply_gradients = noted


def _split(batch, parts: int) -> list:
    """The batch, any structure of tensors (B, ...), in parts (B / parts, ...)."""
    split = [tf.split(value, parts) for value in tf.nest.flatten(batch)]
    return [tf.nest.pack_sequence_as(batch, list(part)) for part in zip(*split)]


def _each(function: Callable, first: list, second: list) -> list:
    """A weight that the loss does not depend on has no gradient, None."""
    return [None if a is None or b is None else function(a, b) for a, b in zip(first, second)]

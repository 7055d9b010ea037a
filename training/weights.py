"""Trained weights as files: HDF5 with numbers only, for models that code has built."""
from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

from tensorflow import keras

from data.images import DataError


def save_weights(model: keras.Model, path: Path) -> None:
    """Complete or absent."""
    partial = path.with_name(f".partial-{path.name}")
    model.save_weights(partial)
    os.replace(partial, path)


def load_weights(model: keras.Model, path: Path, remedy: str) -> None:
    """Into a model of the same build; DataError with the `remedy` where the file is absent, damaged or another's.

    Only arrays are read, so a file from strangers cannot run code, as a saved whole model could.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: {remedy}")
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} does not fit or is damaged ({str(error).splitlines()[0][:120]}): {remedy}") from None


@contextmanager
def averaged(model: keras.Model, optimizer: keras.optimizers.Optimizer):
    """Within it `model` has the moving averages that `optimizer` keeps of its weights, if it keeps any."""
    if not optimizer.use_ema:
        yield
        return
    trained = model.get_weights()
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        model.set_weights(trained)

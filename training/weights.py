"""Trained weights as files: HDF5 with numbers only, for models that code has built."""
from __future__ import annotations

import importlib.metadata
import io
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from tensorflow import keras

from data.errors import UserError
from data.files import write_file


def save_weights(model: keras.Model, path: Path) -> None:
    """A file that Keras's `load_weights` reads, complete or absent; UserError where it cannot be written."""
    memory = io.BytesIO()  # on a full disk HDF5 would crash the interpreter, so Keras may not write it by itself
    with h5py.File(memory, "w") as file:
        file.attrs.update(layer_names=[layer.name for layer in model.layers], backend="tensorflow",
                          keras_version=importlib.metadata.version("keras"))
        for layer in model.layers:
            weights = layer.trainable_weights + layer.non_trainable_weights
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [weight.name for weight in weights]
            for weight in weights:
                group[weight.name] = weight.numpy()
    write_file(path, memory.getvalue())


def load_weights(model: keras.Model, path: Path, remedy: str) -> None:
    """Into a model of the same build; UserError with the `remedy` where the file is absent, damaged or another's.

    Only arrays are read, so a file from strangers cannot run code, as a saved whole model could.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: {remedy}")
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} does not fit or is damaged ({str(error).splitlines()[0][:120]}): {remedy}") from None


def save_array(array: np.ndarray, path: Path) -> None:
    """A .npy file, complete or absent; UserError where it cannot be written."""
    memory = io.BytesIO()
    np.save(memory, array)
    write_file(path, memory.getvalue())


def load_array(path: Path, remedy: str) -> np.ndarray:
    """What `save_array` wrote; UserError with the `remedy` where it is absent or damaged."""
    try:
        return np.load(path)  # which refuses pickles
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is missing or damaged ({error}): {remedy}") from None


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

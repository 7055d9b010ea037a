"""Trained weights as files: HDF5 with numbers only, for models that code has built."""
from __future__ import annotations

import io
from contextlib import contextmanager
from pathlib import Path

import h5py
from keras.src.saving.legacy import hdf5_format
from tensorflow import keras

from data.images import DataError
from training.run_folder import write_file


def save_weights(model: keras.Model, path: Path) -> None:
    """The file that Keras's `save_weights` writes, complete or absent; DataError where it cannot be written."""
    memory = io.BytesIO()  # on a full disk HDF5 would crash the interpreter
    with h5py.File(memory, "w") as file:
        hdf5_format.save_weights_to_hdf5_group(file, model)
    write_file(path, memory.getvalue())


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

"""Saves and loads trained weights and arrays. The files hold numbers only; the code builds the models."""
from __future__ import annotations

import hashlib
import importlib.metadata
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from tensorflow import keras

from data.errors import UserError, first_line
from data.files import write_file
from data.hdf5 import check_hdf5

CHECKSUM = "sha256"  # attribute of a file of weights


def save_weights(model: keras.Model, path: Path, half: bool = False) -> None:
    """Writes an HDF5 file that Keras's `load_weights` reads. It appears complete or not at all.

    half: matrices and kernels as float16; the model then has the rounded weights, too. Vectors, which take no room,
    stay as they are: variances of batch norm may exceed float16. Raises UserError if it cannot be written, or if a
    weight is too large for float16.
    """
    def stored(array):
        return array.astype(np.float16) if half and array.ndim > 1 else array

    if half:
        model.set_weights(list(map(stored, model.get_weights())))
        if not all(np.isfinite(array).all() for array in model.get_weights()):
            raise UserError(f"{path}: a weight is too large for float16: train with a lower --learning_rate")
    memory = io.BytesIO()  # written to memory first, because on a full disk HDF5 would crash Python
    with h5py.File(memory, "w") as file:
        file.attrs.update(layer_names=[layer.name for layer in model.layers], backend="tensorflow",
                          keras_version=importlib.metadata.version("keras"), **{CHECKSUM: _checksum(model)})
        for layer in model.layers:
            weights = layer.trainable_weights + layer.non_trainable_weights
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [weight.name for weight in weights]
            for weight in weights:
                group[weight.name] = stored(weight.numpy())
    write_file(path, memory.getvalue())


def load_weights(model: keras.Model, path: Path, remedy: str) -> None:
    """Loads what `save_weights` wrote into a model of the same architecture.

    Only arrays are read. A file from strangers therefore cannot run code, as a saved whole model could. Raises
    UserError with the `remedy` if the file is missing, damaged, or of another architecture. One changed bit is noticed.
    """
    _check_file(path, remedy)
    try:
        model.load_weights(path)
        with h5py.File(path) as file:
            stated = file.attrs.get(CHECKSUM)  # none in files of Keras's own, or of an earlier version
    except Exception as error:  # Keras raises many kinds, depending on which of the names that it expects is damaged
        why = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise UserError(f"{path} does not fit or is damaged ({why}): {remedy}") from None
    if stated is not None and stated != _checksum(model):
        raise UserError(f"{path} is damaged (its checksum is another one): {remedy}")


def take_weights(model: keras.Model, path: Path, remedy: str) -> list[str]:
    """Loads those weights of a file that have the name and shape of a weight of the model, and returns the names of the
    model's weights that none was found for.

    A name is the kind of the layer, its number among the layers of this kind, and what the weight is in it, such as
    "conv2d 3 kernel": Keras's own numbers depend on what else a process has built. Raises UserError with the `remedy`
    if the file is missing or damaged.
    """
    _check_file(path, remedy)
    try:
        with h5py.File(path) as file:
            layers = [(_text(layer), [_text(name) for name in file[layer].attrs["weight_names"]])
                      for layer in file.attrs["layer_names"]]
            given = {name: file[layer][own] for name, (layer, own) in _named(layers)}
            given = {name: array[()] for name, array in given.items() if array.dtype.kind == "f"}
    except Exception as error:  # whatever h5py raises, depending on which of the names that are expected is damaged
        raise UserError(f"{path} is damaged ({first_line(error)}): {remedy}") from None
    weights = {layer.name: {weight.name: weight for weight in layer.weights} for layer in model.layers}
    left = []
    for name, (layer, own) in _named((layer, list(of)) for layer, of in weights.items()):
        array = given.get(name)
        if array is None or array.shape != weights[layer][own].shape:
            left.append(name)
        elif not np.isfinite(array).all():
            raise UserError(f"{path} holds values that are no numbers, in {name}: {remedy}")
        else:
            weights[layer][own].assign(array.astype(np.float32))
    return left


def _named(layers: Iterable[tuple[str, list[str]]]) -> Iterator[tuple[str, tuple[str, str]]]:
    """(name as in `take_weights`, (layer, weight)) of each weight."""
    numbers = Counter()
    for layer, weights in layers:
        if weights:
            kind = re.sub(r"_\d+$", "", layer)
            for weight in weights:
                yield f"{kind} {numbers[kind]} {weight.split('/')[-1].partition(':')[0]}", (layer, weight)
            numbers[kind] += 1


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _check_file(path: Path, remedy: str) -> None:
    if not path.is_file():
        raise UserError(f"{path} is missing: {remedy}")
    check_hdf5(path, remedy)


def _checksum(model: keras.Model) -> str:
    """sha256 (hex) of all weights."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(array.tobytes())
    return digest.hexdigest()


def save_array(array: np.ndarray, path: Path) -> None:
    """Writes a .npy file. It appears complete or not at all. Raises UserError if it cannot be written."""
    memory = io.BytesIO()
    np.save(memory, array)
    write_file(path, memory.getvalue())


def load_array(path: Path, remedy: str) -> np.ndarray:
    """Reads what `save_array` wrote. Raises UserError with the `remedy` if the file is missing or damaged, or holds
    what is no finite number."""
    try:
        # Mapped, an array that claims more than the file holds takes no memory. Pickled objects, which could run code,
        # are refused.
        array = np.array(np.load(path, mmap_mode="r"))
    except Exception as error:  # NumPy reads the header as Python text, and raises whatever is wrong with that
        raise UserError(f"{path} is missing or damaged ({type(error).__name__}: {error}): {remedy}") from None
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise UserError(f"{path} is damaged (it holds values that are no numbers): {remedy}")
    return array


@contextmanager
def averaged(model: keras.Model, optimizer: keras.optimizers.Optimizer):
    """Inside this context, `model` has the moving averages of its weights, if `optimizer` keeps them."""
    if not optimizer.use_ema:
        yield
        return
    current = model.get_weights()
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        model.set_weights(current)

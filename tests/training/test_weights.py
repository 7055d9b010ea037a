"""Weights as files of numbers."""
from __future__ import annotations

import io
import pickle
import resource
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

import stage1_dcgan.networks
import stage2_pix2pix.networks
import unet_eval.networks
from data.errors import UserError
from training.weights import averaged, load_array, load_weights, save_array, save_weights


def network(units=8):
    return keras.Sequential([keras.layers.Dense(units, input_shape=(300,)), keras.layers.BatchNormalization()])


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights()))


@pytest.mark.parametrize("name", ["generator.h5", "weights.h5"])  # Keras writes *.weights.h5 in another format
def test_weights_come_back_into_another_network_of_the_build(tmp_path, name):
    one, other = network(), network()
    one.set_weights([np.random.default_rng(0).random(weight.shape) for weight in one.get_weights()])
    save_weights(one, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    load_weights(other, tmp_path / name, "")
    assert same(one, other)


NETWORKS = {"sequential": network,
            "dcgan generator": lambda: stage1_dcgan.networks.generator(64, 4),
            "dcgan discriminator, spectral": lambda: stage1_dcgan.networks.discriminator(64, 4, norm="spectral"),
            "pix2pix generator": lambda: stage2_pix2pix.networks.generator(64, 4, norm="instance"),
            "unet": lambda: unet_eval.networks.unet(4, 2)}


def arbitrary(make, seed):
    """A network whose numbers, of those that no optimizer trains too, are all different."""
    random, model = np.random.default_rng(seed), make()
    model.set_weights([random.random(weight.shape) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_keras_reads_what_is_written_and_the_other_way_round(tmp_path, make):
    keras.backend.clear_session()
    ours, theirs, loaded = (arbitrary(make, seed) for seed in range(3))
    assert not same(ours, theirs)
    save_weights(ours, tmp_path / "ours.h5")
    loaded.load_weights(tmp_path / "ours.h5")
    assert same(loaded, ours)
    theirs.save_weights(tmp_path / "theirs.h5")
    load_weights(loaded, tmp_path / "theirs.h5", "")
    assert same(loaded, theirs)


def test_an_array_comes_back_and_is_complete_or_absent(tmp_path):
    path = tmp_path / "codes.npy"
    save_array(np.arange(6.0), path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UserError, match="codes.npy: cannot be written"):
            save_array(np.arange(600.0), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load_array(path, "").tolist() == list(range(6)) and len(list(tmp_path.iterdir())) == 1


def test_arrays_that_are_not_there_or_pickled_are_refused(tmp_path):
    path = tmp_path / "codes.npy"
    memory = io.BytesIO()
    np.save(memory, np.zeros(600))
    whole = memory.getvalue()
    much = whole.replace(b"(600,)", b"(9" + b"0" * 12 + b",)")
    for content in (None, b"", b"garbage", pickle.dumps([1, 2]), b"PK\3\4 is no zip", whole[:-9], much,
                    whole.replace(b"{'descr'", b"{'''escr")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UserError, match="codes.npy is missing or damaged .*: train again"):
            load_array(path, "train again")
    np.save(path, np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(UserError):
        load_array(path, "train again")


def test_without_room_the_older_file_stays(tmp_path):
    path = tmp_path / "weights.h5"
    save_weights(network(), path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(UserError, match="weights.h5: cannot be written"):
            save_weights(network(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def refuses(path):
    with pytest.raises(UserError, match="make stage1") as error:
        load_weights(network(), path, "call make stage1")
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_absent_damaged_or_anothers_are_refused(tmp_path):
    path = tmp_path / "weights.h5"
    refuses(path)
    path.write_bytes(b"no HDF5 at all")
    refuses(path)
    save_weights(network(units=9), path)
    refuses(path)
    save_weights(network(), path)
    path.write_bytes(path.read_bytes()[:3000])
    refuses(path)


def test_one_changed_bit_of_a_weight_is_noticed(tmp_path):
    path = tmp_path / "weights.h5"
    save_weights(arbitrary(network, 0), path)
    with h5py.File(path, "r+") as file:
        kernel = next(file[name][weight] for name in file for weight in file[name].attrs["weight_names"]
                      if file[name][weight].shape == (300, 8))
        kernel[7, 3] *= -1
    with pytest.raises(UserError, match="weights.h5 is damaged .its checksum .*: train again"):
        load_weights(network(), path, "train again")


def test_weights_that_claim_all_memory_are_refused(tmp_path):
    path = tmp_path / "weights.h5"
    save_weights(network(), path)
    with h5py.File(path, "r+") as file:
        group, name = next((file[name], file[name].attrs["weight_names"][0]) for name in file
                           if len(file[name].attrs["weight_names"]))
        del group[name]
        group.create_dataset(name, (2 ** 22, 2 ** 22), np.float32, chunks=(64, 64))
    refuses(path)


def test_weights_that_lie_in_another_file_are_refused(tmp_path):
    """CVE-2026-1669: what the file of weights names, any file, would be read as numbers."""
    path, secret = tmp_path / "weights.h5", tmp_path / "secret"
    secret.write_bytes(bytes(300 * 8 * 4))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kernel"] = np.zeros((300, 8), np.float32)
    for link in (h5py.ExternalLink(str(tmp_path / "other.h5"), "kernel"), h5py.SoftLink("/"), None):
        save_weights(network(), path)
        with h5py.File(path, "r+") as file:
            group, name = next((file[name], file[name].attrs["weight_names"][0]) for name in file
                               if len(file[name].attrs["weight_names"]))
            del group[name]
            if link is None:
                group.create_dataset(name, (300, 8), np.float32, external=[(str(secret), 0, 9600)])
            else:
                group[name] = link
        refuses(path)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_not_executed(tmp_path):
    (tmp_path / "weights.h5").write_bytes(pickle.dumps(Bomb(tmp_path / "executed")))
    refuses(tmp_path / "weights.h5")
    assert not (tmp_path / "executed").exists()


def test_a_lambda_layer_is_not_executed(tmp_path):
    trap = tmp_path / "executed"
    model = keras.Sequential([keras.layers.Dense(8, input_shape=(300,)), keras.layers.BatchNormalization(),
                              keras.layers.Lambda(lambda x, path=str(trap): (open(path, "w").close(), x)[1])])
    model.save(tmp_path / "weights.h5")
    assert trap.exists()  # building it ran it, as loading the whole model would
    trap.unlink()
    with h5py.File(tmp_path / "weights.h5") as file:
        assert "Lambda" in file.attrs["model_config"]
    other = network()
    load_weights(other, tmp_path / "weights.h5", "")  # a whole model's arrays are read, its code is not
    assert np.array_equal(other.get_weights()[0], model.get_weights()[0])
    assert not trap.exists()


def test_within_averaged_a_network_has_its_averages():
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False, input_shape=(1,), kernel_initializer="ones")])
    optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75)
    optimizer.build(model.trainable_variables)
    optimizer.apply_gradients([(tf.constant([[-4.0]]), model.trainable_variables[0])])  # 1 -> 5
    with averaged(model, optimizer):
        assert model.get_weights()[0] == 0.75 * 1 + 0.25 * 5
    assert model.get_weights()[0] == 5
    with averaged(model, keras.optimizers.SGD()):
        assert model.get_weights()[0] == 5


def test_half_of_the_bytes_for_all_but_vectors(tmp_path):
    """A U-Net's variances reached 800,000, and float16 ends at 65,504."""
    layers = [keras.layers.Dense(64, input_shape=(100,)), keras.layers.BatchNormalization()]
    model = keras.Sequential(layers)
    vectors = [array * 800_000 for array in layers[1].get_weights()]
    layers[1].set_weights(vectors)
    kernel = layers[0].get_weights()[0]
    save_weights(model, tmp_path / "whole.h5")
    save_weights(model, tmp_path / "half.h5", half=True)
    assert (tmp_path / "half.h5").stat().st_size < 0.7 * (tmp_path / "whole.h5").stat().st_size
    layers[1].set_weights([0 * array for array in vectors])
    load_weights(model, tmp_path / "half.h5", "")
    assert all(np.array_equal(*pair) for pair in zip(layers[1].get_weights(), vectors))
    assert 0 < np.abs(layers[0].get_weights()[0] - kernel).max() < 1e-3
    layers[0].set_weights([kernel * 1e7, np.zeros(64)])
    with pytest.raises(UserError, match="too large for float16"):
        save_weights(model, tmp_path / "other.h5", half=True)
    assert not (tmp_path / "other.h5").exists()

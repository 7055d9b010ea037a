"""Trainings that start from the weights of another run, and which weights they may start from."""
from __future__ import annotations

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from tensorflow import keras

from configs.api import train
from data import layouts
from data.copies import fingerprints
from data.errors import UserError, listed
from data.files import checksum, read_json, write_json
from data.pairs import PairWriter
from data.synthmed.source import STAGES
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.train import build
from stage2_pix2pix.config import Stage2Config
from training.run_folder import read_record
from training.warm import WarmStart
from training.weights import save_weights, take_weights
from unet_eval.networks import unet

pytestmark = pytest.mark.training
SHORT = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 2, "precision": "float32", "strategy": "one", "size": 64,
         "base": 4}
NEVER = {"learning_rate": 1e-8}  # weights stay where they start


def arrays(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def alike(one, other):
    """Share of the arrays of two files that are the same, but for what the moving statistics of one step change."""
    one, other = arrays(one), arrays(other)
    return np.mean([np.allclose(one[name], other[name], atol=1e-4) for name in one if "moving" not in name])


def test_weights_are_taken_by_name_and_shape_whatever_was_built_before(tmp_path):
    other = unet(4, 2)
    other.set_weights([np.random.default_rng(0).random(array.shape) for array in other.get_weights()])
    save_weights(other, tmp_path / "weights.h5")
    same, wider, deeper = unet(4, 2), unet(8, 2), unet(4, 3)
    assert take_weights(same, tmp_path / "weights.h5", "") == []
    assert all(np.array_equal(*both) for both in zip(same.get_weights(), other.get_weights()))
    assert len(take_weights(wider, tmp_path / "weights.h5", "")) == len(wider.weights) - 1  # the last bias
    left = take_weights(deeper, tmp_path / "weights.h5", "")
    assert "conv2d 0 kernel" not in left and "conv2d_transpose 0 kernel" in left
    assert np.array_equal(deeper.layers[1].kernel, other.layers[1].kernel)


def test_the_log_says_which_weights_a_warm_start_did_not_take(drive, tmp_path, unet_config, caplog):
    caplog.set_level("INFO", logger="absl")
    config = unet_config(out="x", warm_start=str(tmp_path))
    (tmp_path / "unet-real").mkdir()
    write_json(tmp_path / "unet-real/seen.json", {"images": fingerprints(layouts.training(drive, 1)[0])})
    path, (same, deeper) = tmp_path / "unet-real/weights.h5", (unet(4, 2), unet(4, 3))
    save_weights(unet(4, 2), path)
    WarmStart(config, "unet-real").load({"weights": same})
    WarmStart(config, "unet-real").load({"weights": deeper})
    count, left = len(deeper.weights), take_weights(deeper, path, "")
    assert [record.getMessage() for record in caplog.records if record.levelname == "INFO"] == [
        f"warm start: {len(same.weights)} of {len(same.weights)} weights from {path}",
        f"warm start: {count - len(left)} of {count} weights from {path}; no weights of this name and shape there for "
        f"{listed(left)}"]
    assert 10 < len(left) < count and left[0] in caplog.text and f"and {len(left) - 10} more" in caplog.text


@pytest.mark.parametrize("change, said", [
    (lambda file: file.attrs.__delitem__("layer_names"), "weights.h5 is damaged"),
    (lambda file: file.attrs.modify("layer_names", ["absent"]), "weights.h5 is damaged"),
    (lambda file: file["dense/dense/kernel:0"].__setitem__(0, np.nan), "no numbers, in dense 0 kernel")])
def test_damaged_weights_are_told(tmp_path, change, said):
    network = keras.Sequential([keras.layers.Dense(2, input_shape=(3,), name="dense")])
    save_weights(network, tmp_path / "weights.h5")
    with h5py.File(tmp_path / "weights.h5", "r+") as file:
        change(file)
    with pytest.raises(UserError, match=said):
        take_weights(network, tmp_path / "weights.h5", "")


@pytest.mark.long
def test_each_training_starts_warm_records_it_and_no_other_weights_go_on(drive, tmp_path, unet_config):
    run, name = tmp_path / "run", "warm_start"
    stage1 = Stage1Config(pairs=drive, out=str(run / "stage1"), validation=1, ema=0.9, **SHORT)
    stage2 = Stage2Config(pairs=drive, out=str(run / "stage2"), validation=1, d_base=4, optimizer="adam", **SHORT)
    net = unet_config(out=str(run / "unet-real"), validation=1, batch_size=2)
    train_samples, held_out = layouts.training(drive, 1)
    for config, weights in ((stage1, "generator.h5"), (stage2, "generator.h5"), (net, "weights.h5")):
        folder = train(config)
        assert read_json(folder / "seen.json", "")["images"] == sorted(fingerprints(train_samples))
        cold, warm = (replace(config, out=str(tmp_path / kind / folder.name), seed=1, **NEVER,
                              **{name: str(run) if kind == "warm" else ""}) for kind in ("cold", "warm"))
        for other in (cold, warm):
            train(other)
        assert alike(folder / weights, tmp_path / "warm" / folder.name / weights) == 1, folder.name
        assert alike(folder / weights, tmp_path / "cold" / folder.name / weights) < 1
        record = read_record(tmp_path / "warm" / folder.name, "")
        assert record["flags"][name] == str(run) and list(record["data"]["warm_started_from"]) == [weights]
        assert "warm_started_from" not in read_record(tmp_path / "cold" / folder.name, "")["data"]
        with pytest.raises(UserError, match="was started with other settings .*warm_start"):
            train(replace(warm, warm_start=""))
    save_weights(build(stage1).generator, run / "stage1" / "generator.h5")
    with pytest.raises(UserError, match="other settings .*warm_started_from.generator.h5"):
        train(replace(stage1, out=str(tmp_path / "warm/stage1"), seed=1, warm_start=str(run), **NEVER))


def test_weights_that_have_seen_what_is_tested_or_held_out_are_refused(drive, tmp_path):
    """By what the pictures show: the files have other names and formats."""
    config = Stage1Config(pairs=drive, out="x", warm_start=str(tmp_path), **SHORT)
    (tmp_path / "stage1").mkdir()
    train_samples, held_out = layouts.training(drive, 1)
    WarmStart(replace(config, warm_start=""), "stage1", held_out)
    with pytest.raises(UserError, match="seen.json is missing: only weights that say"):
        WarmStart(config, "stage1", held_out)
    write_json(tmp_path / "stage1/seen.json", {"images": fingerprints(train_samples)})
    assert len(WarmStart(config, "stage1", held_out).seen) == 2
    for seen in held_out[0], layouts.samples(drive, "test")[0]:
        shutil.copy(seen.image, tmp_path / "renamed.tif")
        images = fingerprints([*train_samples, replace(seen, image=tmp_path / "renamed.tif")])
        write_json(tmp_path / "stage1/seen.json", {"images": images})
        with pytest.raises(UserError, match=f"have seen {seen.image}, on which"):
            WarmStart(config, "stage1", held_out)
    for damage in ({}, {"images": []}, {"images": [3]}, {"images": json.dumps(images)}):
        write_json(tmp_path / "stage1/seen.json", damage)
        with pytest.raises(UserError, match="seen.json is damaged"):
            WarmStart(config, "stage1", held_out)


@pytest.mark.parametrize("release_held_out, held_out, recorded", [(1, 1, 0), (0, 1, 1), (1, 0, 1), (None, 1, 1)])
def test_images_behind_a_release_are_seen_but_for_those_that_all_held_out(drive, tmp_path, release_held_out, held_out,
                                                                          recorded):
    """A release need not say what its GANs learned from."""
    if release_held_out is not None:
        learned = layouts.checksum(layouts.training(drive, release_held_out)[0])
        with PairWriter(tmp_path / "pairs.h5", {"learned_from": dict.fromkeys(STAGES, learned)}) as writer:
            writer.append(masks=np.zeros((8, 8, 1), np.uint8))
    seen, others = layouts.training(drive, 1)
    for prefix in ("", "few-1-of-draw-0:"):
        config = Stage1Config(pairs=f"{prefix}release-at-{tmp_path}:{drive}", out="x", validation=held_out, **SHORT)
        assert sorted(WarmStart(config, "stage1").seen) == sorted(fingerprints(seen + others * recorded))


def test_the_other_unet_stands_in_only_where_the_asked_one_is_missing(drive, tmp_path, unet_config):
    """A pack of networks has the U-Net of the synthetic pairs alone, a run of procedural ones theirs."""
    config, network = unet_config(out="x", warm_start=str(tmp_path)), keras.Sequential([keras.layers.Dense(2)])
    network.build((None, 3))

    def started():
        start = WarmStart(config, "unet-real", instead=("unet-synthetic", "unet-phantom"))
        start.load({"weights": network})
        return start.identity["warm_started_from"]["weights.h5"]

    with pytest.raises(UserError, match="unet-real/seen.json is missing"):
        started()
    for name in ("unet-phantom", "unet-synthetic", "unet-real"):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "seen.json", {"images": fingerprints(layouts.training(drive, 1)[0])})
        network.set_weights([weight + 1 for weight in network.get_weights()])
        save_weights(network, tmp_path / name / "weights.h5")
        assert started() == checksum(tmp_path / name / "weights.h5")

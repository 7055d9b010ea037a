"""The project from Python."""
from __future__ import annotations

import shutil
from itertools import islice

import numpy as np
import pytest
from tensorflow import keras

from configs.api import generate, train
from data.errors import UserError
from data.pairs import PairReader
from stage1_dcgan import drawing
from training.run_folder import read_record
from unet_eval.config import UnetConfig

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def finished(run_folder, make_pairs, tmp_path_factory):
    run = run_folder(tmp_path_factory.mktemp("finished") / "run")
    make_pairs(run)
    return run


def same(pairs, path):
    with PairReader(path) as rows:
        pairs = list(pairs)
        assert len(pairs) == len(rows)
        return [all(np.array_equal(array, rows[number][name].squeeze()) and array.dtype == np.uint8
                    for array, name in zip(pair, ("images", "masks", "fovs"))) for number, pair in enumerate(pairs)]


@pytest.mark.parametrize("options", [{"decoder": "tree", "vary": 1.0, "match_share": True}, {"bridge": 0.2}])
def test_generated_pairs_are_those_of_the_scripts(run_folder, make_pairs, tmp_path, monkeypatch, options):
    monkeypatch.setattr(drawing, "MEASURED", 4)  # to save time
    run = run_folder(tmp_path / "run")
    make_pairs(run, **options)
    make_pairs(run, 3, "-3", **options)
    assert all(same(generate(run, 3), run / "synthetic-3.h5"))


def test_pairs_of_another_seed_are_others_and_come_one_at_a_time(finished):
    run = finished
    first = next(generate(run, 10 ** 9, seed=4))
    assert not same([first] * 2, run / "synthetic.h5")[0]
    assert all(np.array_equal(*arrays) for arrays in zip(first, next(islice(generate(str(run), 1, seed=4), 1))))


@pytest.mark.parametrize("wrong", [{"count": -1}, {"seed": -1}, {"seed": 2 ** 31}])
def test_a_count_or_seed_that_cannot_be_is_said_at_once(wrong):
    with pytest.raises(UserError, match="count=.*seed=.*: take a count of 0 or more"):
        generate("absent", **wrong)


@pytest.mark.parametrize("name, said", [("synthetic.h5", "call `make stage2`"), ("masks.h5", "call `make stage1`"),
                                        ("stage1/generator.h5", "train it first"), ("stage2/codes.npy", "Stage-II")])
def test_what_a_run_lacks_is_said_at_once(finished, tmp_path, name, said):
    run = shutil.copytree(finished, tmp_path / "run")
    (run / name).unlink()
    with pytest.raises(UserError, match=f"{name}.*{said}"):
        generate(run)
    shutil.rmtree(run)
    with pytest.raises(UserError, match="masks.h5: no such file"):
        generate(run)


def test_a_training_gives_the_folder_of_its_weights(unet_config):
    config = unet_config()
    folder = train(config)
    assert (folder / "weights.h5").is_file() and UnetConfig(**read_record(folder, "")["flags"]) == config


def test_what_follows_a_training_in_the_same_process_computes_in_float32(unet_config, bfloat16):
    """Masks and pairs that a session draws after it are those of the commands."""
    train(unet_config(precision="bfloat16"))
    assert keras.mixed_precision.global_policy().name == "float32"
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    with pytest.raises(UserError):
        train(unet_config(pairs="drive:absent"))
    assert keras.mixed_precision.global_policy().name == "float32"

"""What a trained Stage-I draws, and which training mask a drawn one is shown beside."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data.fundus import load_views
from data.images import read_image
from data.pairs import PairReader
from stage1_dcgan.generate import nearest
from stage1_dcgan.inputs import draw_z
from stage1_dcgan.networks import generator
from training import strategy
from training.weights import save_weights


@pytest.mark.parametrize("index", [0, 2])
def test_the_nearest_training_mask_is_the_one_it_was_copied_from(eye, index):
    training = [eye(seed)[1][30:542, 20:532] for seed in range(4)]
    copy = np.roll(training[index], (2, -2), axis=(0, 1))
    copy[:40] = 0
    assert nearest(copy, training) == index


@pytest.fixture
def trained(tmp_path, drive):
    """Makes a run folder as train.py leaves it, its weights random; its path and its generator."""
    def make(draw):
        strategy.set_seed(0)
        model = generator(64, 4, 3 if draw == "photographs" else 1)
        model.layers[-2].kernel.assign(30_000 * model.layers[-2].kernel)  # as if it had learned contrast
        folder = tmp_path / draw
        folder.mkdir()
        save_weights(model, folder / "generator.h5")
        flags = {"draw": draw, "size": 64, "base": 4, "encoding": "binary", "clip": 8.0, "validation": 1}
        (folder / "config.json").write_text(json.dumps({"flags": flags, "data": {"pairs": drive}}))
        return folder, model
    return make


def generate(folder, out, *flags):
    made = subprocess.run([sys.executable, "-m", "stage1_dcgan.generate", f"--model={folder}", f"--out={out}", *flags],
                          cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


def test_a_larger_count_only_appends(trained, tmp_path, drive):
    folder, _ = trained("masks")
    for count in (2, 5):
        generate(folder, tmp_path / f"{count}.h5", f"--count={count}", "--mask_size=128", "--match_share")
    with PairReader(tmp_path / "2.h5") as few, PairReader(tmp_path / "5.h5") as many:
        assert (len(few), len(many)) == (2, 5)
        assert few.attributes == many.attributes and few.attributes["cut"]["level"] != 0
        for number in range(2):
            assert all(np.array_equal(few[number][name], many[number][name]) for name in ("masks", "raw"))
        share = np.mean([many[number]["masks"] > 0 for number in range(5)])
    first_two = np.mean([view.mask > 0 for view in load_views(drive, "train")[:2]])
    assert share == pytest.approx(first_two, rel=0.3)  # the third eye is held out


def test_a_single_gan_draws_photographs_in_colour_and_nothing_else(trained, tmp_path):
    folder, model = trained("photographs")
    generate(folder, tmp_path / "single.h5", "--count=2", "--mask_size=128", "--match_share", "--seed=7")
    with PairReader(tmp_path / "single.h5", required=("images",)) as drawn:
        assert len(drawn) == 2 and drawn[0].keys() == {"images"} and drawn[0]["images"].shape == (128, 128, 3)
        assert drawn.attributes["seed"] == 7 and drawn.attributes["stage1"]["flags"]["draw"] == "photographs"
        small = model(tf.stack([draw_z(7, 1)]), training=False).numpy()[0]
        enlarged = 127.5 * cv2.resize(small, (128, 128), interpolation=cv2.INTER_CUBIC) + 127.5
        assert np.abs(drawn[1]["images"] - enlarged.clip(0, 255)).max() <= 1
    assert enlarged.std(axis=-1).mean() > 5  # the channels differ, or their order would not be tested
    assert read_image(tmp_path / "single.png").shape == (256, 4 * 256 + 3 * 4, 3)  # four columns of 256 pixels

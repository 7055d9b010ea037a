"""What a trained Stage-I draws, and which training mask a drawn one is shown beside."""
from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import tensorflow as tf

import stage1_dcgan.generate
from data import layouts
from data.errors import UserError
from data.files import read_json, write_json
from data.fundus import load_views, square
from data.images import read_image
from data.pairs import PairReader
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage1_dcgan.generate import beside_nearest, generate
from stage1_dcgan.inputs import draw_z
from stage1_dcgan.matching import mean_width
from stage1_dcgan.networks import generator
from training import devices
from training.pictures import grid
from training.weights import save_weights

pytestmark = pytest.mark.training


def test_beside_a_mask_stands_the_training_mask_that_it_was_copied_from(eye):
    """Also where the copy was mirrored, turned and shifted: the two are then alike."""
    training = [eye(seed)[1][30:542, 20:532] for seed in range(4)]
    copies = [training[2], np.roll(training[0], (16, -8), axis=(0, 1)), np.rot90(training[3][:, ::-1]).copy()]
    for copy, shown in zip(copies, beside_nearest(copies, training)):
        assert shown.shape == (256, 512)
        assert np.array_equal(shown[:, :256], square(copy[..., None], 256))  # grey, so thin vessels do not break
        drawn = shown >= 128
        assert np.mean(drawn[:, :256] != drawn[:, 256:]) < 0.01 < 0.05 < np.mean(drawn)


@pytest.fixture
def trained(tmp_path, drive):
    """Makes a run folder as a training leaves it, its weights random; its path and its generator."""
    def make(draw):
        devices.set_seed(0)
        model = generator(64, 4, 3 if draw == "photographs" else 1)
        model.layers[-2].kernel.assign(30_000 * model.layers[-2].kernel)  # as if it had learned contrast
        folder = tmp_path / draw
        folder.mkdir()
        save_weights(model, folder / "generator.h5")
        config = Stage1Config(pairs=drive, out=str(folder), draw=draw, size=64, base=4, validation=1,
                              encoding="signed_distance")
        write_json(folder / "config.json", {"version": 2, "flags": config.to_json(), "data": {"pairs": drive}})
        return folder, model
    return make


def config(folder, out, **options):
    return MasksConfig(**{"model": str(folder), "out": str(out), "mask_size": 128, "match_share": True, **options})


def test_a_larger_count_only_appends(trained, tmp_path, drive):
    folder, _ = trained("masks")
    for count in (2, 5):
        generate(config(folder, tmp_path / f"{count}.h5", count=count))
    with PairReader(tmp_path / "2.h5") as few, PairReader(tmp_path / "5.h5") as many:
        assert (len(few), len(many)) == (2, 5)
        assert few.attributes == many.attributes and few.attributes["cut"]["level"] != 0
        for number in range(2):
            assert all(np.array_equal(few[number][name], many[number][name]) for name in ("masks", "raw"))
        share = np.mean([many[number]["masks"] > 0 for number in range(5)])
        masks = [many[number]["masks"][..., 0] for number in range(5)]
    views = load_views(drive, "train")[:2]  # the third eye is held out
    assert share == pytest.approx(np.mean([view.mask > 0 for view in views]), rel=0.3)
    training = [square(np.minimum(view.mask, view.fov), 128) for view in views]
    shown = read_image(tmp_path / "5.png")
    assert np.array_equal(shown, grid(beside_nearest(masks, training), columns=4))


def test_trees_are_as_wide_as_the_training_masks_and_a_larger_count_only_appends(trained, tmp_path, drive, monkeypatch):
    monkeypatch.setattr(stage1_dcgan.drawing, "MEASURED", 8)
    folder, _ = trained("masks")
    for count in (2, 8):
        generate(config(folder, tmp_path / f"{count}.h5", count=count, decoder="tree", vary=1.0))
    with PairReader(tmp_path / "2.h5") as few, PairReader(tmp_path / "8.h5") as many:
        assert few.attributes == many.attributes and many.attributes["vary"] == 1 and "cut" not in many.attributes
        assert many.attributes["tree"]["level"] != 0 and many.attributes["tree"]["scale"] != 1
        masks = [many[number]["masks"][..., 0] for number in range(8)]
        for number in range(2):
            assert all(np.array_equal(few[number][name], many[number][name]) for name in ("masks", "raw"))
    assert set(np.unique(masks)) == {0, 255}
    training = [square(view.mask, 128) for view in load_views(drive, "train")[:2]]
    assert mean_width(masks) == pytest.approx(mean_width(training), rel=0.1)
    assert not any(mask[:12, :12].any() for mask in masks)  # outside the field of view


def test_vary_changes_masks_and_not_what_was_drawn(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(stage1_dcgan.drawing, "MEASURED", 2)
    folder, _ = trained("masks")
    for vary in (0.0, 1.0):
        for decoder in ("cut", "tree"):
            generate(config(folder, tmp_path / f"{decoder}{vary}.h5", count=1, decoder=decoder, vary=vary))
    for decoder in ("cut", "tree"):
        with PairReader(tmp_path / f"{decoder}0.0.h5") as still, PairReader(tmp_path / f"{decoder}1.0.h5") as varied:
            assert np.array_equal(still[0]["raw"], varied[0]["raw"])
            assert not np.array_equal(still[0]["masks"], varied[0]["masks"])


def test_masks_of_cells_are_cut(trained, tmp_path, monkeypatch):
    """No tree is looked for in them, and nothing is turned."""
    folder, _ = trained("masks")
    found = layouts.training

    def of_cells(*arguments):
        return tuple([replace(sample, modality="cells") for sample in part] for part in found(*arguments))

    monkeypatch.setattr(layouts, "training", of_cells)
    generate(config(folder, tmp_path / "cut.h5", count=1))
    generate(config(folder, tmp_path / "tree.h5", count=1, decoder="tree", vary=1.0))
    with PairReader(tmp_path / "cut.h5") as cut, PairReader(tmp_path / "tree.h5") as tree:
        assert cut.attributes == tree.attributes and np.array_equal(cut[0]["masks"], tree[0]["masks"])


def test_a_single_gan_draws_photographs_in_colour_and_nothing_else(trained, tmp_path):
    folder, model = trained("photographs")
    generate(config(folder, tmp_path / "single.h5", count=2, seed=7))
    with PairReader(tmp_path / "single.h5", required=("images",)) as drawn:
        assert len(drawn) == 2 and drawn[0].keys() == {"images"} and drawn[0]["images"].shape == (128, 128, 3)
        assert drawn.attributes["seed"] == 7 and drawn.attributes["stage1"]["flags"]["draw"] == "photographs"
        small = model(tf.stack([draw_z(7, 1)]), training=False).numpy()[0]
        enlarged = 127.5 * cv2.resize(small, (128, 128), interpolation=cv2.INTER_CUBIC) + 127.5
        assert np.abs(drawn[1]["images"] - enlarged.clip(0, 255)).max() <= 1
    assert enlarged.std(axis=-1).mean() > 5  # the channels differ, or their order would not be tested
    assert read_image(tmp_path / "single.png").shape == (256, 4 * 256 + 3 * 4, 3)  # four columns of 256 pixels


@pytest.mark.parametrize("name", ["masks.h5", "masks.png"])
def test_a_file_of_the_user_is_refused_before_anything_is_drawn(trained, tmp_path, name):
    folder, out = trained("masks")[0], tmp_path / "mine"
    out.mkdir()
    (out / name).write_bytes(b"mine")
    with pytest.raises(UserError, match=f"mine/{name} is there already .* another --out"):
        generate(config(folder, out / "masks.h5", count=1))
    assert [path.name for path in out.iterdir()] == [name] and (out / name).read_bytes() == b"mine"


def test_what_was_drawn_before_is_replaced(trained, tmp_path):
    folder, _ = trained("masks")
    for count in (1, 2):
        generate(config(folder, tmp_path / "masks.h5", count=count))
    assert len(PairReader(tmp_path / "masks.h5")) == 2


def test_a_tree_needs_drawn_distances(trained, tmp_path):
    folder, _ = trained("masks")
    record = read_json(folder / "config.json", "")
    write_json(folder / "config.json", {**record, "flags": {**record["flags"], "encoding": "binary"}})
    with pytest.raises(UserError, match="--encoding=binary: use --decoder=cut"):
        generate(config(folder, tmp_path / "masks.h5", count=1, decoder="tree"))
    assert not (tmp_path / "masks.h5").exists()

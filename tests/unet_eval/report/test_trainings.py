"""The curves of the trainings, and the colours of segmentations."""
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from unet_eval.report import segmentations, trainings


def test_a_run_without_logs_has_no_curves(tmp_path):
    trainings.figures(tmp_path, {"arms": {"real": {}}}, SimpleNamespace(folder=tmp_path / "absent"))
    assert not list(tmp_path.iterdir())


def test_panels_of_the_trainings(config):
    panels = trainings.panels(Path(config.run), ["real", "synthetic"])
    assert {title: list(curves) for title, curves in panels.items()} == {
        "Stage-I, losses": ["d_loss", "g_loss"], "Stage-I, outputs of D": ["D(G(z))", "D(x)"],
        "U-Net, loss": ["real", "synthetic"],  # first seeds only
        "U-Net, vessel F1 of held-out images": ["real"]}
    assert panels["U-Net, loss"]["real"] == {0: 0.5, 1: 1.5, 2: 2.5}


def test_scalars_of_a_resumed_training(tmp_path):
    for start, value in ((0, 1.0), (2, 9.0)):  # the second file goes back to step 2 of the first
        writer = tf.summary.create_file_writer(str(tmp_path / "train"), filename_suffix=f".{start}")
        with writer.as_default():
            for step in range(start, start + 3):
                tf.summary.scalar("epoch_loss", value, step=step)
        writer.close()
    assert trainings.scalars(tmp_path) == {("train", "epoch_loss"): {0: 1, 1: 1, 2: 9, 3: 9, 4: 9}}


def test_agreement_colours_each_kind_of_pixel():
    truth, predicted = np.array([[1, 1, 0, 0, 1]], bool), np.array([[1, 0, 1, 0, 1]], bool)
    colours = segmentations.agreement(truth, predicted, np.array([[1, 1, 1, 1, 0]], bool))
    expected = [segmentations.HIT, segmentations.FALSE_NEGATIVE, segmentations.FALSE_POSITIVE, (0, 0, 0),
                segmentations.OUTSIDE]
    assert [tuple(colour) for colour in colours[0].tolist()] == expected


def test_images_are_ranked_by_the_first_arm_without_a_number(results):
    f1 = [image["f1_vessel"] for image in results["arms"]["real"]["per_image"]]
    assert [f1[index] for index in segmentations.ranked_images(results)] == sorted(f1, reverse=True)
    only = {"arms": {name: results["arms"][name] for name in ("synthetic-5", "synthetic-3")}}
    assert segmentations.unnumbered(only) == ["synthetic-3", "synthetic-5"]

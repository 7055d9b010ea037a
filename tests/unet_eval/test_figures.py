"""The pictures that are not the paper's: segmentations, the first screen's, and curves of the trainings."""
import cv2
import numpy as np
import pytest
import tensorflow as tf

from unet_eval import figures


@pytest.fixture
def drawn(tmp_path, trained, results, material):
    figures.draw(tmp_path, trained, results, material)
    return tmp_path


def test_every_picture_of_a_run(drawn):
    assert {path.stem for path in drawn.glob("*.png")} == {
        *(f"figure_{n}" for n in (1, 3, 4, 5, 6, 7, 8)), "arms", "curve", "differences", "mask_statistics", "widths",
        "nearest", "distances", "segmentations", "glance_masks", "glance_images", "glance_test", "training"}
    shapes = {cv2.imread(str(path)).shape for path in drawn.glob("glance_*.png")}
    assert len(shapes) == 1  # they stand side by side


def test_a_run_without_logs_has_no_curves(tmp_path):
    figures.training(tmp_path / "training.png", tmp_path / "absent")
    assert not (tmp_path / "training.png").exists()


def test_agreement_colours_each_kind_of_pixel():
    truth, found = np.array([[1, 1, 0, 0, 1]], bool), np.array([[1, 0, 1, 0, 1]], bool)
    colours = figures.agreement(truth, found, np.array([[1, 1, 1, 1, 0]], bool))
    expected = [figures.HIT, figures.FALSE_NEGATIVE, figures.FALSE_POSITIVE, (0, 0, 0), figures.OUTSIDE]
    assert [tuple(colour) for colour in colours[0].tolist()] == expected


def test_panels_of_the_trainings(trained):
    panels = figures.training_panels(trained)
    assert {title: list(curves) for title, curves in panels.items()} == {
        "Stage-I, losses": ["d_loss", "g_loss", "loss"], "Stage-I, outputs of D": ["D(G(z))", "D(x)"],
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
    assert figures.scalars(tmp_path) == {("train", "epoch_loss"): {0: 1, 1: 1, 2: 9, 3: 9, 4: 9}}

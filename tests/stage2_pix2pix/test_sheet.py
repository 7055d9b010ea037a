"""What is measured on the sample sheets of a training."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.sheet import contrast_ratios
from stage2_pix2pix.train import train


def test_contrast_is_a_multiple_of_the_photographs(eye):
    photographs, masks, fovs = (list(arrays) for arrays in zip(*(eye(seed) for seed in (2, 3))))
    ratios = contrast_ratios(photographs, photographs, masks, fovs)
    assert ratios and all(ratio == 1 for ratio in ratios.values())
    fainter = []
    for photograph, mask in zip(photographs, masks):
        light = cv2.inpaint(photograph, cv2.dilate(mask, np.ones((5, 5), np.uint8)), 5, cv2.INPAINT_TELEA)
        fainter.append(np.where(mask[..., None] > 0, photograph // 2 + light // 2, photograph))
    faint = contrast_ratios(fainter, photographs, masks, fovs)
    assert faint.keys() == ratios.keys() and all(0.35 < ratio < 0.65 for ratio in faint.values())


def test_widths_that_photographs_do_not_show_are_left_out(eye):
    photograph, mask, fov = eye(1)
    grey = np.full_like(photograph, 90)
    assert contrast_ratios([photograph], [grey], [mask], [fov]) == {}
    thin = cv2.line(np.zeros_like(mask), (100, 300), (400, 310), 255, 1)
    dark = np.where(thin[..., None] > 0, 0, photograph).astype(np.uint8)
    assert list(contrast_ratios([photograph], [dark], [thin], [fov])) == ["contrast/thin"]


@pytest.mark.training
def test_a_training_shows_it_in_tensorboard(drive, tmp_path):
    """Of pix2pix; test_architectures.py sees that the other one does."""
    train(Stage2Config(pairs=drive, out=str(tmp_path / "stage2"), architecture="pix2pix", size=96, base=4, d_base=4,
                       batch_size=2, epochs=1, steps_per_epoch=1, pictures_every=1, precision="float32"))
    events = EventAccumulator(str(tmp_path / "stage2" / "logs" / "pictures"))
    events.Reload()
    assert {"samples", "contrast/wide"} <= set(events.Tags()["tensors"])

"""`make bench FLAGS=--run=DIR` times the stages of a run."""
from __future__ import annotations

import math

import pytest

import stage1_dcgan.generate
import stage1_dcgan.train
import stage2_pix2pix.train
import unet_eval.train
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage2_pix2pix.config import Stage2Config
from tests.bench.stages import STAGES
from unet_eval.config import UnetConfig


@pytest.mark.training
@pytest.mark.long
def test_training_and_making_are_timed(drive, tmp_path):
    common = {"pairs": drive, "base": 4, "batch_size": 2, "epochs": 1, "steps_per_epoch": 1, "precision": "float32",
              "validation": 0}
    stage1_dcgan.train.train(Stage1Config(**common, out=str(tmp_path / "stage1"), size=64))
    stage1_dcgan.generate.generate(MasksConfig(model=str(tmp_path / "stage1"), out=str(tmp_path / "masks.h5"), count=2,
                                               mask_size=64))
    stage2_pix2pix.train.train(Stage2Config(**common, out=str(tmp_path / "stage2"), size=64, d_base=4, crop=64,
                                            architecture="coarse_to_fine", coarse_steps=5))
    unet_eval.train.train(UnetConfig(**common, out=str(tmp_path / "unet-real"), poolings=2, crop=32))
    rows = [row for measure in STAGES for row in measure(str(tmp_path), 2)]
    assert [row.get("training") or row["making"] for row in rows] == ["stage1", "masks", "stage2", "pairs", "unet-real"]
    for row in rows:
        numbers = [value for value in row.values() if not isinstance(value, str)]
        assert len(numbers) >= 2 and all(math.isfinite(value) and value > 0 for value in numbers), row

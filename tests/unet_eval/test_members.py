"""How well a U-Net segments the photographs that it was trained on, and others."""
from __future__ import annotations

import json

import numpy as np
import pytest

from data.errors import UserError
from data.files import write_json
from data.fundus import load_views
from training.weights import save_weights
from unet_eval.config import MembersConfig, UnetConfig
from unet_eval.members import members
from unet_eval.networks import unet
from unet_eval.segment import Segmenter


@pytest.mark.training
def test_every_image_is_scored_by_its_own_f1(drive, tmp_path):
    config = UnetConfig(pairs=drive, out=str(tmp_path / "net"), base=4, poolings=2, validation=1, arm="synthetic",
                        synthetic=str(tmp_path / "synthetic.h5"))
    request = MembersConfig(model=str(tmp_path / "net"), out=str(tmp_path / "members.json"))
    (tmp_path / "net").mkdir()
    write_json(tmp_path / "net/config.json", {"version": 2, "flags": config.to_json(), "data": {"pairs": drive}})
    with pytest.raises(UserError, match="weights.h5 is missing: train it first"):
        members(request)
    save_weights(unet(4, 2), tmp_path / "net/weights.h5")
    members(request)
    (written,) = json.loads((tmp_path / "members.json").read_text()).values()
    assert {side: [entry["stem"] for entry in entries] for side, entries in written.items()} == {
        "training": ["21", "22"], "held_out": ["23", "01", "02"]}
    view = load_views(drive, "train")[0]
    found, truth = Segmenter(tmp_path / "net").probability(view) >= 0.5, view.mask > 0
    found, truth = found[view.fov > 0], truth[view.fov > 0]
    f1 = 2 * np.sum(found & truth) / (found.sum() + truth.sum())
    assert f1 > 0 and written["training"][0]["score"] == pytest.approx(f1)

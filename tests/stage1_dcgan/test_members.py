"""The discriminator's scores of training and of held-out masks."""
from __future__ import annotations

import json

import numpy as np
import pytest

from data.errors import UserError
from data.files import write_json
from data.fundus import load_views
from stage1_dcgan.config import MembersConfig, Stage1Config
from stage1_dcgan.inputs import pictures
from stage1_dcgan.members import members
from stage1_dcgan.train import build
from training.checkpoints import Checkpoints


def test_scores_are_those_of_the_newest_discriminator(tmp_path, drive):
    folder = tmp_path / "stage1"
    folder.mkdir()
    config = Stage1Config(pairs=drive, out=str(folder), size=64, base=4, validation=1)
    write_json(folder / "config.json", {"version": 2, "flags": config.to_json(), "data": {"pairs": drive}})
    gan = build(config)
    request = MembersConfig(model=str(folder), out=str(tmp_path / "members.json"))
    with pytest.raises(UserError, match="no checkpoint there: the discriminator is in the checkpoints only"):
        members(request)
    Checkpoints(folder, **gan.parts).save(1)
    members(request)
    (written,) = json.loads((tmp_path / "members.json").read_text()).values()
    assert {side: [entry["stem"] for entry in entries] for side, entries in written.items()} == {
        "training": ["21", "22"], "held_out": ["23", "01", "02"]}
    real = pictures(load_views(drive, "train"), config)
    expected = gan.discriminator(real, training=False).numpy()[:, 0]
    scores = [entry["score"] for entry in written["training"] + written["held_out"][:1]]
    assert np.allclose(scores, expected, atol=1e-5)


def test_a_stage_that_learned_from_a_release_is_asked_for_the_images_behind_it(tmp_path, drive):
    config = Stage1Config(pairs=f"release-at-{tmp_path}:{drive}", out=str(tmp_path), size=64, base=4, validation=1)
    write_json(tmp_path / "config.json", {"version": 2, "flags": config.to_json(), "data": {"pairs": config.pairs}})
    Checkpoints(tmp_path, **build(config).parts).save(1)
    members(MembersConfig(model=str(tmp_path), out=str(tmp_path / "members/stage1.json")))
    (written,) = json.loads((tmp_path / "members/stage1.json").read_text()).values()
    assert {side: [entry["stem"] for entry in entries] for side, entries in written.items()} == {
        "training": ["21", "22"], "held_out": ["23", "01", "02"]}

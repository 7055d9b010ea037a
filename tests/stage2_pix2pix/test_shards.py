"""Masks and pairs that several machines make in shares."""
from __future__ import annotations

import numpy as np
import pytest

from data.errors import UserError
from data.files import write_json
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage1_dcgan.generate import generate as draw
from stage1_dcgan.networks import generator
from stage2_pix2pix.architectures import pix2pix
from stage2_pix2pix.config import PairsConfig, Stage2Config
from stage2_pix2pix.generate import generate as render
from training.weights import save_array, save_weights

pytestmark = pytest.mark.training
COUNT = 5


@pytest.fixture
def run(tmp_path, drive):
    """A run folder with both stages as their trainings leave them, their weights random."""
    stage1 = Stage1Config(pairs=drive, out="x", size=64, base=4, encoding="signed_distance")
    stage2 = Stage2Config(pairs=drive, out="x", size=64, base=4, norm="instance", colour_code=True, noise=1)
    for name, config, model in (("stage1", stage1, generator(64, 4)),
                                ("stage2", stage2, pix2pix.networks(stage2)["generator"])):
        (tmp_path / name).mkdir()
        save_weights(model, tmp_path / name / "generator.h5")
        write_json(tmp_path / name / "config.json", {"version": 2, "flags": config.to_json(), "data": {}})
    save_array(np.full((3, 6), 0.1, np.float32), tmp_path / "stage2" / "codes.npy")
    return tmp_path


def make(run, folder, shard=""):
    masks, pairs = str(run / folder / "masks.h5"), str(run / folder / "synthetic.h5")
    common = {"count": COUNT, "shard": shard}
    draw(MasksConfig(model=str(run / "stage1"), out=masks, mask_size=128, **common))
    render(PairsConfig(model=str(run / "stage2"), masks=masks, out=pairs, **common))
    return {path.name: path.read_bytes() for path in (run / folder).iterdir() if path.suffix in (".h5", ".png")}


def test_shares_join_to_the_bytes_of_one_run(run):
    """A machine renders the masks of its own share, and needs those of no other."""
    assert make(run, "shared", "2/2") == {} == make(run, "shared", "1/2")
    whole = make(run, "shared")
    assert whole.keys() == {"masks.h5", "masks.png", "synthetic.h5", "synthetic.png"}
    assert whole == make(run, "alone")


def test_a_share_of_pairs_needs_its_masks(run):
    with pytest.raises(UserError, match="masks.parts has no part with row 2: make it with --shard"):
        render(PairsConfig(model=str(run / "stage2"), masks=str(run / "masks.h5"), out=str(run / "synthetic.h5"),
                           count=COUNT, shard="2/2"))
    assert not (run / "synthetic.parts").exists()


def test_parts_of_other_weights_are_not_joined(run):
    make(run, "shared", "1/2")
    save_weights(generator(64, 4), run / "stage1" / "generator.h5")
    with pytest.raises(UserError, match="other settings, data or weights"):
        make(run, "shared")

"""Pairs on which a segmenter agrees with the masks."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from data.errors import UserError
from data.files import checksum, read_json, write_json
from data.pairs import PairReader, PairWriter
from training.weights import save_weights
from unet_eval.agreement import most_agreed, write_agreements
from unet_eval.config import AgreementConfig
from unet_eval.inputs import pair_views
from unet_eval.networks import unet
from unet_eval.segment import Segmenter

pytestmark = pytest.mark.training

SIZE = 540  # the working scale, so that a mask is compared as it is written


@pytest.fixture
def net(tmp_path, unet_config):
    """The run folder of a U-Net that was never trained."""
    folder, config = tmp_path / "unet-real", unet_config(base=1, poolings=1)
    folder.mkdir()
    write_json(folder / "config.json", {"version": 2, "flags": config.to_json()})
    tf.keras.utils.set_random_seed(0)
    save_weights(unet(1, 1), folder / "weights.h5")
    return folder


def write_pairs(path, masks, images):
    fov = np.full((SIZE, SIZE, 1), 255, np.uint8)
    with PairWriter(path, {}) as writer:
        for mask, image in zip(masks, images):
            writer.append(masks=mask[..., None], images=image, fovs=fov)


def test_pairs_of_the_best_agreement_are_kept_in_their_order(tmp_path, net):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (5, SIZE, SIZE, 3)).astype(np.uint8)
    nothing = np.zeros((5, SIZE, SIZE), np.uint8)
    write_pairs(tmp_path / "blank.h5", nothing, images)
    with PairReader(tmp_path / "blank.h5") as pairs:
        segmented = [Segmenter(net).probability(view) >= 0.5 for view in pair_views(pairs, range(5))]
    assert 0 < np.mean(segmented) < 1
    share = (0.5, 1.0, 0.0, 0.9, 0.2)  # of the pixels, how many of the mask are as the network finds them
    masks = [np.where((random.random((SIZE, SIZE)) < s) ^ ~vessels, 255, 0).astype(np.uint8)
             for s, vessels in zip(share, segmented)]
    write_pairs(tmp_path / "pairs.h5", masks, images)
    with PairReader(tmp_path / "pairs.h5") as pairs:
        assert most_agreed(pairs, net, 2) == [1, 3]
        assert most_agreed(pairs, net, 3) == [0, 1, 3]
        assert most_agreed(pairs, net, 9) == [0, 1, 2, 3, 4]
    out = tmp_path / "agreement.json"
    write_agreements(AgreementConfig(model=str(net), store=str(tmp_path / "pairs.h5"), out=str(out)))
    content = read_json(out, "")
    f1 = content["f1_vessel"]
    assert content["pairs_sha256"] == checksum(tmp_path / "pairs.h5") and len(f1) == 5
    assert np.argsort(f1).tolist() == [2, 4, 0, 3, 1] and f1[1] == 1


def test_a_pair_without_vessels_agrees_least(tmp_path, net, monkeypatch):
    """A network that finds nothing agrees with an empty mask, but nothing is learned from that."""
    monkeypatch.setattr(Segmenter, "probability", lambda self, view: np.zeros(view.mask.shape, np.float32))
    masks = np.zeros((2, SIZE, SIZE), np.uint8)
    masks[1, 200:300, 270] = 255
    write_pairs(tmp_path / "pairs.h5", masks, np.full((2, SIZE, SIZE, 3), 99, np.uint8))
    with PairReader(tmp_path / "pairs.h5") as pairs:
        assert most_agreed(pairs, net, 1) == [1]
    out = tmp_path / "agreement.json"
    write_agreements(AgreementConfig(model=str(net), store=str(tmp_path / "pairs.h5"), out=str(out)))
    assert read_json(out, "")["f1_vessel"] == [None, 0]


def test_without_a_trained_network_it_stops(tmp_path):
    write_pairs(tmp_path / "pairs.h5", np.zeros((1, SIZE, SIZE), np.uint8), np.zeros((1, SIZE, SIZE, 3), np.uint8))
    with PairReader(tmp_path / "pairs.h5") as pairs, pytest.raises(UserError, match="train it first"):
        most_agreed(pairs, tmp_path / "unet-real", 1)

"""The peers in PyTorch, which `make bench` is compared with: skipped where torch is not installed."""
from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from tests.bench.compare import KEYS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.training
BENCH = Path(__file__).parent / "bench"
NETWORKS = {"dcgan": 2, "pix2pix": 2, "unet": 1, "coarse": 2, "fine": 2}  # and how many of their networks learn


@pytest.fixture
def peers(monkeypatch):
    """The script, which imports its networks from its own folder."""
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("torch_peers")


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_of_each_peer_updates_all_weights(peers, monkeypatch, network):
    trained, adam = [], peers.adam

    def noted(model, *arguments):
        trained.append(model)
        return adam(model, *arguments)

    monkeypatch.setattr(peers, "adam", noted)
    step = peers.build_step(peers.Options(network=network, size=64, batch=2, base=4, dtype="float32",
                                          channels_last=True))
    before = [weight.detach().clone() for model in trained for weight in model.parameters()]
    step()
    after = [weight for model in trained for weight in model.parameters()]
    assert len(trained) == NETWORKS[network] and len(after) == len(before)
    for old, new in zip(before, after):
        assert torch.isfinite(new).all() and not torch.equal(old, new), tuple(new.shape)


def test_a_row_has_what_ours_are_compared_by(peers, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["torch_peers.py", "--network=unet", "--size=32", "--batch=1", "--base=2",
                                      "--steps=1"])
    peers.main()
    row = json.loads(capsys.readouterr().out)
    assert [row[key] for key in KEYS] == ["unet", 32, 1, 2, "float32"]
    assert row["images_per_s"] > 0

"""Generators as graphs, and the audit that they need."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from configs.generators import GeneratorsConfig, export
from data.errors import UserError
from data.files import checksum, write_json
from data.pairs import PairReader
from data.synthmed.release import release
from data.synthmed.source import AUDIT_VERSION
from data.synthmed.terms import Terms
from data.synthmed.verify import verify
from stage1_dcgan.generate import Drawer
from stage2_pix2pix import architectures
from stage2_pix2pix.config import Stage2Config
from training import devices

pytestmark = pytest.mark.training
PASSED = {"generators": {"Stage-I": {"value": 0.52, "verdict": "passes"}}, "generators_passed": True}
LEAK = {"generators": {"Stage-I": {"value": 0.7812, "verdict": "fails"}}, "generators_passed": False}


@pytest.mark.parametrize("options", [
    {"architecture": "coarse_to_fine", "crop": 64},
    {"architecture": "coarse_to_fine", "crop": 64, "vessel_looks": True},
    {"tell_fov": True, "noise": 1, "colour_code": True, "norm": "instance", "upsampling": "resize"}])
def test_a_graph_renders_as_the_code_does(eye, options):
    config = Stage2Config(pairs="phantom", out="x", size=64, base=4, **options)
    devices.set_seed(0)
    architecture = architectures.load(config.architecture)
    networks = architecture.networks(config)
    mask, fov = (tf.image.resize(part[20:560, 10:550, None], (64, 64), "nearest").numpy()[..., 0]
                 for part in eye(1)[1:])
    code = np.float32([0.3, -0.2, -0.5, 0.1, 0.2, 0.1, *np.linspace(-0.1, 0.2, architecture.CODE - 6)])
    rendered = architecture.render(networks, config, mask, fov, code, 3, 5)
    graph = tf.function(lambda mask, fov, code, row: architecture.traced(networks, config, mask, fov, code, 3, row))
    traced = graph(*map(tf.constant, (mask, fov, code)), tf.constant(5, tf.int64)).numpy() * 127.5 + 127.5
    assert np.abs(traced - rendered).max() < 3 < rendered[fov > 0].std()


def graphs(run_folder, make_pairs, folder, audit):
    """A run with its graphs; `audit` is of its pairs where it does not say of which it is."""
    run = run_folder(folder / "run")
    make_pairs(run, bridge=0.2, match_share=True)
    write_json(run / "audit.json", {"pairs_sha256": checksum(run / "synthetic.h5"), **audit})
    export(GeneratorsConfig(run=str(run), audit=str(run / "audit.json"), out=str(run / "generators")))
    return run


def test_generators_that_leak_are_not_written(run_folder, make_pairs, tmp_path):
    with pytest.raises(UserError, match=r"they were trained on \(Stage-I: AUC 0.7812; 0.5 is no leak"):
        graphs(run_folder, make_pairs, tmp_path, LEAK)
    assert not (tmp_path / "run/generators").exists()


def test_an_audit_of_other_pairs_or_networks_clears_none(run_folder, make_pairs, tmp_path):
    with pytest.raises(UserError, match="audit.json is not the audit of pairs of .*run: .*make audit"):
        graphs(run_folder, make_pairs, tmp_path, {**PASSED, "pairs_sha256": "0" * 64})
    run = tmp_path / "run"
    write_json(run / "audit.json", {**PASSED, "pairs_sha256": checksum(run / "synthetic.h5")})
    weights = run / "stage1" / "generator.h5"
    weights.write_bytes(weights.read_bytes() + b"trained again")
    with pytest.raises(UserError, match="stage1/generator.h5 did not make these pairs"):
        export(GeneratorsConfig(run=str(run), audit=str(run / "audit.json"), out=str(run / "generators")))
    assert not (run / "generators").exists()


@pytest.mark.long
def test_a_release_has_the_generators_as_graphs_that_work_alone(run_folder, make_pairs, tmp_path):
    run = graphs(run_folder, make_pairs, tmp_path, PASSED)
    draws, renders = (tf.saved_model.load(str(run / "generators" / name)) for name in ("mask", "photograph"))
    with PairReader(run / "masks.h5") as masks:
        drawn, level = Drawer(run / "stage1")(3, 1), masks.attributes["cut"]["level"]
    mask = draws.mask(seed=tf.constant(1, tf.int64)).numpy()
    assert mask.shape == (128, 128, 1) and mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 255}
    assert np.mean((mask[::2, ::2, 0] > 0) != (drawn[..., 0] > level)) < 0.25
    fov, small = np.full((64, 64, 1), 255, np.uint8), mask[::2, ::2]
    fov[:8] = 0
    picture = renders.photograph(mask=small, fov=fov, seed=tf.constant(4, tf.int64)).numpy()
    assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8 and not picture[:8].any() and picture[8:].any()
    others = renders.photograph(mask=small, fov=fov, seed=tf.constant(5, tf.int64)).numpy()
    assert not np.array_equal(picture, others)
    for name, given, expected in (("mask", {"seed": np.int64(1)}, mask),
                                  ("photograph", {"mask": small, "fov": fov, "seed": np.int64(4)}, picture)):
        lite = tf.lite.Interpreter(str(run / f"generators/{name}.tflite")).get_signature_runner(name)
        assert np.abs(lite(**given)["output_0"].astype(int) - expected).mean() < 1
    released(run, tmp_path / "tiny")


def released(run, out):
    """A release has the graphs, once and unchanged; with an audit that found a leak it is refused."""
    with PairReader(run / "synthetic.h5") as pairs:
        count = len(pairs)
    audit = {"passed": True, "controls_passed": True, "pairs_sha256": checksum(run / "synthetic.h5"), "left_out": [],
             "made_from": {"version": AUDIT_VERSION}, "table": [],
             "distances": {"mask": [0.5] * count, "photograph": [0.5] * count}}
    write_json(run / "agreement.json", {"pairs_sha256": audit["pairs_sha256"], "f1_vessel": [0.5] * count})
    given = (out, Terms("tiny", "CC0-1.0"), run, run / "synthetic.h5", run / "audit.json", run / "agreement.json")
    write_json(run / "audit.json", {**audit, **LEAK})
    with pytest.raises(UserError, match="AUC 0.7812"):
        release(*given, run / "generators")
    write_json(run / "audit.json", {**audit, **PASSED})
    for _ in range(2):
        release(*given, run / "generators")
    assert verify(out) == count and "`generators/README.md`" in (out / "README.md").read_text()
    assert checksum(out / "generators/mask.tflite") == checksum(run / "generators/mask.tflite")
    with pytest.raises(UserError, match="is there already"):
        release(*given)

"""A release: what is in it, what it refuses, and an export for private use."""
from __future__ import annotations

import json
import subprocess
import sys

import cv2
import h5py
import numpy as np
import pytest
import tensorflow as tf

from configs.clean import foreign
from data.errors import UserError
from data.files import OutputFolder, checksum
from data.images import read_image
from data.layouts import samples
from data.pairs import PairReader
from data.synthmed import formats
from data.synthmed.export import export
from data.synthmed.release import sharpness
from data.synthmed.source import AUDIT_VERSION
from data.synthmed.terms import Terms
from data.synthmed.verify import verify

ROWS = [0, 1, 3, 4]  # of five, without the one that the audit left out


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def metadata(folder):
    return [json.loads(line) for line in (folder / "train/metadata.jsonl").read_text().splitlines()]


def test_pictures_store_and_records_hold_the_same_pairs_in_one_order(tmp_path, run_of, monkeypatch):
    monkeypatch.setattr(formats, "SHARD", 3)
    run = run_of(tmp_path / "run")
    out = run.release(tmp_path / "tiny")
    pairs = metadata(out)
    assert [pair["id"] for pair in pairs] == ROWS
    shards = sorted(map(str, out.glob("tfrecord/*.tfrecord")))
    assert [name[-14:-9] for name in shards] == ["00002"] * 2
    records = [tf.train.Example.FromString(record).features.feature
               for record in tf.data.TFRecordDataset(shards).as_numpy_iterator()]
    assert [shard["records"] for shard in json.loads((out / "tfrecord/manifest.json").read_text())["shards"]] == [3, 1]
    with PairReader(run.store) as reader, PairReader(out / "pairs.h5") as stored:
        for number, (row, pair) in enumerate(zip(ROWS, pairs)):
            for role, name in (("image", "images"), ("mask", "masks"), ("fov", "fovs")):
                path = out / "train" / pair[f"{role}_file_name"]
                picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).reshape(40, 40, -1)[..., ::-1]
                assert (picture == reader[row][name]).all() and (stored[number][name] == picture).all()
                assert records[number][role].bytes_list.value[0] == path.read_bytes()
    assert verify(out) == len(ROWS)


def test_each_pair_has_its_own_scores(released):
    assert [(pair["mask_distance"], pair["photograph_distance"], pair["agreement"]) for pair in metadata(released)] == [
        (0.1, 0.6, None), (0.2, 0.65, 0.6), (0.4, 0.75, 0.8), (0.5, 0.8, 0.9)]
    assert len({pair["sharpness"] for pair in metadata(released)}) == len(ROWS)


def test_sharpness_falls_with_blur_and_leaves_the_rim_alone():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    fov = cv2.circle(np.zeros((64, 64), np.uint8), (32, 32), 25, 255, cv2.FILLED)
    assert sharpness(cv2.GaussianBlur(noise, (0, 0), 2), fov) < sharpness(noise, fov) / 3
    assert sharpness(cv2.cvtColor(fov, cv2.COLOR_GRAY2RGB), fov) == 0
    assert sharpness(noise, np.zeros_like(fov)) == 0


def test_the_same_inputs_give_the_same_bytes(tmp_path, run_of):
    run = run_of(tmp_path / "run")
    first, second = files(run.release(tmp_path / "a" / "tiny")), files(run.release(tmp_path / "b" / "tiny"))
    assert first == second and len(first) > 20


def test_a_release_that_is_there_stays_and_is_no_other(tmp_path, run_of):
    run = run_of(tmp_path / "run")
    out = run.release(tmp_path / "tiny")
    written = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    run.release(out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == written
    with pytest.raises(UserError, match="tiny is there already"):
        run.release(out, license="CC0-1.0")
    run.write(left_out=[2, 3])
    with pytest.raises(UserError, match="tiny is there already"):
        run.release(out)
    run.write(passed=False)
    with pytest.raises(UserError, match="refuses"):
        run.release(out)


def write_networks(graphs, run):
    """As configs.generators does it."""
    made = {name: checksum(run.folder / name) for name in ("stage1/generator.h5", "stage2/generator.h5")}
    OutputFolder(graphs, "--out").write("networks.json", json.dumps(made).encode())


def test_graphs_of_another_run_are_not_released(tmp_path, run_of):
    run, other, graphs = run_of(tmp_path / "run"), run_of(tmp_path / "other"), tmp_path / "graphs"
    run.write(generators={"Stage-I": {"value": 0.5, "verdict": "passes"}}, generators_passed=True)
    (other.folder / "stage1/generator.h5").write_bytes(b"of another training")
    write_networks(graphs, other)
    with pytest.raises(UserError, match="--generators=.*graphs has graphs of networks that did not make the pairs: "
                                        "remove that folder and export the graphs of this run"):
        run.release(tmp_path / "tiny", generators=graphs)
    assert not (tmp_path / "tiny").exists()


def test_a_release_with_generators_is_known_by_its_networks(tmp_path, run_of):
    """TensorFlow writes the same network in other bytes each time, and make exports again what was removed."""
    run, graphs = run_of(tmp_path / "run"), tmp_path / "graphs"
    run.write(generators={"Stage-I": {"value": 0.5, "verdict": "passes"}}, generators_passed=True)

    def export(order):
        write_networks(graphs, run)
        for name in ("mask.tflite", "photograph.tflite", "README.md"):
            OutputFolder(graphs, "--out").write(name, f"{name}, {order}".encode())

    export("one order")
    out = run.release(tmp_path / "tiny", generators=graphs)
    before = files(out)
    export("another order")
    run.release(out, generators=graphs)
    assert files(out) == before and before["generators/mask.tflite"] == b"mask.tflite, one order"
    with pytest.raises(UserError, match="tiny is there already"):
        run.release(out)


def test_a_release_has_the_graphs_that_were_exported_and_no_other_file(tmp_path, run_of):
    run, graphs = run_of(tmp_path / "run"), tmp_path / "graphs"
    run.write(generators={"Stage-I": {"value": 0.5, "verdict": "passes"}}, generators_passed=True)
    (graphs / "mask").mkdir(parents=True)
    (graphs / "mask" / "patient.png").write_bytes(b"mine")
    with pytest.raises(UserError, match="graphs has no graphs that configs.generators wrote"):
        run.release(tmp_path / "tiny", generators=graphs)
    for name in ("mask/saved_model.pb", "mask.tflite"):
        OutputFolder(graphs, "--out").write(name, name.encode())
    with pytest.raises(UserError, match="graphs/networks.json is missing: remove that folder"):
        run.release(tmp_path / "tiny", generators=graphs)
    write_networks(graphs, run)
    released = files(run.release(tmp_path / "tiny", generators=graphs))
    assert {name for name in released if name.startswith("generators/")} == {
        "generators/mask/saved_model.pb", "generators/mask.tflite", "generators/networks.json"}
    (graphs / "mask.tflite").write_bytes(b"another network")
    with pytest.raises(UserError, match="mask.tflite has been changed"):
        run.release(tmp_path / "other", generators=graphs)
    assert not (tmp_path / "other").exists()


def test_what_is_published_names_data_sets_and_no_place_of_this_machine(released):
    for name, content in files(released).items():
        assert b"/secret" not in content, name
    card = (released / "README.md").read_text()
    for text in ("4 synthetic pairs", "CHASE_DB1, under CC BY 4.0", "HRF, under CC BY 4.0", "license: cc-by-4.0",
                 "1 of 5 too near", "| nearest / masks | 0.5<br>pair 3 | 0.6 | passed |", "Ada O'Neil"):
        assert text in card, text
    assert "anonymous" not in card.lower()
    with h5py.File(released / "pairs.h5") as file:
        assert json.loads(file.attrs["generators"]).keys() == {"stage1/generator.h5", "stage2/generator.h5"}


@pytest.mark.training
def test_the_loader_works_without_this_project(released):
    code = "import load; print([(p['id'], p['image'].shape, p['mask'].max(), p['fov'].dtype) for p in load.pairs()])"
    answer = subprocess.run([sys.executable, "-c", code], cwd=released, text=True, capture_output=True, env={})
    assert answer.stdout.strip() == str([(row, (40, 40, 3), 255, np.dtype("uint8")) for row in ROWS]), answer.stderr
    assert len((released / "load.py").read_text().splitlines()) <= 30


@pytest.mark.parametrize("stage", ("stage1", "stage2"))
def test_the_networks_of_a_release_are_those_that_made_its_pairs(tmp_path, run_of, stage):
    run = run_of(tmp_path / "run")
    run.release(tmp_path / "tiny")
    (run.folder / stage / "generator.h5").write_bytes(b"of another training")
    with pytest.raises(UserError, match=f"run/{stage}/generator.h5 did not make these pairs"):
        run.release(tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("changes, said", [
    ({"passed": False, "refused": ["masks too near", "AUC 0.9"]}, "refuses these pairs .masks too near; AUC 0.9"),
    ({"controls_passed": False}, "controls failed"),
    ({"pairs_sha256": "0" * 64}, "of other pairs"),
    ({"made_from": {"version": AUDIT_VERSION - 1}}, "another version of this program"),
    ({"made_from": None}, "another version of this program"),
    ({"left_out": [0, 1, 2, 3, 4]}, "leaves out every pair"),
    ({"left_out": [5]}, "not of the 5 pairs"),
    ({"distances": {"mask": [0.1] * 5, "photograph": [0.1] * 4}}, "not of the 5 pairs"),
    ({"distances": {"mask": [0.1] * 5}}, "damaged")])
def test_without_an_audit_that_passed_there_is_no_release(tmp_path, run_of, changes, said):
    run = run_of(tmp_path / "run")
    run.write(**changes)
    with pytest.raises(UserError, match=said):
        run.release(tmp_path / "tiny")
    (run.folder / "audit.json").unlink()
    with pytest.raises(UserError, match="audit.json is missing: a release needs an audit"):
        run.release(tmp_path / "tiny")
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_scores_of_other_pairs_are_refused(tmp_path, run_of):
    run, other = run_of(tmp_path / "run"), run_of(tmp_path / "other", count=4)
    (other.folder / "agreement.json").replace(run.folder / "agreement.json")
    with pytest.raises(UserError, match="agreement.json is of other pairs"):
        run.release(tmp_path / "tiny")


@pytest.mark.parametrize("name, license, said", [
    ("", "CC0-1.0", "NAME="), ("../x", "CC0-1.0", "no name"), (".x", "CC0-1.0", "no name"),
    ("a b", "CC0-1.0", "no name"),
    ("a", "", "LICENSE='': choose"), ("a", "MIT", "CC-BY-4.0")])
def test_a_release_has_a_name_and_a_licence_that_the_user_chose(name, license, said):
    with pytest.raises(UserError, match=said):
        Terms(name, license)
    assert Terms("a", "cc-by-4.0").license == "CC-BY-4.0"


def test_a_folder_that_is_there_is_never_touched(tmp_path, run_of):
    run = run_of(tmp_path / "run")
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="tiny is there already and is not replaced"):
        run.release(tmp_path / "tiny")
    with pytest.raises(UserError, match="is there already"):
        export(run.store, tmp_path / "tiny")
    assert files(tmp_path / "tiny") == {"thesis.txt": b"mine"}


def test_an_export_is_a_data_set_and_says_that_it_was_not_cleared(tmp_path, run_of):
    run = run_of(tmp_path / "run")
    run.write(passed=False)
    assert export(run.store, tmp_path / "reports/private") == 5
    assert "Not cleared" in (tmp_path / "reports/private/README.md").read_text()
    assert list(foreign(tmp_path / "reports")) == []  # `make clean` knows all of it
    found = samples(f"folder:{tmp_path}/reports/private")
    assert [sample.stem for sample in found] == [f"{row:06d}" for row in range(5)]
    with PairReader(run.store) as reader:
        assert all((read_image(sample.image) == reader[row]["images"]).all() and sample.fov
                   for row, sample in enumerate(found))

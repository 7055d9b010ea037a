"""An audit from files to files: copies are left out, a set of copies is refused."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from configs.settings import Settings
from configs.steps import make_step
from data import layouts
from data.errors import UserError
from data.images import write_image
from data.members import write_members
from data.pairs import PairWriter
from unet_eval.audit import controls, examine, inputs
from unet_eval.audit.audit import audit, main
from unet_eval.audit.records import concatenate, from_samples
from unet_eval.config import AuditConfig

ROOT = Path(__file__).parents[3]
TRAINING, TEST = range(6), range(6, 12)


@pytest.fixture(scope="module")
def real(eyes, tmp_path_factory):
    """"folder:ROOT" of six training and six test eyes."""
    root = tmp_path_factory.mktemp("real")
    for part, numbers in (("train", TRAINING), ("test", TEST)):
        drawn = eyes(numbers)
        for name, images in (("images", drawn.photographs), ("masks", drawn.masks), ("fov", drawn.fovs)):
            for number, image in zip(numbers, images):
                write_image(root / part / name / f"{number:02d}.png", image)
    return f"folder:{root}"


@pytest.fixture
def make_run(real, tmp_path):
    """make_run(records): the config of an audit of a run with these synthetic pairs."""
    def make(records, checksum=None, overtrained=True):
        training, test = (layouts.samples(real, part) for part in ("train", "test"))
        record = {"flags": {"pairs": real, "validation": 0, "photos": ""},
                  "data": {"checksum": checksum or layouts.checksum(training)}}
        with PairWriter(tmp_path / "synthetic.h5", {"stage1": {"stage1": record}, "stage2": record}) as writer:
            for row in range(len(records)):
                writer.append(masks=records.masks[row][..., None], images=records.photographs[row],
                              fovs=records.fovs[row][..., None])
        few = {"flags": {"pairs": f"few-5-of-draw-1:{real}"}}
        if overtrained:
            learned = [int(sample.stem) for sample in layouts.samples(few["flags"]["pairs"], "train")]
            with PairWriter(tmp_path / "overtrained.h5", {"stage1": few}) as writer:
                for mask in controls.altered(records.take([0] * 5).with_pictures(*_pictures(real, learned)), 7).masks:
                    writer.append(masks=mask[..., None])
        write_members(tmp_path / "members-stage1.json", training, [1.0] * 6, test, [0.0] * 6)
        write_members(tmp_path / "members-stage2.json", training, [1.0, 0.0] * 3, test, [1.0, 0.0] * 3)
        return AuditConfig(store=str(tmp_path / "synthetic.h5"), run=str(tmp_path), pairs=real,
                           out=str(tmp_path / "audit"))
    return make


def _pictures(real, numbers):
    records = from_samples([sample for sample in layouts.samples(real, "train") if int(sample.stem) in numbers])
    return list(records.masks), list(records.photographs), list(records.fovs)


@pytest.fixture(scope="module")
def fresh():
    return controls.eyes_twice(6, seed=77)[0]


@pytest.mark.training
def test_copies_are_left_out_and_the_rest_passes(eyes, fresh, make_run, tmp_path):
    copies = controls.altered(eyes([2, 4]), seed=11)
    config = make_run(concatenate([fresh.take([0, 1, 2]), copies, fresh.take([3, 4, 5])]))
    main(config)
    results = json.loads((tmp_path / "audit/audit.json").read_text())
    assert results["passed"] and results["controls_passed"] and results["refused"] == []
    assert results["left_out"] == [3, 4] and set(results["copies"]) == {"3", "4"}
    assert [len(each) for each in results["distances"].values()] == [8, 8]
    assert max(results["distances"]["mask"][3:5]) < 0.4 < min(results["distances"]["mask"][:3])
    stage1, stage2 = results["generators"].values()
    assert stage1["value"] == 1 and stage1["verdict"] == "fails" and stage2["verdict"] == "passes"
    assert not results["generators_passed"]
    text = (tmp_path / "audit/audit.md").read_text()
    assert "pair 3 is a copy" in text and "anonymous" not in text
    assert all(len(row) == 4 for row in results["table"])
    page = (tmp_path / "audit/audit.html").read_text()
    assert page.count("data:image/") == 2 and "No copy found: 6 of 8 pairs" in page
    before = (tmp_path / "audit/audit.json").read_bytes()
    audit(config)
    assert (tmp_path / "audit/audit.json").read_bytes() == before


@pytest.mark.training
def test_a_set_of_copies_is_refused(eyes, fresh, make_run, tmp_path):
    config = make_run(concatenate([fresh.take([0, 1]), controls.altered(eyes(TRAINING), seed=12)]), overtrained=False)
    with pytest.raises(UserError, match="is refused: .*over-trained Stage-I; only 2 of 8 pairs are no copies"):
        main(config)
    results = json.loads((tmp_path / "audit/audit.json").read_text())
    assert not results["passed"] and not results["controls_passed"]
    assert results["left_out"] == [2, 3, 4, 5, 6, 7]
    assert "Controls fail" in (tmp_path / "audit/audit.md").read_text()


def test_other_images_than_those_that_were_learned_from_are_refused(fresh, make_run):
    with pytest.raises(UserError, match="not the images that stage1 of .* learned from"):
        audit(make_run(fresh, checksum="another"))


def test_a_file_of_the_user_is_not_replaced(fresh, make_run, tmp_path):
    config = make_run(fresh)
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit/audit.md").write_text("mine")
    with pytest.raises(UserError, match="audit.md is there already"):
        audit(config)
    assert (tmp_path / "audit/audit.md").read_text() == "mine"


def test_without_two_held_out_patients_there_is_no_audit(eyes, fresh, make_run, tmp_path):
    root = tmp_path / "one"
    for part, number in (("train", 0), ("test", 6)):
        drawn = eyes([number])
        for name, images in (("images", drawn.photographs), ("masks", drawn.masks), ("fov", drawn.fovs)):
            write_image(root / part / name / f"{number}.png", images[0])
    pairs = f"folder:{root}"
    config = make_run(fresh, checksum=layouts.checksum(layouts.samples(pairs, "train")))
    with pytest.raises(UserError, match="1 patient was held out, an audit needs 2 or more"):
        audit(AuditConfig(store=config.store, run=config.run, pairs=pairs, out=config.out))


def test_a_file_that_names_no_gans_is_refused(fresh, make_run, tmp_path):
    config = make_run(fresh)
    with PairWriter(tmp_path / "drawn.h5", {"seed": 1}) as writer:
        writer.append(masks=fresh.masks[0][..., None], images=fresh.photographs[0], fovs=fresh.fovs[0][..., None])
    with pytest.raises(UserError, match="does not say which Stage-I and Stage-II"):
        audit(AuditConfig(store=str(tmp_path / "drawn.h5"), run=config.run, pairs=config.pairs, out=config.out))


@pytest.mark.training
@pytest.mark.long
def test_a_stage1_that_learned_five_masks_by_heart_is_caught(chase, tmp_path):
    """The control as `make audit` trains it, on the preset quick: some 10 minutes on two cores."""
    pairs = f"chase_db1:{chase}"
    step = make_step("overtrained", Settings.from_variables({"RUN": "r", "PAIRS": pairs, "PHOTOS": ""}))
    _call(step.scripts, tmp_path)
    config = AuditConfig(store="-", run=str(tmp_path / "checkpoints/r"), pairs=pairs, out="-")
    training, _ = layouts.training(pairs, 0)
    test = layouts.samples(pairs, "test")
    half = len(test) // 2
    real = examine.Real(*map(from_samples, (training, test[:half], test[half:])))
    found = examine.compare(from_samples(test), real, "fundus", 0)
    over = examine.overtrained(*inputs.read_overtrained(config), found, 0)
    assert over["flagged"] >= 0.5 or over["p"] < 0.05


def _call(scripts, folder):
    for script in scripts:
        subprocess.run([sys.executable, "-m", *script], cwd=folder, check=True,
                       env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_members_are_read_back(tmp_path):
    sample = layouts.Sample("a", tmp_path, patient="p")
    write_members(tmp_path / "m.json", [sample], [0.5], [], [])
    assert json.loads((tmp_path / "m.json").read_text()) == {
        "training": [{"stem": "a", "patient": "p", "score": 0.5}], "held_out": []}

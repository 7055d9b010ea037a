"""An audit from files to files: copies are left out, a set of copies is refused."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from configs.settings import Settings
from configs.steps import make_step
from data import layouts
from data.copies import fingerprints
from data.errors import UserError
from data.files import OutputFolder, checksum, write_json
from data.images import write_image
from data.members import read_members, write_members
from data.pairs import PairWriter
from unet_eval.audit import controls, examine, inputs
from unet_eval.audit.audit import audit, main
from unet_eval.audit.measures import MEASURES
from unet_eval.audit.records import concatenate, from_samples
from unet_eval.config import AuditConfig
from unet_eval.experiments import privacy
from unet_eval.report.blocks import Figure

ROOT = Path(__file__).parents[3]
TRAINING = range(6)


@pytest.mark.training
def test_copies_are_left_out_and_the_rest_passes(eyes, fresh, make_run, tmp_path):
    copies = controls.altered(eyes([2, 4]), seed=11)
    config = make_run(concatenate([fresh.take([0, 1, 2]), copies, fresh.take([3, 4, 5])]))
    main(config)
    results = json.loads((tmp_path / "reports/audit/audit.json").read_text())
    assert results["passed"] and results["controls_passed"] and results["refused"] == []
    assert results["left_out"] == [3, 4] and set(results["copies"]) == {"3", "4"}
    assert results["pairs_sha256"] == checksum(tmp_path / "synthetic.h5")
    assert [len(each) for each in results["distances"].values()] == [8, 8]
    assert max(results["distances"]["mask"][3:5]) < 0.4 < min(results["distances"]["mask"][:3])
    stage1, stage2, unscored = results["generators"].values()
    assert unscored is None
    assert stage1["value"] == 1 and stage1["verdict"] == "fails" and stage2["verdict"] == "passes"
    assert not results["generators_passed"]
    text = (tmp_path / "reports/audit/audit.md").read_text()
    assert "pair 3 is a copy" in text and "anonymous" not in text
    assert all(len(row) == 4 for row in results["table"])
    page = (tmp_path / "reports/audit/audit.html").read_text()
    assert page.count("data:image/") == len(MEASURES) and "Copies found, and left out: 2; 6 of 8 pairs" in page
    in_the_report(tmp_path, results)
    before = (tmp_path / "reports/audit/audit.json").read_bytes()
    assert audit(config) == json.loads(before)  # of the same, nothing is compared again
    (tmp_path / "reports/audit/audit.html").unlink()
    audit(config)
    assert (tmp_path / "reports/audit/audit.html").read_text() == page
    assert (tmp_path / "reports/audit/audit.json").read_bytes() == before
    other = make_run(fresh)
    now = inputs.made_from(other, inputs.find_real(other, inputs.read_pairs(other)[1]))
    assert {name for name, value in now.items() if value != results["made_from"][name]} == {"pairs"}
    altered = {**json.loads(before), "passed": True}
    (tmp_path / "reports/audit/audit.json").write_text(json.dumps(altered))
    with pytest.raises(UserError, match="audit.json has been changed since it was made"):
        audit(config)


def in_the_report(folder, results):
    """The report has the audit of its own pairs, and says so where there is none of these."""
    run = SimpleNamespace(folder=folder, config=SimpleNamespace(reports=str(folder / "reports")))
    measured = privacy.measure(run)
    assert measured["privacy"]["table"] == results["table"]
    (folder / "figures").mkdir()
    privacy.figures(folder / "figures", measured, run)
    shown = privacy.section(measured, folder / "figures").blocks
    assert sum(isinstance(block, Figure) and block.path.is_file() for block in shown) == len(MEASURES)
    of_eight = {folder / "synthetic.h5": folder / "synthetic-8.h5",
                folder / "reports/audit": folder / "reports/audit-8"}
    for name, other in of_eight.items():  # as `make audit COUNT=8` has them
        name.rename(other)
    assert privacy.measure(run)["privacy"]["folder"] == "audit-8"
    for name, other in of_eight.items():
        other.rename(name)
    with PairWriter(folder / "other/synthetic.h5", {}) as writer:
        writer.append(masks=np.zeros((8, 8, 1), np.uint8))
    run.folder = folder / "other"
    assert privacy.measure(run) == {"privacy": None}
    assert "not audited" in privacy.section({"privacy": None}, folder).blocks[0].text


@pytest.mark.training
@pytest.mark.long
def test_a_set_of_copies_is_refused(eyes, fresh, make_run, tmp_path):
    config = make_run(concatenate([fresh.take([0, 1]), controls.altered(eyes(TRAINING), seed=12)]))
    with pytest.raises(UserError, match="may not be published: only 2 of 8 pairs are no copies"):
        main(config)
    results = json.loads((tmp_path / "reports/audit/audit.json").read_text())
    assert not results["passed"] and results["controls_passed"]
    assert results["left_out"] == [2, 3, 4, 5, 6, 7]


@pytest.mark.training
@pytest.mark.long
def test_where_a_control_is_missed_there_is_no_audit(fresh, make_run, tmp_path):
    with pytest.raises(UserError, match="may not be published: control: a Stage-I that learned by heart. See"):
        main(make_run(fresh, by_heart=False))
    results = json.loads((tmp_path / "reports/audit/audit.json").read_text())
    assert not results["controls_passed"] and results["left_out"] == []
    assert "Controls fail" in (tmp_path / "reports/audit/audit.md").read_text()


def test_networks_that_learned_from_a_release_are_audited_against_the_images_behind_it(real, eyes_folder, fresh,
                                                                                       make_run, tmp_path):
    training, test = (layouts.samples(real, part) for part in ("train", "test"))
    eyes_folder(tmp_path / "release", {"train": range(12, 14)})
    config = make_run(fresh, pairs=f"release-at-{tmp_path}/release:{real}")
    behind = dict.fromkeys(("stage1", "stage2"), layouts.checksum(training))
    for learned_from, refused in (({}, "stage1"), ({**behind, "stage2": "0"}, "stage2"), (behind, "")):
        with PairWriter(tmp_path / "release/pairs.h5", {"learned_from": learned_from}) as writer:
            writer.append(masks=fresh.masks[0][..., None])
        if refused:
            with pytest.raises(UserError, match=f"--pairs={real}: not the images that {refused} of the release"):
                inputs.find_real(config, inputs.read_pairs(config)[1])
    found = inputs.find_real(config, inputs.read_pairs(config)[1])
    assert (found.training, found.held_out) == (training, test)
    _, learned, others = inputs.read_overtrained(config)
    assert (len(learned), len(others)) == (2, 10)
    write_image(tmp_path / "release/train/masks/12.png", 255 - fresh.masks[0])
    with pytest.raises(UserError, match=f"--pairs=release-at-.*: not the images that stage1 of {config.store}"):
        inputs.find_real(config, inputs.read_pairs(config)[1])


def test_training_and_test_images_that_are_numbered_alike_are_other_people(eyes_folder, fresh, make_run, tmp_path):
    """A folder names no patients, and its train/ and test/ may both begin with 00."""
    spec = eyes_folder(tmp_path / "eyes", {"train": TRAINING, "test": range(6, 12)})
    for path in (tmp_path / "eyes/test").glob("*/*.png"):
        path.rename(path.with_name(f"{int(path.stem) - 6:02d}.png"))
    config = make_run(fresh, pairs=spec)
    found = inputs.find_real(config, inputs.read_pairs(config)[1])
    assert [sample.stem for sample in found.held_out] == [sample.stem for sample in found.training]
    assert not {sample.patient for sample in found.held_out} & {sample.patient for sample in found.training}
    _, learned, others = inputs.read_overtrained(config)
    assert (len(learned), len(others)) == (5, 7) and not {*learned.patients} & {*others.patients}


@pytest.mark.parametrize("given, said", [
    ({"modality": "cells"}, "--modality=cells: stage1 of .* images that show fundus, .*: give --modality=fundus"),
    ({"foreground": ("0",)}, "--foreground=0: stage1 of .* masks that were read with --foreground=: give the same")])
def test_images_that_would_be_read_otherwise_than_the_gans_read_them_are_refused(fresh, make_run, given, said):
    """By other options masks are inverted, or a measure is left out, and copies may not be found."""
    with pytest.raises(UserError, match=said):
        audit(replace(make_run(fresh), **given))


def test_other_images_than_those_that_were_learned_from_are_refused(fresh, make_run):
    with pytest.raises(UserError, match="not the images that stage1 of .* learned from"):
        audit(make_run(fresh, checksum="another"))


def test_networks_that_began_with_weights_which_saw_other_images_are_refused(real, fresh, make_run, tmp_path):
    """Copies of those would be looked for by nobody, and the card would not name their data set."""
    config = make_run(fresh)
    _, trained = inputs.read_pairs(config)
    trained["stage2"]["flags"]["warm_start"] = "checkpoints/other"
    learned = fingerprints(layouts.samples(real, "train"))
    (tmp_path / "stage2").mkdir()
    with pytest.raises(UserError, match="stage2/seen.json is missing: train it without --warm_start"):
        inputs.find_real(config, trained)
    write_json(tmp_path / "stage2/seen.json", {"images": [*learned, "of another"]})
    with pytest.raises(UserError, match="stage2 began with weights that have seen 1 images"):
        inputs.find_real(config, trained)
    write_json(tmp_path / "stage2/seen.json", {"images": learned})
    assert len(inputs.find_real(config, trained).training) == len(learned)
    config = make_run(fresh, photos=fresh)  # so Stage-II's photographs are not compared with those of the pairs
    _, trained = inputs.read_pairs(config)
    trained["stage2"]["flags"]["warm_start"] = "checkpoints/other"
    with pytest.raises(UserError, match=f"have seen {len(learned)} images"):
        inputs.find_real(config, trained)


def test_attacks_that_were_asked_about_other_images_are_refused(real, fresh, make_run, tmp_path):
    """Test images that were added since would be in the verdict on the pairs, and not in that on the networks."""
    config = make_run(fresh)
    training, test = (layouts.samples(real, part) for part in ("train", "test"))

    def ask(held_out):
        write_members(tmp_path / "audit/stage2.json", training, held_out,
                      lambda samples: {"D of Stage-II": [0.5] * len(samples)})

    for held_out in (test[:-1], [*test[:-1], replace(test[-1], patient="another")]):
        ask(held_out)
        with pytest.raises(UserError, match="audit/stage2.json is of other images, .*: remove it and call `make audit"):
            audit(config)
    ask(test)
    found = inputs.find_real(config, inputs.read_pairs(config)[1])
    assert list(inputs.read_attacks(config, found)) == ["D of Stage-I", "D of Stage-II"]


def test_a_file_of_the_user_is_not_replaced(fresh, make_run, tmp_path):
    config = make_run(fresh)
    (tmp_path / "reports/audit").mkdir(parents=True)
    (tmp_path / "reports/audit/audit.md").write_text("mine")
    with pytest.raises(UserError, match="audit.md is there already"):
        audit(config)
    assert (tmp_path / "reports/audit/audit.md").read_text() == "mine"


def test_without_two_held_out_patients_there_is_no_audit(eyes_folder, fresh, make_run, tmp_path):
    pairs = eyes_folder(tmp_path / "one", {"train": [0], "test": [6]})
    with pytest.raises(UserError, match="1 patient was held out, an audit needs 2 or more"):
        audit(make_run(fresh, pairs=pairs))


@pytest.mark.training
@pytest.mark.long
def test_with_few_patients_it_says_so_and_refuses(eyes_folder, fresh, make_run, tmp_path):
    """Four and two patients can be dealt in 15 ways, so no test of a set can fail; 14 pairs of people say nothing of
    a tail."""
    pairs = eyes_folder(tmp_path / "few", {"train": range(4), "test": range(6, 8)})
    config = make_run(fresh, pairs=pairs)
    OutputFolder(config.out, "--out").write("duplicates.png", b"of an earlier audit, of other pairs")
    results = audit(config)
    assert results["duplicates"] == [] and not (Path(config.out) / "duplicates.png").exists()
    assert not results["passed"] and "whole masks: too few patients for a threshold" in results["refused"]
    share = results["whole_set"]["masks"]["share"]
    assert share["verdict"] == "no verdict" and share["ci95"] == [None, None]
    assert "too few patients to tell" in (tmp_path / "reports/audit/audit.md").read_text()
    assert any(row[1].endswith("\ntoo few patients") for row in results["table"])


def test_a_file_that_names_no_gans_is_refused(fresh, make_run, tmp_path):
    config = make_run(fresh)
    with PairWriter(tmp_path / "drawn.h5", {"seed": 1}) as writer:
        writer.append(masks=fresh.masks[0][..., None], images=fresh.photographs[0], fovs=fresh.fovs[0][..., None])
    with pytest.raises(UserError, match="does not say which Stage-I and Stage-II"):
        audit(AuditConfig(store=str(tmp_path / "drawn.h5"), run=config.run, pairs=config.pairs, out=config.out))


@pytest.mark.training
@pytest.mark.long
def test_a_stage1_that_learned_five_masks_by_heart_is_caught(chase, tmp_path):
    """The control as `make audit` trains it: two minutes on two cores."""
    pairs = f"chase_db1:{chase}"
    step = make_step("overtrained", Settings.from_variables({"RUN": "r", "PAIRS": pairs, "PHOTOS": ""}))
    for script in step.scripts:
        subprocess.run([sys.executable, "-m", *script], cwd=tmp_path, check=True,
                       env={**os.environ, "PYTHONPATH": str(ROOT)})
    config = AuditConfig(store="-", run=str(tmp_path / "checkpoints/r"), pairs=pairs, out="-")
    training, held_out = (from_samples(layouts.samples(pairs, part)) for part in ("train", "test"))
    found = examine.compare(held_out, examine.Real(training, held_out), "fundus", 0)
    assert examine.overtrained(*inputs.read_overtrained(config), found, 0)["flagged"] >= 0.9
    assert examine.negative(found, examine.Real(training, held_out), 0)["flagged"] == 0


def test_members_are_read_back(tmp_path):
    one, other = (layouts.Sample(name, tmp_path, patient="p") for name in "ab")
    write_members(tmp_path / "m.json", [one], [other], lambda samples: {"D": [ord(each.stem) for each in samples]})
    assert read_members(tmp_path / "m.json", "") == {
        "D": {"training": [{"stem": "a", "patient": "p", "score": 97}],
              "held_out": [{"stem": "b", "patient": "p", "score": 98}]}}
    (tmp_path / "m.json").write_text('{"D": {"training": []}}')
    with pytest.raises(UserError, match="m.json is damaged: again"):
        read_members(tmp_path / "m.json", "again")

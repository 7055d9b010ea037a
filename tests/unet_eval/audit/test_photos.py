"""What an audit says of a Stage-II that learned from photographs without masks, PHOTOS."""
from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from data import layouts
from data.errors import UserError
from data.members import find_sides
from training.provenance import seen
from unet_eval.audit import controls, examine, features, inputs, looks, pictures, report, statistics
from unet_eval.audit.audit import audit
from unet_eval.audit.measures import MASK, MEASURES


@pytest.fixture
def quick(monkeypatch):
    """Every measure compares features, which takes a second where all measures take a minute."""
    def measure(of):
        draw = pictures.mask_pictures if of.kind == MASK else pictures.photograph_pictures
        return replace(of, prepare=lambda records: features.features(draw(records)), similarity=features.similarity)

    monkeypatch.setattr(examine, "measures_for", lambda modality: {name: measure(of) for name, of in MEASURES.items()})
    monkeypatch.setattr(report, "PICTURES", {})
    monkeypatch.setattr(statistics, "DEALS", 50)


@pytest.mark.training
@pytest.mark.parametrize("add_pairs", [False, pytest.param(True, marks=pytest.mark.long)])
def test_where_no_photographs_of_their_source_were_held_out_it_says_so(quick, fresh, make_run, tmp_path, add_pairs):
    """Seven photographs and six pairs, so that there are fewer masks than photographs to copy."""
    photos = controls.eyes_twice(7, seed=55)[0]
    results = audit(make_run(fresh.take([0, 1]), photos=photos, add_pairs=add_pairs))
    asked = {name: {figure is not None for figure in tests.values()} for name, tests in results["whole_set"].items()}
    assert asked == {**{name: {measure.kind == MASK or add_pairs} for name, measure in MEASURES.items()},
                     **dict.fromkeys(looks.TITLES, {add_pairs})}
    rows = [row for row in results["table"] if "photographs of this source were held out" in row[1]]
    assert {row[3] for row in rows} == {"no verdict"}
    assert len(rows) == (1 if add_pairs else 12)  # three figures of three measures, two looks, the attack
    text = (tmp_path / "reports/audit/audit.md").read_text()
    assert ("judged pair by pair only" in text) == (not add_pairs) == bool(results["untested"])
    assert ("which Stage-II learned from too" if add_pairs else "the only ones that Stage-II learned from") in text


def test_a_photograph_of_a_training_eye_is_of_that_patient_and_of_a_held_out_one_is_none(fresh, real, make_run):
    config = make_run(fresh.take([0, 1]), photos=replace(fresh.take([2, 3, 4]), names=["new", "trained", "held_out"]))
    folder = Path(config.photos.partition(":")[2])
    training, test = (layouts.samples(real, part) for part in ("train", "test"))
    shutil.copy(training[1].image, folder / "trained.png")
    shutil.copy(test[1].image, folder / "held_out.png")
    _, trained = inputs.read_pairs(config)
    stage2 = trained["stage2"]
    stage2["data"]["checksum"] = layouts.checksum(seen(stage2["flags"], real, config.photos))
    found = inputs.find_real(config, trained)
    assert {sample.stem: sample.patient for sample in found.photos} == {
        "new": "photograph new", "trained": training[1].patient}


def test_stages_that_held_out_other_images_cannot_be_audited(fresh, make_run):
    config = make_run(fresh.take([0, 1]))
    _, trained = inputs.read_pairs(config)
    trained["stage1"]["flags"]["validation"] = 2
    with pytest.raises(UserError, match="--validation=2, Stage-II with --validation=0"):
        inputs.find_real(config, trained)


def test_stages_that_held_out_the_same_patient_can_be_audited(fresh, make_run, real, tmp_path):
    """By two counts, for both images of the last patient are held out together."""
    lines = [",".join([*(str(path) for path in (sample.image, sample.mask, sample.fov)), part,
                       "last" if sample.stem in ("04", "05") else sample.stem])
             for part in ("train", "test") for sample in layouts.samples(real, part)]
    (tmp_path / "eyes.csv").write_text("\n".join(["image,mask,fov,split,patient", *lines]))
    pairs = f"csv:{tmp_path / 'eyes.csv'}"
    config = make_run(fresh.take([0, 1]), pairs=pairs)
    _, trained = inputs.read_pairs(config)
    for record, count in zip(trained.values(), (1, 2)):
        record["flags"]["validation"] = count
        record["data"]["checksum"] = layouts.checksum(seen(record["flags"], pairs, ""))
    found = inputs.find_real(config, trained)
    assert [sample.stem for sample in found.training] == ["00", "01", "02", "03"] and len(found.held_out) == 2 + 6


def test_images_of_patients_that_were_learned_from_are_not_held_out(fresh, make_run, real, tmp_path):
    """A copy of a training eye is as near to another photograph of that eye, which would hide it from tests of sets."""
    again = {"06": "00", "07": "03"}
    lines = [",".join([*(str(path) for path in (sample.image, sample.mask, sample.fov)), part,
                       again.get(sample.stem, sample.stem)])
             for part in ("train", "test") for sample in layouts.samples(real, part)]
    (tmp_path / "eyes.csv").write_text("\n".join(["image,mask,fov,split,patient", *lines]))
    pairs = f"csv:{tmp_path / 'eyes.csv'}"
    config = make_run(fresh.take([0, 1]), pairs=pairs)
    found = inputs.find_real(config, inputs.read_pairs(config)[1])
    assert [sample.stem for sample in found.held_out] == ["08", "09", "10", "11"] and len(found.training) == 6
    assert find_sides(pairs, 0, "", ()) == (found.training, found.held_out)  # of which the GANs are asked


def test_photographs_that_stage2_learned_from_are_found_where_none_are_given(fresh, make_run):
    config = replace(make_run(fresh.take([0, 1]), photos=fresh.take([2, 3, 4])), photos="")
    _, trained = inputs.read_pairs(config)
    found = inputs.find_real(config, trained)
    assert len(found.photos) == 3 and inputs.read_real(found, trained).learned

"""The folds of a data set, pooled, from counts worked by hand."""
from __future__ import annotations

import json

import pytest

from data.errors import UserError
from data.files import RECORD, write_json
from unet_eval import folds
from unet_eval.config import FoldsConfig

GOOD, EVEN, BAD = [9, 1, 1, 9], [5, 5, 5, 5], [1, 9, 9, 1]  # both F1 0.9, 0.5 and 0.1


def arm(images):
    """An entry of results.json, from {patient: [counts of each seed]}."""
    seeds = len(next(iter(images.values())))
    return {"fov": {"f1_vessel": 0.25, "f1_macro": 0.75}, "seeds": [{"seed": 7 + k} for k in range(seeds)],
            "per_image": [{"stem": f"{patient}L", "patient": patient, "counts": counts}
                          for patient, counts in images.items()]}


def results(fold, arms, count=2):
    return {"dataset": {"pairs": "chase_db1", "photos": None, "fold": [fold, count]},
            "origin": {"pairs": f"fold-{fold}-of-{count}:chase_db1", "photos": None},
            "arms": {name: arm(images) for name, images in arms.items()}}


@pytest.fixture
def reports(tmp_path):
    """Reports of two folds, the second of them larger and with a U-Net and an arm more."""
    one = {"real": {"01": [GOOD], "03": [GOOD]}, "synthetic": {"01": [GOOD], "03": [EVEN]}}
    two = {"synthetic": {"02": [EVEN, BAD], "04": [EVEN, BAD], "06": [BAD, BAD]},
           "real": {"02": [GOOD, BAD], "04": [GOOD, BAD], "06": [EVEN, BAD]},
           "phantom": {"02": [GOOD], "04": [GOOD], "06": [GOOD]}}
    for fold, arms in ((1, one), (2, two)):
        (tmp_path / f"my run-fold{fold}").mkdir()
        write_json(tmp_path / f"my run-fold{fold}" / "results.json", results(fold, arms))
    return tmp_path / "my run"


def test_pixels_of_all_folds_are_pooled(reports):
    pooled = folds.pool(folds.read(reports, 2))
    assert pooled["dataset"] == {"pairs": "chase_db1", "photos": None, "n_test": 5, "n_test_patients": 5}
    assert list(pooled["arms"]) == ["real", "synthetic"] and pooled["origin"]["pairs"] == "chase_db1"
    real, synthetic = pooled["arms"]["real"], pooled["arms"]["synthetic"]
    assert real["seeds"] == [{"seed": 7, "f1_vessel": pytest.approx(0.82), "f1_macro": pytest.approx(0.82)}]
    assert real["fov"]["f1_vessel"] == pytest.approx((4 * 0.9 + 0.5) / 5)  # not the mean over folds, 0.8333
    assert synthetic["fov"]["f1_macro"] == pytest.approx((0.9 + 3 * 0.5 + 0.1) / 5)
    assert synthetic["ratio"]["f1_vessel"]["mean"] == pytest.approx(0.5 / 0.82)
    assert synthetic["difference"]["f1_vessel"]["mean"] == pytest.approx(0.5 - 0.82)
    low, high = synthetic["ratio"]["f1_vessel"]["ci95"]
    assert 0 <= low < 0.5 / 0.82 < high
    assert synthetic["of_folds"] == [{"f1_vessel": 0.25, "f1_macro": 0.75}] * 2


def test_p_values_of_the_arms_are_corrected_together(reports):
    """As in results.json: the least p of two counts twice."""
    for fold, phantom in ((1, {"01": [EVEN], "03": [GOOD]}), (2, {"02": [BAD], "04": [EVEN], "06": [GOOD]})):
        path = reports.with_name(f"my run-fold{fold}") / "results.json"
        content = json.loads(path.read_text())
        content["arms"]["phantom"] = arm(phantom)
        write_json(path, content)
    arms = folds.pool(folds.read(reports, 2))["arms"]
    for key in ("f1_vessel", "f1_macro"):
        synthetic, phantom = (arms[name]["difference"][key] for name in ("synthetic", "phantom"))
        assert synthetic["p"] < phantom["p"]
        assert synthetic["p_holm"] == pytest.approx(2 * synthetic["p"])
        assert phantom["p_holm"] == pytest.approx(max(phantom["p"], synthetic["p_holm"]))


def test_the_files_say_what_they_are_of(reports, capsys):
    folds.main(FoldsConfig(reports=str(reports), folds=2))
    assert capsys.readouterr().out.isascii()  # for a terminal that can show nothing else
    text = (reports.parent / "my run-folds.md").read_text(encoding="utf-8")
    assert "2 folds of CHASE_DB1" in text and "5 images of 5 patients" in text and "jackknife over patients" in text
    assert "| synthetic | 1 | 0.5000" in text and "0.6098 (" in text and "0.2500, 0.2500" in text
    written = json.loads((reports.parent / "my run-folds.json").read_text())
    assert written == folds.pool(folds.read(reports, 2))
    folds.main(FoldsConfig(reports=str(reports), folds=2))  # a second call writes the same again
    assert RECORD in {path.name for path in reports.parent.iterdir()}


def test_a_file_of_a_user_stays(reports):
    (reports.parent / "my run-folds.md").write_text("mine")
    with pytest.raises(UserError, match="my run-folds.md is there already"):
        folds.main(FoldsConfig(reports=str(reports), folds=2))
    assert (reports.parent / "my run-folds.md").read_text() == "mine"
    assert not (reports.parent / "my run-folds.json").exists()


def test_folds_of_other_splits_are_refused(reports):
    with pytest.raises(UserError, match="my run-fold1/results.json is not of fold 1 of 3: call make folds FOLDS=3"):
        folds.read(reports, 3)
    second = reports.with_name("my run-fold2") / "results.json"
    write_json(second, results(2, {"real": {"02": [GOOD], "03": [GOOD]}}))
    with pytest.raises(UserError, match=r"fold2/results.json tests patients of another fold again \(03\)"):
        folds.read(reports, 2)
    second.unlink()
    with pytest.raises(UserError, match="fold2/results.json is missing: call make folds"):
        folds.read(reports, 2)


def test_a_ratio_to_nothing_is_null(reports):
    for fold, patient in ((1, "01"), (2, "02")):
        nothing = {"real": {patient: [[0, 5, 5, 5]]}, "synthetic": {patient: [EVEN]}}
        write_json(reports.with_name(f"my run-fold{fold}") / "results.json", results(fold, nothing))
    folds.main(FoldsConfig(reports=str(reports), folds=2))
    pooled = json.loads((reports.parent / "my run-folds.json").read_text())
    assert pooled["arms"]["synthetic"]["ratio"]["f1_vessel"] == {"mean": None, "ci95": [None, None]}

"""An evaluation from real files to results.json, results.md, report.html and figures/."""
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import UserError
from data.files import RECORD
from data.images import write_image
from unet_eval import evaluate
from unet_eval.experiments import arms
from unet_eval.report import trainings

METRICS = {"f1_vessel", "f1_background", "f1_macro", "sensitivity", "specificity", "accuracy", "auc", "mcc"}
PAPER_FIGURES = {f"figure_{number}" for number in (1, 3, 4, 5, 6, 7, 8)}
PICTURES = {*PAPER_FIGURES, "arms", "curve", "differences", "mask_statistics", "widths", "nearest", "distances",
            "segmentations", "visibility", "glance_masks", "glance_images", "glance_test", "training"}
DOT = np.zeros((1, 1), np.uint8)


def test_results_json_has_the_schema_and_is_strict(config, evaluated):
    def no_constant(text):
        raise AssertionError(f"{text} is no JSON")

    read = json.loads((Path(config.reports) / "results.json").read_text(), parse_constant=no_constant)
    assert read == evaluated
    assert list(read) == ["run", "dataset", "origin", "arms", "contrasts", "cross", "kl", "distances", "visibility",
                          "masks", "nearest", "privacy", "single", "second", "paper", "seconds"]
    assert read["dataset"] == {"pairs": "drive", "photos": None, "fold": None, "few": None, "n_test": 3,
                               "n_test_patients": 3, "n_train": 4, "held_out": False}
    assert read["origin"] == {"pairs": "drive", "photos": None} and read["run"]["seeds"] == 2
    assert list(read["arms"]) == ["real", "real+synthetic", "rendered", "synthetic", "synthetic-3", "synthetic-5"]
    assert [arm["n_train_pairs"] for arm in read["arms"].values()] == [3, 10, 4, 7, 3, 5]
    for name, arm in read["arms"].items():
        assert set(arm["fov"]) == set(arm["all"]) == METRICS and arm["fov"] != arm["all"]
        for key in ("f1_vessel", "f1_macro"):
            low, high = arm["ci95"][key]
            assert low <= arm["fov"][key] <= high
            if name != "real":
                difference = arm["fov"][key] - read["arms"]["real"]["fov"][key]
                assert arm["difference"][key]["mean"] == pytest.approx(difference)
                ratio = arm["ratio"][key]
                assert ratio["mean"] == pytest.approx(arm["fov"][key] / read["arms"]["real"]["fov"][key])
                assert ratio["ci95"][0] <= ratio["mean"] <= ratio["ci95"][1]
        assert [set(image) for image in arm["per_image"]] == [
            {"stem", "patient", "f1_vessel", "f1_macro", "counts"}] * 3
        assert [image["patient"] for image in arm["per_image"]] == [image["stem"] for image in arm["per_image"]]
        counts = np.array([image["counts"] for image in arm["per_image"]])  # (images, seeds, 4)
        assert counts.shape == (3, len(arm["seeds"]), 4)
        tp, fp, fn, _ = counts.sum(axis=0).T
        assert 2 * tp / (2 * tp + fp + fn) == pytest.approx([seed["f1_vessel"] for seed in arm["seeds"]])
    assert set(read["kl"]) >= {"synthetic_real", "real_synthetic", "real_real", "bins", "pixels", "smoothing"}
    assert read["seconds"] == {"stage1": 12.5, "stage2": None, "unet-real": 7.5, "total": 20}
    assert set(read["distances"]["sets"]) == {"real_real", "synthetic", "rendered", "single"}
    assert read["masks"]["synthetic"]["n"] == 7 and read["masks"]["real"]["n"] == 4
    assert len(read["nearest"]["synthetic"]) == 7 and len(read["nearest"]["test"]) == 3
    assert 0 < read["nearest"]["variety"]["synthetic"] <= 1 and 0 < read["nearest"]["variety"]["training"] <= 1
    assert {match["training"] for match in read["nearest"]["matches"]} <= {0, 1, 2}  # the fourth was held out
    assert read["second"] == {"pairs": "drive", "photos": None, "run": "cells", "n_train": 1}
    assert read["single"] == {"n": 3}


def test_every_picture_of_a_run(figures):
    assert {path.stem for path in figures.glob("*.png")} == PICTURES
    assert {path.stem for path in figures.glob("*.pdf")} == PAPER_FIGURES  # as vectors, with fonts that can be edited
    for path in figures.iterdir():
        assert path.stat().st_size < 3_000_000
        if path.suffix == ".pdf":
            assert path.read_bytes().startswith(b"%PDF") and b"/Type3" not in path.read_bytes()
        else:
            picture = cv2.imread(str(path))
            assert picture.std() > 5 and 600 < picture.shape[1] < 2200  # 3.4 or 7 inches at 200 to 300 dpi
    for path in figures.glob("glance_*.png"):  # they stand one above the other
        height, width = cv2.imread(str(path)).shape[:2]
        assert height == width


def test_a_plain_run_has_fewer_pictures(few_evaluated, few_config):
    drawn = {path.stem for path in (Path(few_config.reports) / "figures").glob("*.png")}
    assert drawn == PICTURES - {"curve", "figure_6", "figure_7"}
    assert few_evaluated["cross"] == {} and few_evaluated["single"] is None and few_evaluated["second"] is None
    assert few_evaluated["contrasts"] == [] and few_evaluated["run"]["command"] == []


@pytest.mark.parametrize("whole", [True, False])
def test_markdown_tables_are_consistent(results, few, whole):
    text = evaluate.markdown(results if whole else few)
    assert text.startswith("Measured on 3 images of 3 patients.")
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(blocks) == text.count("## ") == (13 if whole else 11)
    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1 and re.match(r"\|---", block.splitlines()[1])
    low, high = (results if whole else few)["arms"]["real"]["ci95"]["f1_vessel"]
    assert f"({low:.4f} to {high:.4f})" in text


def test_numbers_that_json_does_not_know_become_null():
    odd = {"a": [float("nan"), 1.0], "b": (float("inf"),), "c": "nan"}
    assert evaluate.strict(odd) == {"a": [None, 1.0], "b": [None], "c": "nan"}


@pytest.fixture
def quick(few_config, tmp_path, monkeypatch):
    """An evaluation of one arm, without the figures that take long to draw."""
    for part in evaluate.EXPERIMENTS:
        monkeypatch.setattr(part, "figures", lambda folder, results, run: None)
    monkeypatch.setattr(arms, "figures", lambda folder, results, run: write_image(folder / "arms.png", DOT))
    monkeypatch.setattr(evaluate.overview, "figures", lambda folder, results, run: None)
    monkeypatch.setattr(trainings, "figures", lambda folder, results, run: None)
    return replace(few_config, reports=str(tmp_path / "reports"), arms=("synthetic",))


@pytest.fixture
def reported(quick, few_evaluated, few_config):
    """The same, in the place of a report with all figures."""
    shutil.copytree(few_config.reports, quick.reports)
    return quick


def test_a_second_evaluation_replaces_the_first(reported, tmp_path):
    reports = tmp_path / "reports"
    assert (reports / "figures" / "figure_1.png").exists()
    evaluate.evaluate(reported)
    assert [path.name for path in (reports / "figures").iterdir()] == ["arms.png"]
    assert list(json.loads((reports / "results.json").read_text())["arms"]) == ["synthetic"]
    assert "<html" in (reports / "report.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def measures_nothing(run):
    raise AssertionError("it was measured")


@pytest.mark.parametrize("name", ["figures/vacation.png", "figures/2020/beach.jpg", "results.json", "report.html",
                                  "figures"])
def test_files_of_a_user_are_not_replaced(quick, tmp_path, monkeypatch, name):
    path = tmp_path / "reports" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    monkeypatch.setattr(evaluate, "measure", measures_nothing)
    with pytest.raises(UserError, match=f"{name} is there already .*--reports"):
        evaluate.evaluate(quick)
    assert path.read_bytes() == b"mine"
    assert [other for other in (tmp_path / "reports").rglob("*") if other.is_file()] == [path]


def test_a_figure_that_a_user_changed_is_not_replaced(reported, tmp_path, monkeypatch):
    picture = tmp_path / "reports" / "figures" / "arms.png"
    picture.write_bytes(b"with my arrows")
    monkeypatch.setattr(evaluate, "measure", measures_nothing)
    with pytest.raises(UserError, match="figures/arms.png has been changed"):
        evaluate.evaluate(reported)
    assert picture.read_bytes() == b"with my arrows"


def test_other_files_beside_a_report_stay(quick, tmp_path):
    for name in ("notes.txt", "figures/.DS_Store"):
        (tmp_path / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "reports" / name).write_text("mine")
    evaluate.evaluate(quick)
    assert {path.relative_to(tmp_path / "reports").as_posix() for path in (tmp_path / "reports").rglob("*.*")} == {
        "notes.txt", "figures/.DS_Store", "figures/arms.png", "results.json", "results.md", "report.html", RECORD}
    assert (tmp_path / "reports" / "notes.txt").read_text() == "mine"


def test_a_report_that_fails_leaves_the_old_one(reported, tmp_path, monkeypatch):
    before = {path: path.read_bytes() for path in (tmp_path / "reports").rglob("*") if path.is_file()}

    def fails(results, run):
        raise UserError("the last section fails")

    monkeypatch.setattr("unet_eval.report.closing.repeat", fails)
    with pytest.raises(UserError, match="last section"):
        evaluate.evaluate(reported)
    assert {path: path.read_bytes() for path in (tmp_path / "reports").rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_a_folder_that_cannot_be_written_is_named(quick, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(evaluate, "measure", measures_nothing)
    with pytest.raises(UserError, match="file/new: cannot be written"):
        evaluate.evaluate(replace(quick, reports=str(tmp_path / "file" / "new")))

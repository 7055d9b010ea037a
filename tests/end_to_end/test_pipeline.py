"""`make stage1 stage2 eval` from real files to the report: tiny networks, no step left out."""
from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import h5py
import numpy as np
import pytest

from data.pairs import PairReader
from tests.end_to_end.miniature import MAKE, environment, make

pytestmark = pytest.mark.training
SCORES = {"f1_vessel", "f1_background", "f1_macro", "sensitivity", "specificity", "accuracy", "auc", "mcc"}


def stop_in_the_middle(clone, *arguments):
    """Sends SIGTERM to make and what it runs, as a terminal does, once steps of Stage-I are shown; the output."""
    process = subprocess.Popen([*MAKE, *arguments], cwd=clone, env=environment(), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    shown = b""
    while not re.search(rb"\d+/120 \[", shown):
        piece = os.read(process.stdout.fileno(), 1000)
        assert piece, shown.decode(errors="replace")
        shown += piece
    os.killpg(process.pid, signal.SIGTERM)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    return (shown + rest).decode(errors="replace")


def check(clone, pairs, n_test, n_patients, n_train, photos):
    """Everything that a run promises is there and says where it comes from."""
    run, reports = clone / "checkpoints" / "tiny", clone / "reports" / "tiny"
    results = json.loads((reports / "results.json").read_text())
    assert results["dataset"] == {"pairs": pairs, "photos": photos, "fold": None, "few": None,
                                  "n_test": n_test, "n_train": n_train, "n_test_patients": n_patients,
                                  "held_out": False}
    assert set(results["arms"]) == {"real", "synthetic"}
    for name, arm in results["arms"].items():
        assert arm["n_train_pairs"] == {"real": n_train - n_test // n_patients, "synthetic": 3}[name]
        assert arm["threshold"] == 0.5 and len(arm["per_image"]) == n_test
        for region in ("fov", "all"):
            assert set(arm[region]) == SCORES
            assert all(0 <= arm[region][key] <= 1 for key in SCORES - {"mcc"})
        assert set(arm["ci95"]) == {"f1_vessel", "f1_macro"}
    assert {"synthetic_real", "real_synthetic", "real_real", "bins", "pixels", "smoothing"} <= set(results["kl"])
    assert results["paper"]["f1_real"] == 0.8988
    assert all(results["seconds"][stage] > 0 for stage in ("stage1", "stage2", "unet-real", "unet-synthetic", "total"))
    page = (reports / "report.html").read_text()
    assert "<img" in page and not re.search(r'(src|href)="(?!data:|#|https?:)', page)  # in one file

    with PairReader(run / "masks.h5") as masks, PairReader(run / "synthetic.h5") as synthetic:
        assert len(masks) == len(synthetic) == 3
        row, drawn = synthetic[2], masks[2]
        assert drawn["masks"].shape == (128, 128, 1) and drawn["raw"].shape == (64, 64, 1)
        assert {name: value.shape for name, value in row.items()} == {
            "masks": (64, 64, 1), "images": (64, 64, 3), "fovs": (64, 64, 1)}
        assert set(np.unique(row["masks"])) <= {0, 255} and not row["images"][row["fovs"][..., 0] == 0].any()
        made_by = synthetic.attributes
        assert made_by["seed"] == 1 and made_by["stage1"]["stage1"]["flags"]["encoding"] == "signed_distance"
        assert made_by["stage2"]["flags"]["l1_weight"] == 10 and len(made_by["stage2"]["data"]["checksum"]) == 64
        assert made_by["stage1"]["stage1"]["data"]["pairs"] == made_by["stage2"]["data"]["pairs"]
    assert (run / "masks.png").stat().st_size and (run / "synthetic.png").stat().st_size
    for stage, weights in (("stage1", "generator.h5"), ("stage2", "generator.h5"), ("unet-real", "weights.h5"),
                           ("unet-synthetic", "weights.h5")):
        config = json.loads((run / stage / "config.json").read_text())
        assert set(config) == {"version", "flags", "resolved", "versions", "git", "data"}
        assert config["flags"]["batch_size"] in (2, 4) and config["resolved"]["precision"] == "float32"
        assert h5py.is_hdf5(run / stage / weights) and list((run / stage).glob("ckpt-*.index"))
        assert list((run / stage / "logs").rglob("events.out.tfevents.*"))
    assert len(list((run / "stage1" / "samples").iterdir())) == len(list((run / "stage2" / "samples").iterdir())) == 1
    return results


def test_the_whole_pipeline_stopped_in_the_middle(clone, drive, messidor):
    given = (f"PAIRS={drive}", f"PHOTOS={messidor}")
    said = stop_in_the_middle(clone, "stage1", *given)
    step = int(re.search(r"stopped by SIGTERM after step (\d+)", said)[1])
    assert "Traceback" not in said
    run = clone / "checkpoints" / "tiny"
    assert 0 < step < 120 and not (run / "masks.h5").exists()

    answer = make(clone, "stage1", "stage2", "eval", *given)
    assert answer.returncode == 0, answer.stdout[-3000:]
    assert f"after step {step} of 120" in answer.stdout
    assert "Traceback" not in answer.stdout and "TensorFlow Addons" not in answer.stdout
    results = check(clone, "drive", n_test=2, n_patients=2, n_train=3, photos="messidor")
    assert results["arms"]["real"]["fov"]["auc"] > 0.7  # vessels are dark lines; twenty steps tell them
    names = sorted(path.name for path in (run / "photo_masks").iterdir())
    assert names == ["made.sha256", *(f"photo {k}.png" for k in range(3))]

    files = {path: path.stat().st_mtime_ns for path in clone.rglob("*") if path.is_file()}
    again = make(clone, "stage1", "stage2", "eval", *given)
    assert again.returncode == 0 and "training" not in again.stdout
    assert {path: path.stat().st_mtime_ns for path in clone.rglob("*") if path.is_file()} == files


@pytest.mark.long
def test_every_experiment(clone, drive, messidor):
    """Every arm, one of them with two seeds, the single GAN and the second data set are in the report."""
    given = (f"PAIRS={drive}", f"PHOTOS={messidor}", f"CELLS={drive}")
    first = make(clone, "unet-real", "unet-synthetic", *given)
    assert first.returncode == 0, first.stdout[-3000:]
    weights = clone / "checkpoints" / "tiny" / "unet-real" / "weights.h5"
    trained = weights.stat().st_mtime_ns
    whole = make(clone, "unet-real.1", "evidence", *given, f"FLAGS='--test={drive}'")
    assert whole.returncode == 0, whole.stdout[-3000:]
    assert weights.stat().st_mtime_ns == trained
    reports = clone / "reports" / "tiny"
    results = json.loads((reports / "results.json").read_text())
    arms = results["arms"]
    assert {name: arm["n_train_pairs"] for name, arm in arms.items()} == {
        "real": 2, "synthetic": 3, "real+synthetic": 5, "rendered": 50, "synthetic-relabelled": 3}
    for name, arm in arms.items():
        assert [net["seed"] for net in arm["seeds"]] == ([0, 1] if name == "real" else [0])
        assert all(0 <= net["validation_f1"] <= 1 for net in arm["seeds"])
        assert ("difference" in arm) == (name != "real")
    first, second = arms["real"]["seeds"]
    assert first["auc"] != second["auc"]
    crossed = results["cross"]["drive"]["arms"]
    assert crossed["rendered"]["f1_vessel"] == pytest.approx(arms["rendered"]["fov"]["f1_vessel"])  # the same images
    assert set(results["distances"]["sets"]) == {"real_real", "synthetic", "rendered", "single"}
    assert results["single"] == {"n": 50} and results["second"]["run"] == "tiny-cells"
    for number in (1, 3, 4, 5, 6, 7, 8):
        for kind in ("png", "pdf"):
            assert (reports / "figures" / f"figure_{number}.{kind}").stat().st_size > 1000
    assert "training" not in make(clone, "evidence", *given).stdout


@pytest.mark.long
def test_every_eye_is_tested_in_one_of_the_folds(clone, drive):
    given = ("folds", f"PAIRS={drive}", "PHOTOS=", "FOLDS=2", "FLAGS=--arms=real,synthetic,phantom --steps_per_epoch=4")
    answer = make(clone, *given)
    assert answer.returncode == 0, answer.stdout[-3000:]
    pooled = json.loads((clone / "reports" / "tiny-folds.json").read_text())
    assert pooled["dataset"] == {"pairs": "drive", "photos": None, "n_test": 5, "n_test_patients": 5}
    assert list(pooled["arms"]) == ["real", "synthetic", "phantom"]
    folds = [json.loads((clone / "reports" / f"tiny-fold{k}" / "results.json").read_text()) for k in (1, 2)]
    stems = [[image["stem"] for image in fold["arms"]["real"]["per_image"]] for fold in folds]
    assert stems == [["01", "21", "23"], ["02", "22"]]
    assert [fold["arms"]["real"]["n_train_pairs"] for fold in folds] == [1, 2]  # one patient is held out
    assert [fold["dataset"]["fold"] for fold in folds] == [[1, 2], [2, 2]]
    page = (clone / "reports" / "tiny-fold1" / "report.html").read_text()
    assert "fold 1 of 2 of DRIVE" in page and "3 images of 3 patients" in page
    for stage in ("stage1", "stage2", "unet-real", "unet-synthetic"):
        record = json.loads((clone / "checkpoints" / "tiny-fold2" / stage / "config.json").read_text())
        assert record["data"]["pairs"] == f"fold-2-of-2:{drive}"
    again = make(clone, *given)
    assert again.returncode == 0 and "training" not in again.stdout and "tiny-folds.md" in again.stdout


@pytest.mark.long
def test_the_whole_pipeline_on_real_photographs(clone, chase, hrf, tmp_path):
    photos = tmp_path / "HRF photographs"
    photos.mkdir()
    for name in ("01_h.jpg", "02_dr.JPG", "03_g.jpg"):
        (photos / name).symlink_to(hrf / "images" / name)
    answer = make(clone, "stage1", "stage2", "eval", f"PAIRS=chase_db1:{chase}", f"PHOTOS=messidor:{photos}",
                  "FLAGS=--steps_per_epoch=4 --norm=batch")
    assert answer.returncode == 0, answer.stdout[-3000:]
    results = check(clone, "chase_db1", n_test=8, n_patients=4, n_train=20, photos="messidor")
    assert [image["stem"] for image in results["arms"]["real"]["per_image"]][:2] == ["Image_11L", "Image_11R"]
    assert 0.05 < results["masks"]["real"]["density"] < 0.12

"""Evaluation of a small run made of real files and untrained networks."""
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics as sklearn

from data.fundus import load_views, to_native
from data.images import DataError, read_mask, write_image
from data.pairs import PairReader, PairWriter
from training.weights import save_weights
from unet_eval import evaluate, measure, trained
from unet_eval.networks import unet
from unet_eval.segment import Segmenter

METRICS = {"f1_vessel", "f1_background", "f1_macro", "sensitivity", "specificity", "accuracy", "auc", "mcc"}
SIZE = 72
NETWORK = {"base": 2, "poolings": 2, "input": "grey", "test_flips": False, "seed": 0, "count": 50}


def retina(seed):
    """A photograph, its mask and its field of view, uint8, which do not fill the picture."""
    random = np.random.default_rng(seed)
    mask, fov = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(fov, (SIZE // 2, SIZE // 2), SIZE // 2 - 8, 255, -1)
    for end in random.integers(0, SIZE, (6, 2)):
        cv2.line(mask, (SIZE // 2, SIZE // 2), tuple(map(int, end)), 255, 2)
    grey = 120 - mask[..., None] / 4.0 + random.normal(0, 8, (SIZE, SIZE, 3))
    return np.where(fov[..., None] > 0, grey, 0).astype(np.uint8), mask, fov


def write_drive(root, training=range(21, 25), test=range(1, 4)):
    for split, numbers in (("training", training), ("test", test)):
        for number in numbers:
            photograph, mask, fov = retina(number)
            write_image(root / split / "images" / f"{number:02d}_{split}.tif", photograph)
            write_image(root / split / "1st_manual" / f"{number:02d}_manual1.gif", mask)
            write_image(root / split / "mask" / f"{number:02d}_{split}_mask.gif", fov)


def write_pairs(path, count):
    with PairWriter(path, {"seed": 1}) as writer:
        for seed in range(count):
            photograph, mask, fov = retina(seed)
            writer.append(images=photograph, masks=mask[..., None], fovs=fov[..., None])


def write_net(run, folder, pairs, random_seed, **flags):
    folder = run / folder
    folder.mkdir(parents=True)
    config = {"flags": {**NETWORK, "repeat": 0, **flags}, "data": {"n_train_pairs": pairs}}
    (folder / "config.json").write_text(json.dumps(config))
    tf.keras.utils.set_random_seed(random_seed)
    save_weights(unet(NETWORK["base"], NETWORK["poolings"]), folder / "weights.h5")


def write_run(run, drive):
    write_net(run, "unet-real", 3, 0, arm="real")
    write_net(run, "unet-real.1", 3, 1, arm="real", repeat=1)
    write_net(run, "unet-synthetic", 7, 2, arm="synthetic")
    write_net(run, "unet-synthetic-5", 5, 3, arm="synthetic-5")
    write_net(run, "unet-rendered", 2, 4, arm="rendered")
    (run / "unet-real.1" / "validation.json").write_text('{"f1_vessel": 0.25, "epoch": 3}')
    (run / "stage1").mkdir()
    (run / "stage1" / "config.json").write_text(json.dumps({"flags": {"validation": 1}, "data": {"pairs": drive}}))
    (run / "stage1" / "seconds.json").write_text('{"seconds": 12.5}')
    (run / "unet-real" / "seconds.json").write_text('{"seconds": 7.5}')
    (run / "settings").write_text("CONFIG=tiny PAIRS=drive:D PHOTOS= FLAGS=--seed=3 --base=2\n")
    write_pairs(run / "synthetic.h5", 7)
    write_pairs(run / "rendered.h5", 2)
    with PairWriter(run / "single.h5", {"seed": 1}) as writer:
        for seed in range(3):
            writer.append(images=retina(50 + seed)[0])


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    root = tmp_path_factory.mktemp("Größe & <b>")
    drive, other, cells = f"drive:{root / 'DRIVE'}", f"drive:{root / 'other'}", root / "cells"
    write_drive(root / "DRIVE")
    write_drive(root / "other", training=[29, 30], test=[31, 32])
    write_run(root / "run", drive)
    (cells / "stage1").mkdir(parents=True)
    (cells / "stage1" / "config.json").write_text(json.dumps({"flags": {"validation": 1}, "data": {"pairs": other}}))
    write_pairs(cells / "synthetic.h5", 2)
    return evaluate.Options(root / "run", drive, "", root / "reports" / "new", str(cells), (other,), "tuned")


@pytest.fixture(scope="module")
def results(options):
    return evaluate.evaluate(options)


def test_results_json_has_the_schema_and_is_strict(options, results):
    def no_constant(text):
        raise AssertionError(f"{text} is no JSON")

    read = json.loads((options.reports / "results.json").read_text(), parse_constant=no_constant)
    assert read == results
    assert read["dataset"] == {"pairs": "drive", "photos": None, "n_test": 3, "n_train": 4}
    assert read["origin"] == {"pairs": "drive", "photos": None}
    assert list(read["arms"]) == ["real", "rendered", "synthetic", "synthetic-5"]
    assert [arm["n_train_pairs"] for arm in read["arms"].values()] == [3, 2, 7, 5]
    for name, arm in read["arms"].items():
        assert set(arm["fov"]) == set(arm["all"]) == METRICS and arm["fov"] != arm["all"]
        for key in ("f1_vessel", "f1_macro"):
            low, high = arm["ci95"][key]
            assert low <= arm["fov"][key] <= high
            if name != "real":
                apart = arm["fov"][key] - read["arms"]["real"]["fov"][key]
                assert arm["difference"][key]["mean"] == pytest.approx(apart)
        assert [set(image) for image in arm["per_image"]] == [{"stem", "f1_vessel", "f1_macro"}] * 3
    assert set(read["kl"]) >= {"synthetic_real", "real_synthetic", "real_real", "bins", "pixels", "smoothing"}
    assert read["seconds"] == {"stage1": 12.5, "stage2": None, "unet-real": 7.5, "total": 20}
    assert set(read["distances"]["sets"]) == {"real_real", "synthetic", "rendered", "single"}
    assert read["masks"]["synthetic"]["n"] == 7 and read["masks"]["real"]["n"] == 4
    assert len(read["nearest"]["synthetic"]) == 7 and len(read["nearest"]["test"]) == 3
    assert {match["training"] for match in read["nearest"]["matches"]} <= {0, 1, 2}  # the fourth was held out
    assert read["second"] == {"pairs": "drive", "run": "cells", "n_train": 1} and read["single"] == {"n": 3}


def test_an_arm_is_the_mean_of_its_seeds(results):
    real = results["arms"]["real"]
    assert [(one["seed"], one["validation_f1"]) for one in real["seeds"]] == [(0, None), (1, 0.25)]
    f1 = [one["f1_vessel"] for one in real["seeds"]]
    assert f1[0] != f1[1] and real["fov"]["f1_vessel"] == pytest.approx(np.mean(f1))
    assert real["spread"]["f1_vessel"] == pytest.approx(np.std(f1, ddof=1))
    assert results["arms"]["synthetic"]["spread"] == {"f1_vessel": None, "f1_macro": None}
    assert "difference" not in real and results["run"]["seeds"] == 2


def test_other_data_sets_are_measured_at_the_thresholds_of_the_first(options, results):
    crossed = results["cross"]["drive"]
    assert crossed["n_test"] == 2 and crossed["seen"] == 0 and set(crossed["arms"]) == {"real", "rendered", "synthetic"}
    segmenter, threshold = Segmenter(options.run / "unet-synthetic"), results["arms"]["synthetic"]["threshold"]
    truth, found = [], []
    for test in measure.load_test_images(options.test[0]):
        truth.append(test.truth[test.fov])
        found.append(to_native(test.view, segmenter.probability(test.view))[test.fov] >= np.float32(threshold))
    expected = sklearn.f1_score(np.concatenate(truth), np.concatenate(found))
    assert crossed["arms"]["synthetic"]["f1_vessel"] == pytest.approx(expected, abs=1e-6)


def test_photographs_that_stage2_saw_are_counted(options, results):
    net = {"real": [trained.Net(options.run / "unet-real")]}
    tests = measure.load_test_images(options.pairs)
    folder = options.pairs.replace("drive:", "messidor:") + "/test/images"
    assert trained.cross(options.pairs, tests, net, results["arms"], folder)["seen"] == 3


def test_training_images_are_no_test_images(options, tmp_path):
    drive = Path(options.pairs[len("drive:"):])
    for folder, name, other in (("images", "21_training.tif", "21_test.tif"), ("1st_manual", "21_manual1.gif", None),
                                ("mask", "21_training_mask.gif", "21_test_mask.gif")):
        (tmp_path / "test" / folder).mkdir(parents=True)
        (tmp_path / "test" / folder / (other or name)).symlink_to(drive / "training" / folder / name)
    with pytest.raises(DataError, match="training images of .*21"):
        trained.check_unseen(f"drive:{tmp_path}", options.pairs)
    trained.check_unseen(options.test[0], options.pairs)


def test_the_commands_that_make_a_run_again(options, results):
    first, second = results["run"]["command"]
    assert first == 'make evidence RUN=run CONFIG=tiny PAIRS=drive:D PHOTOS= FLAGS="--seed=3 --base=2"'
    assert second == ('make figures RUN=run CONFIG=tiny PAIRS=drive:D PHOTOS= FLAGS="--seed=3 --base=2 '
                      f'--test={options.test[0]}"')


def test_metrics_are_those_of_the_native_grid(options, results):
    segmenter = Segmenter(options.run / "unet-real")
    truth, probability = [], []
    for view in load_views(options.pairs, "test"):
        test = options.pairs[len("drive:"):] + "/test"
        number = view.stem[:2]
        inside = read_mask(f"{test}/mask/{number}_test_mask.gif") > 0
        truth.append(read_mask(f"{test}/1st_manual/{number}_manual1.gif")[inside] > 0)
        probability.append(to_native(view, segmenter.probability(view))[inside])
    truth, probability = np.concatenate(truth), np.concatenate(probability)
    first = results["arms"]["real"]["seeds"][0]
    found = probability >= np.float32(first["threshold"])
    assert 0 < found.mean() < 1
    assert first["auc"] == pytest.approx(sklearn.roc_auc_score(truth, probability), abs=1e-6)
    assert first["f1_macro"] == pytest.approx(sklearn.f1_score(truth, found, average="macro"), abs=1e-6)
    assert first["f1_vessel"] == pytest.approx(sklearn.f1_score(truth, found), abs=1e-6)


def test_reference_measured_against_itself(options):
    tests = measure.load_test_images(options.pairs)
    arm = measure.measure(tests, [test.view.mask.astype(np.float32) / 255 for test in tests], 0.5)
    # Its way to 540 pixels across and back may move a vessel's edge.
    assert arm.scores["fov"]["f1_vessel"] > 0.97 and arm.scores["fov"]["auc"] > 0.99
    assert arm.scores["all"]["sensitivity"] < arm.scores["fov"]["sensitivity"]  # it ends there


def test_contrasts_between_made_arms():
    # one test image, one seed: F1 is 2 TP / (2 TP + FP + FN)
    def counts(tp, wrong):
        return np.array([[[tp, wrong, wrong, 100]]])

    found = trained.contrasts({
        "real": counts(9, 1), "rendered": counts(6, 4), "synthetic": counts(5, 5), "synthetic-400": counts(8, 2),
        "synthetic-25": counts(6, 4), "synthetic-100": counts(7, 3)})
    assert [(of["arm"], of["less"]) for of in found] == [
        ("rendered", "synthetic"), ("synthetic-400", "synthetic-25"), ("synthetic-400", "synthetic")]
    assert [of["f1_vessel"]["mean"] for of in found] == pytest.approx([0.1, 0.2, 0.3])
    assert trained.contrasts({"real": counts(9, 1), "synthetic": counts(5, 5), "synthetic-10": counts(5, 5)}) == []


def test_other_data_sets_of_one_layout_stand_side_by_side(options, tmp_path):
    another = f"drive:{tmp_path / 'another'}"
    write_drive(tmp_path / "another", training=[40], test=[41])
    both = replace(options, reports=tmp_path / "report", test=(*options.test, another), threshold="0.5")
    crossed = evaluate.evaluate(both)["cross"]
    assert {name: one["n_test"] for name, one in crossed.items()} == {options.test[0]: 2, another: 1}


def test_tuned_threshold_separates_the_training_views(options):
    views = load_views(options.pairs, "train")
    answer = measure.tuned_threshold(lambda view: np.where(view.mask > 0, 0.3, 0.1).astype(np.float32), views)
    assert answer == 0.11


def test_tuned_threshold_is_each_net_s_own(options, results):
    with PairReader(options.run / "synthetic.h5") as pairs:
        for arm, views in (("real", load_views(options.pairs, "train")),
                           ("synthetic", measure.pair_views(pairs, range(7))),
                           ("synthetic-5", measure.pair_views(pairs, range(5)))):
            expected = measure.tuned_threshold(Segmenter(options.run / f"unet-{arm}").probability, views)
            assert results["arms"][arm]["seeds"][0]["threshold"] == expected


def test_fewer_seeds_and_arms_may_be_asked_for(options):
    nets = trained.load_nets(options.run, ("synthetic", "real"), 1)
    assert [(name, [net.seed for net in several]) for name, several in nets.items()] == [("real", [0]),
                                                                                      ("synthetic", [0])]


def test_threshold_flag():
    assert all(map(evaluate.is_threshold, ("0.5", "tuned", "1e-3")))
    assert not any(map(evaluate.is_threshold, ("1", "0", "nan", "best", "", "-0.5")))


def test_numbers_that_json_does_not_know_become_null():
    odd = {"a": [float("nan"), 1.0], "b": (float("inf"),), "c": "nan"}
    assert evaluate.strict(odd) == {"a": [None, 1.0], "b": [None], "c": "nan"}


@pytest.mark.parametrize("fault", ["no store", "no rows", "no photographs", "no arm", "unknown arm"])
def test_missing_inputs_stop_with_nothing_written(options, tmp_path, fault):
    run = shutil.copytree(options.run, tmp_path / "run")
    arms = ()
    if fault == "no store":
        (run / "synthetic.h5").unlink()
    elif fault == "no rows":
        with h5py.File(run / "synthetic.h5", "w") as file:
            for name, channels in (("masks", 1), ("images", 3), ("fovs", 1)):
                file.create_dataset(name, (0, 8, 8, channels), np.uint8)
    elif fault == "no photographs":
        with PairWriter(run / "synthetic.h5", {}) as writer:
            writer.append(masks=retina(0)[1][..., None])
    elif fault == "no arm":
        for weights in run.glob("*/weights.h5"):
            weights.unlink()
    else:
        arms = ("real", "imaginary")
    with pytest.raises(DataError, match="imaginary" if arms else str(run)):
        evaluate.evaluate(evaluate.Options(run, options.pairs, "", tmp_path / "reports" / "new", arms=arms))
    assert not (tmp_path / "reports").exists()


def test_a_report_that_fails_leaves_the_old_one(options, tmp_path):
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "report.html").write_text("old")
    broken = shutil.copytree(options.run, tmp_path / "broken")
    (broken / "single").mkdir()
    (broken / "single" / "config.json").write_text("{")  # the report quotes it, last of all
    with pytest.raises(DataError, match="single"):
        evaluate.evaluate(evaluate.Options(broken, options.pairs, "", reports, arms=("real",)))
    assert [path.name for path in tmp_path.glob("*reports*")] == ["reports"]
    assert [path.name for path in reports.iterdir()] == ["report.html"]
    assert (reports / "report.html").read_text() == "old"


def test_a_folder_that_cannot_be_written_is_named(options, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file/new: cannot be written"):
        evaluate.evaluate(evaluate.Options(options.run, options.pairs, "", tmp_path / "file" / "new", arms=("real",)))


def test_a_second_evaluation_replaces_the_first(options, tmp_path):
    only = evaluate.Options(options.run, options.pairs, "", tmp_path / "reports", arms=("synthetic",))
    (tmp_path / "reports" / "figures").mkdir(parents=True)
    (tmp_path / "reports" / "figures" / "stale.png").write_text("")
    evaluate.evaluate(only)
    assert not (tmp_path / "reports" / "figures" / "stale.png").exists()
    assert list(json.loads((tmp_path / "reports" / "results.json").read_text())["arms"]) == ["synthetic"]
    assert "<html" in (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")


def test_table_of_arms(results):
    lines = evaluate.table(results).splitlines()
    assert [line.split()[0] for line in lines] == ["arm", "real", "rendered", "synthetic", "synthetic-5", "synthetic"]
    real, synthetic = (results["arms"][name] for name in ("real", "synthetic"))
    for value in (f"{real['fov']['f1_vessel']:.4f}", f"{real['fov']['f1_macro']:.4f}", "0.8988"):
        assert value in lines[1]
    for value in (f"{synthetic['fov']['auc']:.4f}", "0.8877", f"{synthetic['difference']['f1_vessel']['mean']:+.4f}"):
        assert value in lines[3]
    assert f"{synthetic['fov']['f1_macro'] / real['fov']['f1_macro']:.4f}" in lines[5] and "0.9877" in lines[5]

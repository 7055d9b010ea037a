"""Evaluation, figures and report of a small run made of real files and untrained networks."""
import base64
import json
import re
import shutil
from html.parser import HTMLParser

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
from unet_eval import evaluate, figures, measure, report
from unet_eval.networks import unet
from unet_eval.segment import Segmenter

METRICS = {"f1_vessel", "f1_background", "f1_macro", "sensitivity", "specificity", "accuracy", "auc", "mcc"}
SIZE = 72


class Page(HTMLParser):
    """Checks that elements are closed in order; collects text, tags and what is linked."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.sources, self.tags = [], "", [], set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def retina(seed):
    """A photograph, its mask and its field of view, uint8, which do not fill the picture."""
    random = np.random.default_rng(seed)
    mask, fov = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(fov, (SIZE // 2, SIZE // 2), SIZE // 2 - 8, 255, -1)
    for end in random.integers(0, SIZE, (6, 2)):
        cv2.line(mask, (SIZE // 2, SIZE // 2), tuple(map(int, end)), 255, 2)
    grey = 120 - mask[..., None] / 4.0 + random.normal(0, 8, (SIZE, SIZE, 3))
    return np.where(fov[..., None] > 0, grey, 0).astype(np.uint8), mask, fov


def write_drive(root):
    for split, numbers in (("training", range(21, 25)), ("test", range(1, 4))):
        for number in numbers:
            photograph, mask, fov = retina(number)
            write_image(root / split / "images" / f"{number:02d}_{split}.tif", photograph)
            write_image(root / split / "1st_manual" / f"{number:02d}_manual1.gif", mask)
            write_image(root / split / "mask" / f"{number:02d}_{split}_mask.gif", fov)


def write_logs(folder, *tags):
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in range(3):
            for tag in tags:
                tf.summary.scalar(tag, step + 0.5, step=step)
            tf.summary.image("samples", np.zeros((1, 4, 4, 3), np.uint8), step=step)
    writer.close()


def write_run(run):
    network = {"base": 2, "poolings": 2, "input": "grey", "test_flips": False, "validation": 1}
    for seed, arm in enumerate(("real", "synthetic")):
        folder = run / f"unet-{arm}"
        folder.mkdir(parents=True)
        config = {"flags": {**network, "note": "<script>alert(1)</script>"}, "data": {"checksum": "f00d"},
                  "git": "abc1"}
        (folder / "config.json").write_text(json.dumps(config))
        tf.keras.utils.set_random_seed(seed)
        save_weights(unet(network["base"], network["poolings"]), folder / "weights.h5")
        write_logs(folder / "logs" / "train", "epoch_loss")
    write_logs(run / "stage1" / "logs" / "train", "epoch_d_loss", "epoch_g_loss", "epoch_D(x)", "epoch_D(G(z))")
    (run / "stage1" / "seconds.json").write_text('{"seconds": 12.5}')
    (run / "unet-real" / "seconds.json").write_text('{"seconds": 7.5}')
    with PairWriter(run / "synthetic.h5", {"seed": 1}) as writer:
        for seed in range(7):
            photograph, mask, fov = retina(seed)
            writer.append(images=photograph, masks=mask[..., None], fovs=fov[..., None])
    write_image(run / "masks.png", np.random.default_rng(0).integers(0, 256, (900, 1800, 3)).astype(np.uint8))


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    root = tmp_path_factory.mktemp("Größe & <b>")
    write_drive(root / "DRIVE")
    write_run(root / "run <b>&")
    return evaluate.Options(root / "run <b>&", f"drive:{root / 'DRIVE'}", "", root / "reports" / "new", "tuned")


@pytest.fixture(scope="module")
def results(options):
    return evaluate.evaluate(options)


@pytest.fixture(scope="module")
def html(options, results):
    return (options.reports / "report.html").read_text(encoding="utf-8")


def test_results_json_has_the_schema_and_is_strict(options, results):
    def no_constant(text):
        raise AssertionError(f"{text} is no JSON")

    read = json.loads((options.reports / "results.json").read_text(), parse_constant=no_constant)
    assert read == results
    assert read["dataset"] == {"pairs": "drive", "photos": None, "n_test": 3}
    assert list(read["arms"]) == ["real", "synthetic"]
    assert [arm["n_train_pairs"] for arm in read["arms"].values()] == [4 - 1, 7]  # one is held out for validation
    for arm in read["arms"].values():
        assert set(arm["fov"]) == set(arm["all"]) == METRICS and arm["fov"] != arm["all"]
        for key in ("f1_vessel", "f1_macro"):
            low, high = arm["ci95"][key]
            assert low <= arm["fov"][key] <= high
        assert [set(image) for image in arm["per_image"]] == [{"stem", "f1_vessel", "f1_macro"}] * 3
    assert set(read["kl"]) >= {"synthetic_real", "real_synthetic", "real_real", "bins", "pixels", "smoothing"}
    assert read["seconds"] == {"stage1": 12.5, "stage2": None, "unet-real": 7.5, "unet-synthetic": None, "total": 20}
    assert read["masks"]["synthetic"]["n"] == 7 and read["masks"]["real"]["n"] == 4


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
    measured, found = results["arms"]["real"]["fov"], probability >= np.float32(results["arms"]["real"]["threshold"])
    assert 0 < found.mean() < 1
    assert measured["auc"] == pytest.approx(sklearn.roc_auc_score(truth, probability), abs=1e-6)
    assert measured["f1_macro"] == pytest.approx(sklearn.f1_score(truth, found, average="macro"), abs=1e-6)
    assert measured["mcc"] == pytest.approx(sklearn.matthews_corrcoef(truth, found), abs=1e-6)


def test_reference_measured_against_itself(options):
    tests = measure.load_test_images(options.pairs)
    arm = measure.measure(tests, [test.view.mask.astype(np.float32) / 255 for test in tests], 0.5)
    # Its way to 540 pixels across and back may move a vessel's edge.
    assert arm["fov"]["f1_vessel"] > 0.97 and arm["fov"]["auc"] > 0.99
    assert arm["all"]["sensitivity"] < arm["fov"]["sensitivity"]  # vessels outside the field of view are missed


def test_tuned_threshold_separates_the_training_views(options):
    views = load_views(options.pairs, "train")
    answer = measure.tuned_threshold(lambda view: np.where(view.mask > 0, 0.3, 0.1).astype(np.float32), views)
    assert answer == 0.11


def test_tuned_threshold_is_each_arm_s_own(options, results):
    with PairReader(options.run / "synthetic.h5") as pairs:
        for arm, views in (("real", load_views(options.pairs, "train")), ("synthetic", measure.pair_views(pairs))):
            expected = measure.tuned_threshold(Segmenter(options.run / f"unet-{arm}").probability, views)
            assert results["arms"][arm]["threshold"] == expected


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
    (broken / "stage1" / "config.json").write_text("{")  # the report quotes it, last of all
    with pytest.raises(DataError, match="stage1"):
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
    Page((tmp_path / "reports" / "report.html").read_text(encoding="utf-8"))


def test_table_of_arms(results):
    lines = evaluate.table(results).splitlines()
    real, synthetic = (results["arms"][name]["fov"] for name in ("real", "synthetic"))
    assert f"{real['f1_vessel']:.4f}" in lines[1] and f"{real['f1_macro']:.4f}" in lines[1] and "0.8988" in lines[1]
    assert f"{synthetic['auc']:.4f}" in lines[2] and "0.8877" in lines[2]
    assert f"{synthetic['f1_macro'] / real['f1_macro']:.4f}" in lines[3] and "0.9877" in lines[3]


def test_report_is_one_valid_page_that_loads_nothing(options, html):
    page = Page(html)
    drawn = list((options.reports / "figures").glob("*.png"))
    assert len(page.sources) == len(drawn) + 1  # and the run's masks.png
    for source in page.sources:
        data = re.fullmatch(r"data:image/(?:png|jpeg);base64,(.+)", source)[1]
        assert cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR) is not None
    assert "script" not in page.tags and "link" not in page.tags and "url(" not in html and "@import" not in html
    assert len(html) < 8_000_000


def test_report_escapes_what_comes_from_files(html):
    page = Page(html)
    assert "<script>alert(1)</script>" in page.text and "run <b>&" in page.text and "b" not in page.tags


def test_report_tells_the_numbers_beside_the_paper_s(results, html):
    text = Page(html).text
    real, synthetic = (results["arms"][name]["fov"] for name in ("real", "synthetic"))
    for value in (synthetic["f1_vessel"], synthetic["f1_macro"], real["mcc"], 0.8988, 0.8877,
                  results["kl"]["synthetic_real"], results["masks"]["synthetic"]["largest_components"]):
        assert f"{value:.4f}" in text
    assert f"{synthetic['f1_vessel'] / real['f1_vessel']:.1%}" in text
    assert "256 bins" in text and "abc1" in text and "f00d" in text and "01" in text


def test_numbers_that_are_not_defined_are_dashes():
    assert report.number(None) == "–" and report.number(0.12345) == "0.1235" and report.number(7.0, 0) == "7"


def test_figures_are_small_pictures_of_everything(options, results):
    drawn = {path.stem: path for path in (options.reports / "figures").iterdir()}
    assert set(drawn) == {"masks", "pairs", "segmentations", "intensities", "arms", "curves_stage1_losses",
                          "curves_stage1_discriminator", "curves_unet-real_losses", "curves_unet-synthetic_losses"}
    for path in drawn.values():
        assert cv2.imread(str(path)).std() > 0 and path.stat().st_size < 1_000_000


def test_agreement_colours_each_kind_of_pixel():
    truth, found = np.array([[1, 1, 0, 0, 1]], bool), np.array([[1, 0, 1, 0, 1]], bool)
    colours = figures.agreement(truth, found, np.array([[1, 1, 1, 1, 0]], bool))
    expected = [figures.HIT, figures.FALSE_NEGATIVE, figures.FALSE_POSITIVE, (0, 0, 0), figures.OUTSIDE]
    assert [tuple(colour) for colour in colours[0].tolist()] == expected


def test_scalars_of_a_resumed_training(tmp_path):
    for start, value in ((0, 1.0), (2, 9.0)):  # the second file goes back to step 2 of the first
        writer = tf.summary.create_file_writer(str(tmp_path / "train"), filename_suffix=f".{start}")
        with writer.as_default():
            for step in range(start, start + 3):
                tf.summary.scalar("epoch_loss", value, step=step)
        writer.close()
    assert figures.scalars(tmp_path) == {("train", "epoch_loss"): {0: 1, 1: 1, 2: 9, 3: 9, 4: 9}}

"""What the arms reach on test images, and its tables and charts."""
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn

from data.fundus import load_views, to_native
from data.masks import read_mask
from unet_eval.arms import KINDS
from unet_eval.experiments import arms
from unet_eval.measures.resampling import holm
from unet_eval.report.charts import plt
from unet_eval.report.contrasts import COMPARED, relabelling
from unet_eval.segment import Segmenter


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def column(table, title):
    return [row[table.head.index(title)] for row in table.rows]


def test_an_arm_is_the_mean_of_its_seeds(results):
    real = results["arms"]["real"]
    assert [(seed["seed"], seed["validation_f1"]) for seed in real["seeds"]] == [(0, None), (1, 0.25)]
    f1 = [seed["f1_vessel"] for seed in real["seeds"]]
    assert f1[0] != f1[1] and real["fov"]["f1_vessel"] == pytest.approx(np.mean(f1))
    assert real["spread"]["f1_vessel"] == pytest.approx(np.std(f1, ddof=1))
    assert results["arms"]["synthetic"]["spread"] == {"f1_vessel": None, "f1_macro": None}
    assert "difference" not in real and results["run"]["seeds"] == 2


def test_p_values_of_a_table_are_corrected_together(results):
    """The arms' differences of one F1, the contrasts of both, and the statistics of masks."""
    compared = [entry for entry in results["arms"].values() if "difference" in entry]
    families = [[entry["difference"][key] for entry in compared] for key in ("f1_vessel", "f1_macro")]
    families += [[entry[key] for entry in results["contrasts"] for key in ("f1_vessel", "f1_macro")],
                 list(results["masks"]["statistics"].values())]
    for family in families:
        p, corrected = (np.array([entry[name] for entry in family], float) for name in ("p", "p_holm"))
        assert np.isfinite(p).sum() > 1 and np.allclose(corrected, holm(p), equal_nan=True)
        assert (corrected > p)[np.isfinite(p)].any()


def test_metrics_are_those_of_the_native_grid(config, results):
    segmenter = Segmenter(Path(config.run) / "unet-real")
    truth, probability = [], []
    for view in load_views(config.pairs, "test"):
        test = config.pairs[len("drive:"):] + "/test"
        inside = read_mask(f"{test}/mask/{view.stem}_test_mask.gif") > 0
        truth.append(read_mask(f"{test}/1st_manual/{view.stem}_manual1.gif")[inside] > 0)
        probability.append(to_native(view, segmenter.probability(view))[inside])
    truth, probability = np.concatenate(truth), np.concatenate(probability)
    first = results["arms"]["real"]["seeds"][0]
    predicted = probability >= np.float32(first["threshold"])
    assert 0 < predicted.mean() < 1
    assert first["auc"] == pytest.approx(sklearn.roc_auc_score(truth, probability), abs=1e-6)
    assert first["f1_macro"] == pytest.approx(sklearn.f1_score(truth, predicted, average="macro"), abs=1e-6)
    assert first["f1_vessel"] == pytest.approx(sklearn.f1_score(truth, predicted), abs=1e-6)


def test_reference_measured_against_itself(run):
    outcome = arms.score(run.tests, [test.view.mask.astype(np.float32) / 255 for test in run.tests], 0.5)
    # Its way to 540 pixels across and back may move a vessel's edge.
    assert outcome.scores["fov"]["f1_vessel"] > 0.97 and outcome.scores["fov"]["auc"] > 0.99
    assert outcome.scores["all"]["sensitivity"] < outcome.scores["fov"]["sensitivity"]  # it ends there


def test_contrasts_between_arms_without_real_photographs():
    # one test image, one seed: F1 is 2 TP / (2 TP + FP + FN)
    def counts(tp, wrong):
        return np.array([[[tp, wrong, wrong, 100]]])

    pairs = {"synthetic": 50, "synthetic-400": 400, "synthetic-25": 25, "synthetic-100": 100, "synthetic-10": 10}
    contrasts = arms.contrasts({
        "real": counts(9, 1), "rendered": counts(6, 4), "synthetic": counts(5, 5), "synthetic-400": counts(8, 2),
        "synthetic-25": counts(6, 4), "synthetic-100": counts(7, 3)}, pairs, ["01"])
    assert [(entry["arm"], entry["less"]) for entry in contrasts] == [
        ("rendered", "synthetic"), ("synthetic-400", "synthetic-25"), ("synthetic-400", "synthetic")]
    assert [entry["f1_vessel"]["mean"] for entry in contrasts] == pytest.approx([0.1, 0.2, 0.3])
    two = {"real": counts(9, 1), "synthetic": counts(5, 5), "synthetic-10": counts(5, 5)}
    assert arms.contrasts(two, pairs, ["01"]) == []
    # the longest of the curve has fewer pairs than `synthetic`: their difference is not what more pairs are worth
    contrasts = arms.contrasts({**two, "synthetic-25": counts(6, 4)}, pairs, ["01"])
    assert [(entry["arm"], entry["less"]) for entry in contrasts] == [("synthetic-25", "synthetic-10")]

    contrasts = arms.contrasts({"synthetic": counts(5, 5), "phantom": counts(4, 6), "phantom-rendered": counts(6, 4),
                                "synthetic-relabelled": counts(8, 2), "phantom-relabelled": counts(7, 3)}, {}, ["01"])
    assert [(entry["arm"], entry["less"], round(entry["f1_vessel"]["mean"], 6)) for entry in contrasts] == [
        ("phantom-rendered", "synthetic", 0.1), ("synthetic", "phantom", 0.1), ("phantom-rendered", "phantom", 0.2),
        ("synthetic-relabelled", "synthetic", 0.3), ("synthetic-relabelled", "phantom-relabelled", 0.1)]
    assert {name for pair in COMPARED for name in pair} <= {kind.name for kind in KINDS}


def test_arms_are_compared_in_the_seeds_that_both_have():
    """The curve has the first seed only: seeds whose GANs made other pairs are left out."""
    counts = {"synthetic": np.array([[[5, 5, 5, 100]], [[9, 1, 1, 100]], [[9, 1, 1, 100]]]),
              "synthetic-1": np.array([[[4, 6, 6, 100]]]), "synthetic-100": np.array([[[6, 4, 4, 100]]])}
    contrasts = arms.contrasts(counts, {"synthetic": 50, "synthetic-1": 1, "synthetic-100": 100}, ["01"])
    assert [(entry["less"], round(entry["f1_vessel"]["mean"], 6)) for entry in contrasts] == [
        ("synthetic-1", 0.2), ("synthetic", 0.1)]


def test_relabelling_counts_for_the_gans_only_where_it_exceeds_every_control():
    def text(*lows):
        return relabelling([{"arm": "synthetic-relabelled", "less": f"{name}-relabelled",
                             "f1_vessel": {"mean": low + 0.01, "ci95": [low, low + 0.02]}}
                            for name, low in zip(("phantom", "photos", "real"), lows)])

    assert "<strong>it does</strong>" in text(0.001, 0.002).text
    assert "<strong>undecided</strong>" in text(0.003, -0.001, 0.002).text
    assert "<strong>it does not</strong>" in text(0.003, -0.03, 0.002).text
    assert "photos-relabelled +0.0090 (−0.0010 to +0.0190)" in text(0.003, -0.001).text
    assert relabelling([{"arm": "synthetic-relabelled", "less": "synthetic", "f1_vessel": {}}]) is None


def test_arms_in_the_order_of_the_experiment(results):
    table = arms.tables(results)["Arms"]
    assert column(table, "arm") == ["real", "real+synthetic", "rendered", "synthetic", "synthetic-3", "synthetic-5"]
    assert column(table, "pairs") == ["3", "10", "4", "7", "3", "5"]


def test_one_seed_has_no_spread(few):
    table = arms.tables(few)["Arms"]
    assert column(table, "seeds") == ["1", "1"] and set(column(table, "SD")) == {"–"}


def test_images_are_listed_for_arms_without_a_number(results):
    table = arms.images_table(results)
    assert table.head == ["image", "real", "real+synthetic", "rendered", "synthetic"]
    assert column(table, "image") == ["01", "02 ä", "03 <b>&|$5_{x$y"]
    assert "| 03 &lt;b>&\\|$5_{x$y |" in table.markdown()  # text from files stays within its cell


def test_the_curve_runs_over_the_number_of_pairs(results):
    entries = results["arms"]
    (axes,) = arms.curve_chart(entries).axes
    line = next(line for line in axes.lines if line.get_label() == "synthetic")
    assert line.get_xdata().tolist() == [3, 5, 7]
    assert line.get_ydata().tolist() == [entries[name]["fov"]["f1_vessel"]
                                         for name in ("synthetic-3", "synthetic-5", "synthetic")]
    flat = {line.get_label(): line.get_ydata()[0] for line in axes.lines if "pairs" in line.get_label()}
    assert flat == {"real, 3 pairs": entries["real"]["fov"]["f1_vessel"],
                    "rendered, 4 pairs": entries["rendered"]["fov"]["f1_vessel"]}
    assert axes.get_xscale() == "log" and [label.get_text() for label in axes.get_xticklabels()] == ["3", "5", "7"]


def test_arms_have_a_ring_a_seed_and_the_paper_s_value(results):
    vessel, macro = arms.arms_chart(results).axes
    assert [label.get_text() for label in vessel.get_yticklabels()][:3] == ["real", "real+synthetic", "rendered"]
    rings = [line.get_xdata() for line in vessel.lines if line.get_fillstyle() == "none"]
    assert np.allclose(rings[0], [seed["f1_vessel"] for seed in results["arms"]["real"]["seeds"]])
    dotted = [line.get_xdata()[0] for line in macro.lines if line.get_linestyle() == ":"]
    assert dotted == [0.8988, 0.8877] and not [line for line in vessel.lines if line.get_linestyle() == ":"]

"""Numbers as text, tables in three formats, and the headline."""
import pytest

from unet_eval.report import text
from unet_eval.report.closing import longer_training
from unet_eval.report.headline import headline, how_sure, ratio, summary, trained_alike
from unet_eval.report.tables import Table


def test_numbers_as_text():
    assert text.number(None) == "–" and text.number(-0.12345) == "−0.1235" and text.number(7.0, 0) == "7"
    assert text.signed(0.0041) == "+0.0041" and text.signed(-0.5, 1) == "−0.5"
    assert text.short(4.212e-4) == "4.212e−4" and text.short(0.05131) == "0.05131" and text.short(0.0) == "0"
    assert text.probability(2 / 2001) == "≤ 0.001" and text.probability(0.0114) == "0.011"
    assert text.interval([-0.1, 0.2]) == "−0.1000 to 0.2000" and text.interval([0.1, None]) == "too few patients"
    assert text.with_interval(0.5, [None, None]) == "0.5000\ntoo few patients"
    assert text.with_interval(None, [None, None]) == "–"


def test_names_of_trainings():
    assert text.training_name("stage1") == "Stage-I, masks" and text.training_name("other") == "other"
    assert text.training_name("unet-real+synthetic.2") == "U-Net, real+synthetic arm, repetition 2"
    assert text.training_name("stage2.1") == "Stage-II, photographs, repetition 1"


def test_a_table_as_plain_text_is_aligned_and_ascii():
    table = Table(["name", "value\nrange"], [["a", "−1\n≤ 2"], ["long name", "–"]])
    assert table.plain().splitlines() == ["name       value (range)", "a          -1 (<= 2)", "long name  -"]


def test_a_table_in_markdown():
    table = Table(["a|b", "c\naside"], [["<i>", "1\n2"], ["x\\", "3"]], strong=1)
    assert table.markdown().splitlines() == ["| a\\|b | c (aside) |", "|---|---:|", "| &lt;i> | 1 (2) |",
                                             "| **x\\\\** | **3** |"]
    assert Table(["a", "b"], [], prose=True).markdown().splitlines()[1] == "|---|---|"


def test_ratio_and_its_interval(results):
    arms = results["arms"]
    for key in ("f1_vessel", "f1_macro"):
        measured = arms["synthetic"]["ratio"][key]
        assert measured["mean"] == pytest.approx(arms["synthetic"]["fov"][key] / arms["real"]["fov"][key])
    arms["synthetic"]["ratio"] = {"f1_vessel": {"mean": 0.9125, "ci95": [0.8877, 0.9321]},
                                  "f1_macro": {"mean": 0.9607, "ci95": [0.9437, 0.9774]}}
    assert ratio(results)["paper"] == pytest.approx(0.8877 / 0.8988)
    for table in (headline(results), summary(results)):
        cells = [cell for row in table.rows for cell in row]
        assert "0.9607\n0.9437 to 0.9774" in cells and "0.9125\n0.8877 to 0.9321" in cells
    arms["synthetic"]["ratio"]["f1_vessel"]["mean"] = None  # the real arm found no vessel
    assert ratio(results) is None
    del arms["synthetic"]["ratio"]
    assert ratio(results) is None


def test_what_intervals_rest_on():
    def said(test, patients, seeds, held_out=False, warm=()):
        return how_sure({"dataset": {"n_test": test, "n_test_patients": patients, "held_out": held_out},
                         "run": {"warm_started": [*warm]},
                         "arms": {"real": {"seeds": [{}] * seeds}, "synthetic": {"seeds": [{}]}}})

    several = said(8, 4, 3)
    assert "8 images of 4 patients." in several and "over patients and U-Nets" in several
    assert "or more" not in several and "One U-Net" not in several
    assert "Arms have 1 to 3 U-Nets; of a single one, what another seed would give is in no interval." in several
    single = said(20, 6, 1)
    assert "over patients," in single and "One U-Net an arm" in single and "Arms have" not in single
    assert "1 image of 1 patient." in said(1, 1, 1) and "takes 3 patients or more" in said(1, 1, 1)
    assert "held out" in said(4, 4, 1, held_out=True) and "held out" not in single
    assert "(--warm_start): Stage-I, masks; U-Net, real arm. Do not" in said(4, 4, 1, warm=("stage1", "unet-real"))
    assert "warm_start" not in single


def test_what_arms_have_in_common_is_said_of_this_run():
    def said(steps, *unlike):
        return trained_alike({"run": {"steps": steps, "unlike": [*unlike]}}), longer_training(steps)

    alike, longer = said([3375, 3375])
    assert "flags and number of steps, 3,375," in alike and "for the same number of steps" in longer
    passes, longer = said(None)
    assert "(--steps_per_epoch=0)" in passes and "number of steps" not in passes and "not held to" in longer
    unlike, longer = said([200, 400], "--crop", "--epochs")
    assert "different values of --crop, --epochs:" in unlike and "same" not in unlike and "not held to" in longer


def test_summary_of_arms(results):
    lines = summary(results).plain().splitlines()
    assert [line.split()[0] for line in lines] == ["arm", "real", "real+synthetic", "rendered", "synthetic",
                                                   "synthetic-3", "synthetic-5", "synthetic"]
    real, synthetic = (results["arms"][name] for name in ("real", "synthetic"))
    for value in (f"{real['fov']['f1_vessel']:.4f}", f"{real['fov']['f1_macro']:.4f}", "0.8988"):
        assert value in lines[1]
    for value in (f"{synthetic['fov']['auc']:.4f}", "0.8877", f"{synthetic['difference']['f1_vessel']['mean']:+.4f}"):
        assert value in lines[4]
    assert f"{synthetic['fov']['f1_macro'] / real['fov']['f1_macro']:.4f}" in lines[7] and "0.9877" in lines[7]

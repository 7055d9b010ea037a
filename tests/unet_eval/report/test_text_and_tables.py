"""Numbers as text, tables in three formats, and the headline."""
import pytest

from unet_eval.report import text
from unet_eval.report.headline import headline, ratio, summary
from unet_eval.report.tables import Table


def test_numbers_as_text():
    assert text.number(None) == "–" and text.number(-0.12345) == "−0.1235" and text.number(7.0, 0) == "7"
    assert text.signed(0.0041) == "+0.0041" and text.signed(-0.5, 1) == "−0.5"
    assert text.short(4.212e-4) == "4.212e−4" and text.short(0.05131) == "0.05131" and text.short(0.0) == "0"
    assert text.probability(2 / 2001) == "≤ 0.001" and text.probability(0.0114) == "0.011"
    assert text.interval([-0.1, 0.2]) == "−0.1000 to 0.2000" and text.interval([0.1, None]) == "–"


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
    arms["real"]["fov"].update(f1_vessel=0.80, f1_macro=0.89)
    arms["synthetic"]["fov"].update(f1_vessel=0.73, f1_macro=0.855)
    arms["synthetic"]["difference"]["f1_macro"]["ci95"] = [-0.0501, -0.0201]
    both = ratio(results)
    assert both["f1_vessel"] == pytest.approx(0.73 / 0.80) and both["paper"] == pytest.approx(0.8877 / 0.8988)
    assert both["ci95"] == pytest.approx([1 - 0.0501 / 0.89, 1 - 0.0201 / 0.89])
    assert "0.9607\n0.9437 to 0.9774" in [row[2] for row in headline(results).rows]
    del arms["real"]
    assert ratio(results) is None


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

"""Tables, verdicts, and results.md."""
import re

import pytest

from unet_eval import markdown, tables
from unet_eval.claims import claims, factor


def column(of, title):
    return [row[of.head.index(title)] for row in of.rows]


def test_numbers_as_text():
    assert tables.number(None) == "–" and tables.number(-0.12345) == "−0.1235" and tables.number(7.0, 0) == "7"
    assert tables.signed(0.0041) == "+0.0041" and tables.signed(-0.5, 1) == "−0.5"
    assert tables.short(4.212e-4) == "4.212e−4" and tables.short(0.05131) == "0.05131" and tables.short(0.0) == "0"
    assert tables.probability(2 / 2001) == "≤ 0.001" and tables.probability(0.0114) == "0.011"
    assert tables.interval([-0.1, 0.2]) == "−0.1000 to 0.2000" and tables.interval([0.1, None]) == "–"


def test_arms_in_the_order_of_the_experiment(results):
    assert tables.ordered([*results["arms"], "odd"]) == [
        "real", "real+synthetic", "rendered", "synthetic", "synthetic-10", "synthetic-100", "phantom", "odd"]
    assert column(tables.arms(results), "pairs") == ["19", "69", "20", "50", "10", "100", "50"]


def test_ratio_and_its_interval(results):
    both = tables.ratio(results)
    assert both["f1_vessel"] == pytest.approx(0.73 / 0.80) and both["paper"] == pytest.approx(0.8877 / 0.8988)
    # macro F1 0.855 and 0.89: the difference -0.035 with interval -0.0501 to -0.0201
    assert both["ci95"] == pytest.approx([1 - 0.0501 / 0.89, 1 - 0.0201 / 0.89])
    del results["arms"]["real"]
    assert tables.ratio(results) is None


def test_one_seed_has_no_spread(few):
    assert column(tables.arms(few), "seeds") == ["1", "1"] and set(column(tables.arms(few), "SD")) == {"–"}


def test_the_nearest_definition_is_stressed(results, few):
    table = tables.divergences(results)
    assert len(table.rows) == 20 + 1 and table.rows[table.strong][:4] == ["64", "R, G, B", "field of view", "1"]
    assert table.rows[4][4:] == ["–", "–", "–"]
    few["kl"].pop("definitions"), few["kl"].pop("nearest")
    assert len(tables.divergences(few).rows) == 2 and tables.divergences(few).strong is None


def test_nearest_masks_come_first(results):
    shown = [float(value) for value in column(tables.nearest(results), "distance")]
    assert shown == pytest.approx(sorted(results["nearest"]["synthetic"])[:5], abs=5e-5)


def test_verdicts(results):
    verdicts = column(claims(results), "verdict")
    assert verdicts == ["not reproduced: lower",            # 0.9775 is below 0.9877
                        "not reproduced",                   # 0.0283 is below 0.0513
                        "not reproduced",                   # length differs
                        "no sign of copies", "not reproduced", "reproduced", "shown, not measured"]
    results["arms"]["synthetic"]["difference"]["f1_macro"]["ci95"] = [-0.02, 0.0]
    results["kl"].update(synthetic_real=4.0, real_real=5e-4)
    results["masks"]["statistics"]["length"]["p_holm"] = 0.06
    results["nearest"]["p"] = 0.01
    results["distances"]["sets"]["synthetic"]["ms_ssim"] = 0.3
    results["distances"]["sets"]["single"]["frechet"] = 1.0
    assert column(claims(results), "verdict") == [
        "reproduced", "reproduced", "reproduced", "not shown: they lie nearer than unseen real masks", "reproduced",
        "not reproduced", "shown, not measured"]
    results["kl"]["real_real"] = 0.01  # 24 times the paper's
    results["arms"]["synthetic"]["difference"]["f1_macro"]["ci95"] = [0.0, 0.02]
    assert column(claims(results), "verdict")[:2] == ["exceeded", "in direction only"]
    results["distances"]["sets"]["single"]["frechet"] = 1.83 + 1.9 * (2 * 0.0321 ** 2) ** 0.5  # less than 2 SD
    assert column(claims(results), "verdict")[5] == "undecided"


def test_claims_without_numbers_are_left_out(few):
    del few["arms"]["real"]
    few["kl"]["synthetic_real"] = None
    assert claims(few).rows == []


def test_factor_goes_both_ways():
    assert factor(2.0, 8.0) == factor(8.0, 2.0) == 4 and factor(0.0, 1.0) is None and factor(None, 1.0) is None


@pytest.mark.parametrize("whole", [True, False])
def test_markdown_tables_are_consistent(tmp_path, results, few, whole):
    markdown.write(tmp_path / "results.md", results if whole else few)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(blocks) == text.count("## ") == (10 if whole else 5)
    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1 and re.match(r"\|---", block.splitlines()[1])
    assert "0.7300 (0.7177 to 0.7417)" in text


def test_markdown_keeps_text_from_files_within_its_cell(results):
    shown = markdown.render(tables.images(results, ["real"]))
    assert "| 03 &lt;b>&\\| |" in shown

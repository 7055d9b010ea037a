"""The report as a page: what it says, what it leaves out, and that it is whole."""
import base64
import json
import re
import shutil

import cv2
import numpy as np
import pytest

from data.images import DataError, write_image
from unet_eval import report

CHARTS = ("curve", "arms", "differences", "figure_1", "figure_3", "figure_4", "figure_5", "figure_6", "figure_7",
          "figure_8", "mask_statistics", "widths", "nearest", "distances", "segmentations", "training", "glance_masks",
          "glance_images", "glance_test")


@pytest.fixture
def figures(tmp_path):
    for i, name in enumerate(CHARTS):
        picture = np.random.default_rng(i).integers(0, 256, (40, 60, 3)).astype(np.uint8)
        write_image(tmp_path / "figures" / f"{name}.png", picture)
    return tmp_path / "figures"


@pytest.fixture
def written(tmp_path, figures, trained, page_of):
    """results -> (Page, HTML)."""
    def write(results):
        report.write(tmp_path / "report.html", results, figures, trained)
        html = (tmp_path / "report.html").read_text(encoding="utf-8")
        return page_of(html), html

    return write


def test_one_valid_page_that_loads_nothing(written, results):
    page, html = written(results)
    pictures = [source for source in page.sources if not source.startswith("#")]
    assert len(pictures) == len(CHARTS)  # each once
    for source in pictures:
        data = re.fullmatch(r"data:image/(?:png|jpeg);base64,(.+)", source)[1]
        assert cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR) is not None
    assert not {"script", "link", "iframe", "object"} & page.tags and "url(" not in html and "@import" not in html
    links = [source[1:] for source in page.sources if source.startswith("#")]
    assert links == page.ids and len(set(links)) == len(links) >= 10


def test_a_large_picture_goes_in_small(written, results, figures):
    write_image(figures / "figure_8.png", np.random.default_rng(0).integers(0, 256, (1600, 2400, 3)).astype(np.uint8))
    _, html = written(results)
    assert len(html) < 3_000_000 < (figures / "figure_8.png").stat().st_size


def test_what_comes_from_files_is_escaped(written, results):
    results["cross"] = {"<i>hrf</i>": results["cross"]["hrf"]}
    page, html = written(results)
    assert "<script>alert(1)</script>" in page.text and "run <b>&" in page.text and "03 <b>&|" in page.text
    assert "<i>hrf</i>" in page.text and "a<b" in page.text and not {"b", "i"} & page.tags


def test_numbers_are_those_of_the_results(written, results):
    text = written(results)[0].text
    for shown in ("0.7300", "0.7177 to 0.7417", "0.8550",   # synthetic: 0.73, - 0.0123, + 0.0117; (0.73 + 0.98) / 2
                  "91.2%", "96.1%",                         # 0.73 / 0.80 and 0.855 / 0.89
                  "−0.0700", "−0.0851 to −0.0551", "the interval lies below 0",
                  "+0.0100", "−0.0051 to +0.0249", "the interval includes 0",
                  "0.8988", "0.8877", "98.8%", "0.0283", "4.759", "4.212e−4", "0.8973", "3.91", "1 of 8",
                  "30 of these", "rendered − synthetic", "SD 0.0321", "+0.0321", "+0.0123 to +0.0456"):
        assert shown in text, shown


def test_sentence_on_the_nearest_definition(written, results):
    # Definition 6 has KL(synthetic, real) 0.0283 * 3 and KL(real, real) 0.0513 * 3.
    text = written(results)[0].text
    assert "Of 20 definitions, 64 bins, mean of red, green and blue, pixels in the field of view" in text
    assert "0.0849, a factor of 56.1 below" in text and "0.1539, a factor of 365 above" in text
    assert "None of them is within a factor of 2 of both" in text


def test_experiments_that_were_not_made_are_left_out(written, few, figures):
    for name in ("curve", "figure_4", "figure_6", "figure_7", "mask_statistics", "widths", "nearest", "distances"):
        (figures / f"{name}.png").unlink()
    page, _ = written(few)
    assert not {"cross", "single", "second"} & set(page.ids) and {"arms", "kl", "repeat"} <= set(page.ids)
    assert "Not in this run" in page.text and "the single GAN" in page.text and "make evidence" in page.text
    assert "One U-Net an arm" in page.text
    assert len([source for source in page.sources if source.startswith("data:")]) == len(CHARTS) - 8 + 1  # masks.png


def test_a_whole_run_says_nothing_of_absence(written, results):
    assert "Not in this run" not in written(results)[0].text


def test_an_arm_alone_and_undefined_numbers(written, few):
    del few["arms"]["real"], few["arms"]["synthetic"]["difference"]
    few["kl"].update(synthetic_real=None, nearest=4)  # a definition without smoothing
    few["arms"]["synthetic"]["all"]["auc"] = None
    page, _ = written(few)
    assert "which is no multiple of the paper’s 4.759" in page.text and "None" not in page.text.replace("None of", "")
    assert "nan" not in page.text


def test_trainings_are_quoted_with_seed_and_checksum(written, results):
    text = written(results)[0].text
    assert all(shown in text for shown in ("U-Net, real arm, repetition 1", "f00d2", "abc1", "tensorflow 2.14.1"))
    assert text.index("make evidence RUN=run") > text.index("What this does not show")


def test_damaged_config_is_named(results, figures, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "stage1" / "config.json").write_text("{")
    with pytest.raises(DataError, match="stage1/config.json is damaged"):
        report.write(tmp_path / "report.html", results, figures, run)


def test_strict_json_is_enough(written, results):
    assert written(json.loads(json.dumps(results, allow_nan=False)))[1] == written(results)[1]

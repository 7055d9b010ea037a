"""The report as a page: what it says, what it leaves out, and that it is whole."""
import base64
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.images import write_image
from unet_eval.experiments import EXPERIMENTS
from unet_eval.report.html import document
from unet_eval.run import Run


@pytest.fixture
def written(run, figures, page):
    """results -> (Page, HTML)."""
    def write(results, folder=figures):
        html = document(results, EXPERIMENTS, folder, run)
        return page(html), html

    return write


@pytest.fixture
def known(results):
    """Results with some numbers that are known."""
    arms = results["arms"]
    arms["real"]["fov"].update(f1_vessel=0.80, f1_macro=0.89)
    arms["synthetic"]["fov"].update(f1_vessel=0.73, f1_macro=0.855)
    arms["synthetic"]["ci95"]["f1_vessel"] = [0.7177, 0.7417]
    arms["synthetic"]["ratio"] = {"f1_vessel": {"mean": 0.73 / 0.80, "ci95": [0.8911, 0.9333]},
                                  "f1_macro": {"mean": 0.855 / 0.89, "ci95": [0.95, 0.97]}}
    arms["synthetic"]["difference"]["f1_vessel"].update(mean=-0.07, ci95=[-0.0851, -0.0551], p_holm=0.0009)
    arms["real+synthetic"]["difference"]["f1_vessel"].update(mean=0.01, ci95=[-0.0051, 0.0249], p_holm=0.47)
    results["contrasts"][0]["f1_vessel"].update(mean=0.0321, ci95=[0.0123, 0.0456], p_holm=0.012)
    results["kl"].update(synthetic_real=0.0283, nearest=6)
    results["kl"]["definitions"][6].update(synthetic_real=0.0849, real_real=0.1539)
    results["masks"]["synthetic"]["largest_components"] = 0.8973
    for name, entry in results["masks"]["statistics"].items():
        entry["shift"]["ci95"] = [0.9, 1.4] if name == "length" else [-0.1, 0.3]
        entry["spread"]["ci95"] = [0.8, 1.3]
    results["distances"]["sets"]["single"]["frechet"] = 3.91
    results["distances"]["sets"]["single"]["spread"]["frechet"] = 0.0321
    results["cross"]["drive"]["seen"] = 30
    return results


def test_one_valid_page_that_loads_nothing(written, results, figures, config):
    page, html = written(results)
    assert html == (Path(config.reports) / "report.html").read_text(encoding="utf-8")
    pictures = [source for source in page.sources if not source.startswith("#")]
    assert len(pictures) == len(list(figures.glob("*.png"))) == 20  # each once
    for source in pictures:
        data = re.fullmatch(r"data:image/(?:png|jpeg);base64,(.+)", source)[1]
        assert cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR) is not None
    assert not {"script", "link", "iframe", "object"} & page.tags and "url(" not in html and "@import" not in html
    links = [source[1:] for source in page.sources if source.startswith("#")]
    assert links == page.ids == ["arms", "f1", "cross", "kl", "distances", "visibility", "masks", "nearest",
                                 "privacy", "single", "second", "pictures", "training", "limits", "repeat"]
    assert len(html) < 8_000_000


def test_a_large_picture_goes_in_small(written, results, figures, tmp_path):
    folder = shutil.copytree(figures, tmp_path / "figures")
    write_image(folder / "figure_8.png", np.random.default_rng(0).integers(0, 256, (1600, 2400, 3)).astype(np.uint8))
    _, html = written(results, folder)
    assert len(html) < 8_000_000 < (folder / "figure_8.png").stat().st_size


def test_what_comes_from_files_is_escaped(written, results):
    results["cross"] = {"<i>hrf</i>": results["cross"]["drive"]}
    page, html = written(results)
    assert "<script>alert(1)</script>" in page.text and "run <b>&" in page.text and "02 ä" in page.text
    assert "03 <b>&|$5_{x$y" in page.text
    assert "<i>hrf</i>" in page.text and "a<b" in page.text and not {"b", "i", "script"} & page.tags


def test_numbers_are_those_of_the_results(written, known):
    text = written(known)[0].text
    for shown in ("0.7300", "0.7177 to 0.7417", "0.8550", "91.2% (89.1% to 93.3%)", "96.1% (95.0% to 97.0%)",
                  "3 images of 3 patients", "over patients and U-Nets",
                  "−0.0700", "−0.0851 to −0.0551", "the interval lies below 0",
                  "+0.0100", "−0.0051 to +0.0249", "the interval includes 0",
                  "0.8988", "0.8877", "98.8%", "0.0283", "4.759", "4.212e−4", "0.8973", "3.91",
                  "of 8 statistics of masks 7 are kept, 1 are not",
                  "not kept: length of the centre lines; undecided: none", "0.012",
                  "30 of these", "rendered − synthetic", "SD 0.0321", "+0.0321", "+0.0123 to +0.0456"):
        assert shown in text, shown


def test_sentence_on_the_nearest_definition(written, known):
    text = written(known)[0].text
    assert "Of 20 definitions, 64 bins, mean of red, green and blue, pixels in the field of view" in text
    assert "0.0849, a factor of 56.1 below" in text and "0.1539, a factor of 365 above" in text
    assert "None of them is within a factor of 2 of both" in text


def test_experiments_that_were_not_made_are_left_out(few_evaluated, few_config, page):
    html = (Path(few_config.reports) / "report.html").read_text(encoding="utf-8")
    few_page = page(html)
    assert not {"cross", "single", "second"} & set(few_page.ids) and {"arms", "kl", "repeat"} <= set(few_page.ids)
    assert "Not in this run" in few_page.text and "the single GAN" in few_page.text
    assert "make evidence" in few_page.text and "One U-Net an arm" in few_page.text
    pictures = [source for source in few_page.sources if source.startswith("data:")]
    assert len(pictures) == len(list((Path(few_config.reports) / "figures").glob("*.png")))


def test_the_report_says_that_it_is_as_private_as_the_images(written, results, figures):
    text = written(results)[0].text
    assert "real training and test photographs" in text and "only to whom you may give those images" in text
    tables = (figures.parent / "results.md").read_text(encoding="utf-8")
    assert any(f"| {match['stem']} |" in tables for match in results["nearest"]["matches"])  # of training images
    assert "results.json and results.md hold names of files" in text


def test_a_whole_run_says_nothing_of_absence(written, results):
    text = written(results)[0].text
    assert "Not in this run" not in text
    assert "below, what the real and the synthetic arm find: orange" in text and "drawn by hand" not in text
    assert "the real arm’s U-Net, which sees what matters for segmentation, but was trained on these real" in text


def test_an_arm_alone_and_undefined_numbers(written, few):
    del few["arms"]["real"], few["arms"]["synthetic"]["difference"], few["arms"]["synthetic"]["ratio"]
    few["kl"].update(synthetic_real=None, nearest=4)
    few["kl"]["definitions"][4].update(synthetic_real=None, real_synthetic=None, real_real=None)  # without smoothing
    few["arms"]["synthetic"]["all"]["auc"] = None
    page, _ = written(few)
    assert "which is no multiple of the paper’s 4.759" in page.text
    assert "below, what the synthetic arm finds: orange" in page.text
    assert "the synthetic arm’s U-Net, which sees what matters for segmentation, but was trained on synthetic pairs" \
        in page.text
    assert "None" not in page.text.replace("None of", "") and "nan" not in page.text


def test_what_the_data_cannot_show_is_not_promised(written, few):
    """A dash is no infinity where there is one real photograph, and no command measures vessels in cells."""
    assert "there is no floor" not in written(few)[0].text
    few["dataset"]["n_train"] = 1
    few["visibility"] = None
    text = written(few)[0].text
    assert "a bin that is empty in one set only. With a single real photograph there is no floor" in text
    assert "how visible the vessels are (of PAIRS of the retina); " in text


def test_trainings_are_quoted_with_seed_and_checksum(written, results, run):
    text, checksum = written(results)[0].text, run.records["unet-real"]["data"]["checksum"]
    assert all(shown in text for shown in ("U-Net, real arm, repetition 1", checksum[:16], "abc1", "tensorflow 2.14.1"))
    assert text.index("make evidence curve RUN='run <b>&'") > text.index("What this does not show")


def test_records_of_earlier_versions_are_quoted(few_config, few, page, tmp_path):
    with Run(replace(few_config, arms=("real",), seeds=1)) as run:
        text = page(document(few, EXPERIMENTS, tmp_path, run)).text
    assert "Stage-I, masks7––" in text  # seed, no checksum, no revision


def test_strict_json_is_enough(written, results):
    assert written(json.loads(json.dumps(results, allow_nan=False)))[1] == written(results)[1]

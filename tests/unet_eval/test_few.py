"""The runs on few annotated images together: what synthetic pairs are worth, and the files that say so."""
from __future__ import annotations

import json

import pytest

from data.errors import UserError
from data.files import write_json
from unet_eval.few import sentence, summarise, worth, write

REAL = [(1, 0.5), (2, 0.6), (5, 0.55), (10, 0.8)]


@pytest.mark.parametrize("f1, pairs, beyond", [
    (0.49, 1, "fewer than"), (0.5, 1, ""), (0.55, 2 ** 0.5, ""), (0.6, 2, ""), (0.7, 50 ** 0.5, ""), (0.8, 10, ""),
    (0.81, 10, "more than")])
def test_worth_is_where_the_real_curve_reaches_the_score(f1, pairs, beyond):
    """Halfway in F1 is halfway in the logarithm; where the curve falls (5 pairs), it counts as level."""
    found = worth(f1, REAL)
    assert (found["pairs"], found["beyond"]) == (pytest.approx(pairs), beyond)


def run(n, draw, **f1):
    """results.json of a run, as far as it is read; a test image of each of two patients. As many pixels are missed as
    found too much, so F1 is the share of vessel pixels that are found."""
    def arm(value):
        hits = round(100 * value)
        counts = [hits, 100 - hits, 100 - hits, 1000]
        return {"n_train_pairs": 50, "per_image": [
            {"patient": patient, "counts": [counts]} for patient in ("a", "b", "c")]}

    return {"dataset": {"pairs": "chase_db1", "photos": "hrf", "n_test": 3, "n_test_patients": 3, "n_train": n,
                        "few": [str(n), draw]},
            "origin": {"pairs": f"few-{n}-of-draw-{draw}:chase_db1", "photos": "hrf"},
            "arms": {name.replace("_and_", "+").replace("_", "-"): arm(value) for name, value in f1.items()}}


@pytest.fixture
def runs():
    return [run(1, 1, real=0.4, synthetic=0.3, real_and_synthetic=0.5, real_and_photos_relabelled=0.45),
            run(4, 1, real=0.6, synthetic=0.5, real_and_synthetic=0.7, real_and_photos_relabelled=0.7),
            run(1, 2, real=0.2, synthetic=0.1, real_and_synthetic=0.5, real_and_photos_relabelled=0.25)]


def test_a_point_is_the_mean_of_its_draws(runs):
    results = summarise(runs)
    first, last = results["numbers"]
    assert (first["n"], last["n"], results["draws"]) == (1, 4, 2)
    real = first["arms"]["real"]
    assert real["draws"] == pytest.approx([0.4, 0.2]) and real["mean"] == pytest.approx(0.3)
    assert real["ci95"] == [0, 1]  # two draws that differ by 0.2 say next to nothing
    gain = first["differences"]["real+synthetic − real"]
    assert gain["mean"] == pytest.approx(0.2) and gain["ci95"] == pytest.approx([-1, 1])
    assert last["arms"]["real"]["ci95"] == pytest.approx([0.6, 0.6])  # one draw: over patients only
    control = last["differences"]["real+synthetic − real+photos-relabelled"]
    assert control["mean"] == pytest.approx(0) and results["origin"]["pairs"] == "chase_db1"


def test_the_sentence(runs):
    assert sentence(summarise(runs)) == (
        "50 synthetic pairs made from 1 and 4 real ones are worth fewer than 1 and 2.5 real ones; together with those "
        "that they were made from, 2.5 and more than all 4.")


def test_hundreds_of_pairs_are_written_out():
    """As powers of ten nobody reads them: halfway in F1 between 100 and 400 real pairs lie 200."""
    runs = [run(100, 1, real=0.4, synthetic=0.6, real_and_synthetic=0.7),
            run(400, 1, real=0.8, synthetic=0.8, real_and_synthetic=0.9)]
    assert sentence(summarise(runs)) == (
        "50 synthetic pairs made from 100 and 400 real ones are worth 200 and 400 real ones; together with those that "
        "they were made from, 280 and more than all 400.")


def test_files_are_written_and_a_user_s_file_is_not_replaced(runs, tmp_path):
    files = [tmp_path / str(number) / "results.json" for number in range(3)]
    for path, results in zip(files, runs):
        path.parent.mkdir()
        write_json(path, results)
    reports = tmp_path / "reports"
    reports.mkdir()
    for count in (1, 3):  # after each run the files are written anew
        said = write(reports, "mine-few", files[:count])
    assert sorted(path.name for path in reports.iterdir()) == ["made.sha256", "mine-few.json", "mine-few.md",
                                                              "mine-few.png"]
    assert json.loads((reports / "mine-few.json").read_text()) == json.loads(json.dumps(summarise(runs)))
    text = (reports / "mine-few.md").read_text()
    assert text.startswith(f"**{sentence(summarise(runs))}**") and "| 4 | 1 |" in text and "mine-few.md" in said
    (reports / "mine-few.md").write_text("my notes")
    with pytest.raises(UserError, match="mine-few.md has been changed"):
        write(reports, "mine-few", files)

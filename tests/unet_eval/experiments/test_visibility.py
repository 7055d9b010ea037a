"""How visible vessels are in renderings."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn

from data.fundus import load_views
from data.pairs import PairReader
from training.contrast import contrast
from unet_eval.experiments import visibility
from unet_eval.inputs import pair_views
from unet_eval.run import Run
from unet_eval.segment import Segmenter


def found(folder, views):
    """Recall and precision of a U-Net at 0.5."""
    segmenter = Segmenter(Path(folder) / "unet-real")
    truth = np.concatenate([view.mask[view.fov > 0] > 0 for view in views])
    answer = np.concatenate([segmenter.probability(view)[view.fov > 0] >= 0.5 for view in views])
    return sklearn.recall_score(truth, answer), sklearn.precision_score(truth, answer)


def test_every_set_is_measured_on_its_own_pictures(config, results):
    measured = results["visibility"]
    assert {name: entry["n"] for name, entry in measured.items()} == {
        "photographs": 3, "rendered": 4, "held_out": 1, "rendered_held_out": 2, "synthetic": 7}
    *learned, unseen = load_views(config.pairs, "train")
    with PairReader(Path(config.run) / "rendered_held_out.h5") as store:
        sets = {"photographs": learned, "held_out": [unseen], "rendered_held_out": list(pair_views(store, range(2)))}
    for name, views in sets.items():
        entry = measured[name]
        assert (entry["recall"], entry["precision"]) == pytest.approx(found(config.run, views))
        if name in ("photographs", "held_out"):
            wide = np.nanmean([contrast(view.image, view.mask, view.fov)["wide"] for view in views])
            assert entry["contrast"]["wide"] == pytest.approx(wide)
    with PairReader(Path(config.run) / "rendered.h5") as store:
        wide = np.nanmean([contrast(row["images"], row["masks"][..., 0], row["fovs"][..., 0])["wide"] for row in store])
    assert measured["rendered"]["contrast"]["wide"] == pytest.approx(wide)


def test_the_unet_segments_the_first_pictures_of_a_set_only(few_config, monkeypatch):
    monkeypatch.setattr(visibility, "JUDGED", 1)
    with Run(few_config) as run:
        entry = visibility.measure(run)["visibility"]["photographs"]
        assert entry["n"] == len(run.learned) > 1
        assert (entry["recall"], entry["precision"]) == pytest.approx(found(few_config.run, run.learned[:1]))


def known(**changes):
    entry = {"n": 2, "contrast": {"thin": 0.4, "middle": 0.5, "wide": None}, "recall": 0.8, "precision": 0.5}
    sets = {"photographs": {**entry, "recall": 0.9}, "held_out": entry, "rendered_held_out": {**entry, **changes}}
    return {"visibility": sets}


def text(results, folder=Path()):
    return visibility.section(results, folder).blocks[1].text


def test_the_verdict_is_of_held_out_masks_and_names_what_is_off():
    assert "all of these are met" in text(known())
    off = text(known(recall=0.7, contrast={"thin": 0.3, "middle": 0.59, "wide": 0.7}))
    assert "held-out masks" in off and "contrast of thin vessels 0.75, recall 0.87." in off
    assert "middle" not in off and "wide" not in off and "precision 1" not in off
    row = visibility.tables(known(recall=0.72))["How visible the vessels are"].rows[-1]
    assert row[-2:] == ["0.72\n0.90", "0.50\n1.00"] and row[4] == "–"


def test_the_verdict_is_of_what_was_measured():
    met = text(known())
    assert "recall and precision within 5%" in met and "no share in the table was not measured" in met  # wide vessels
    without = text(known(recall=None))
    assert "theirs, precision within 5%." in without and "recall" not in without
    without = text(known(recall=None, precision=None))
    assert "within 20% of theirs. As" in without and "precision" not in without and "was not measured" in without
    nothing = text(known(recall=None, precision=None, contrast=dict.fromkeys(("thin", "middle", "wide"))))
    assert nothing == "How visible vessels in renderings of held-out masks are beside those in photographs was not " \
                      "measured."
    whole = known()
    for entry in whole["visibility"].values():
        entry["contrast"] = {"thin": 0.4, "middle": 0.5, "wide": 0.7}
    assert "all of these are met. This" in text(whole)


def test_recall_is_not_compared_with_photographs_that_the_net_was_trained_on():
    results = known()
    results["visibility"]["rendered"] = {**results["visibility"].pop("rendered_held_out"), "recall": 0.1}
    assert "recall" not in text(results) and "training masks" in text(results)


def test_without_held_out_photographs_or_a_real_arm_recall_is_left_out(few_config):
    with Run(replace(few_config, arms=("synthetic",))) as run:
        measured = visibility.measure(run)["visibility"]
        assert set(measured) == {"photographs", "held_out", "synthetic"} and measured["photographs"]["recall"] is None
    with Run(few_config) as run:
        run.learned = run.training
        results = visibility.measure(run)
        assert set(results["visibility"]) == {"photographs", "synthetic"}
        assert all(entry["recall"] is None for entry in results["visibility"].values())
        assert "--validation=N" in visibility.section(results, Path()).blocks[-1].text
        run.learned, run.nets["real"][0].validation = run.training[:2], 1  # the judge learned from one of the others
        measured = visibility.measure(run)["visibility"]
        assert measured["held_out"]["contrast"] and all(entry["recall"] is None for entry in measured.values())
        run.modality = "cells"
        results = visibility.measure(run)
    assert visibility.section(results, Path()) is None and visibility.tables(results) == {}

"""Folds of data sets: who tests in which, and what a fold takes from its data set."""
from __future__ import annotations

import pytest

from data.errors import UserError
from data.folds import Fold, parse_fold
from data.layouts import citation, modality_of, origin, samples, title, training
from tests.data.examples import write


@pytest.fixture
def chase(tmp_path):
    """"chase_db1:FOLDER" of the eyes of 12 children, of whom 05 has one eye; the makers' split is 20 and 3 images."""
    for number in range(1, 13):
        for eye in "LR":
            stem = f"Image_{number:02d}{eye}"
            if stem != "Image_05R":
                write(tmp_path, f"{stem}.jpg", f"{stem}_1stHO.png")
    return f"chase_db1:{tmp_path}"


def patients(spec, split):
    return [sample.patient for sample in samples(spec, split)]


def test_patients_are_dealt_in_turn_with_all_their_images(chase):
    assert patients(f"fold-2-of-5:{chase}", "test") == ["02", "02", "07", "07", "12", "12"]
    assert patients(f"fold-5-of-5:{chase}", "test") == ["05", "10", "10"]
    assert patients(f"fold-2-of-5:{chase}", "all") == patients(chase, "all")


def test_each_fold_tests_patients_of_every_kind(tmp_path):
    """HRF has 01_dr, 01_g and 01_h, a diabetic, a glaucoma and a healthy patient: dealt by name alone, one fold of
    three would test on every diabetic one, of whom its training would have none."""
    for number in range(1, 7):
        for kind in ("dr", "g", "h"):
            write(tmp_path, f"images/{number:02d}_{kind}.png", f"masks/{number:02d}_{kind}.png")
    for fold in (1, 2, 3):
        tested = {f"{number:02d}_{kind}" for number in (fold, fold + 3) for kind in ("dr", "g", "h")}
        assert {*patients(f"fold-{fold}-of-3:folder:{tmp_path}", "test")} == tested


@pytest.mark.parametrize("count", [2, 3, 12])
def test_each_patient_is_tested_once_and_trained_on_in_all_other_folds(chase, count):
    tested = []
    for number in range(1, count + 1):
        train, test = ({sample.stem for sample in samples(f"fold-{number}-of-{count}:{chase}", split)}
                       for split in ("train", "test"))
        assert not train & test and len(train | test) == 23
        assert not {stem[:8] for stem in train} & {stem[:8] for stem in test}
        tested += test
    assert len(tested) == len({*tested}) == 23


def test_validation_is_held_out_of_the_fold_s_training_patients(chase):
    trained, held_out = training(f"fold-3-of-3:{chase}", 1)
    assert {sample.patient for sample in held_out} == {"11"} and len(trained) == 13


def test_a_fold_is_described_by_its_data_set(chase):
    spec = f"fold-1-of-3:{chase}"
    assert origin(spec) == "fold-1-of-3:chase_db1" and modality_of(spec) == "fundus"
    assert title(origin(spec)) == "fold 1 of 3 of CHASE_DB1" and citation(origin(spec)) == citation("chase_db1")
    assert origin("fold-1-of-3:drive:data/raw/phantom/DRIVE") == "fold-1-of-3:phantom"
    assert modality_of("fold-1-of-2:folder:nowhere", "cells") == "cells"
    assert {sample.modality for sample in samples(spec, "test")} == {"fundus"}


def test_a_data_set_too_small_for_a_split_has_folds(tmp_path):
    for stem in "abc":
        write(tmp_path, f"images/{stem}.png", f"masks/{stem}.png")
    spec = f"fold-3-of-3:folder:{tmp_path}"
    assert patients(spec, "test") == ["c"] and patients(spec, "train") == ["a", "b"]
    with pytest.raises(UserError, match="fold-4-of-4: 3 patients are too few"):
        samples(f"fold-4-of-4:folder:{tmp_path}", "train")


@pytest.mark.parametrize("spec, said", [
    ("fold-4-of-3:drive:D", "no fold 4 of 3"), ("fold-0-of-3:drive:D", "no fold 0 of 3"),
    ("fold-1-of-1:drive:D", "N from 2"), ("fold-1-of-2:fold-1-of-2:drive:D", "a fold has no folds"),
    ("fold-1-of-2:dive:D", "unknown layout 'dive'"), ("fold-x-of-2:drive:D", "unknown layout 'fold-x-of-2'")])
def test_what_is_no_fold(spec, said):
    for function in (samples, modality_of):
        with pytest.raises(UserError, match=said):
            function(spec)


def test_the_rest_of_a_spec_is_kept_as_it_is():
    assert parse_fold("fold-1-of-3:folder:/a:b/fold-1-of-2:c") == (Fold(1, 3), "folder:/a:b/fold-1-of-2:c")
    assert parse_fold("fold-1") == (None, "fold-1") and parse_fold("phantom") == (None, "phantom")

"""A few images of a data set as a data set of its own."""
from __future__ import annotations

import pytest

from data.errors import UserError
from data.few import Few, parse_few, whole
from data.layouts import citation, modality_of, origin, samples, title, training
from tests.data.examples import stems, write


@pytest.fixture
def chase(tmp_path):
    """"chase_db1:FOLDER" of both eyes of 12 children; the makers' split trains on 10 of them."""
    for number in range(1, 13):
        for eye in "LR":
            write(tmp_path, f"Image_{number:02d}{eye}.jpg", f"Image_{number:02d}{eye}_1stHO.png")
    return f"chase_db1:{tmp_path}"


def test_fewer_are_among_more_and_each_of_another_patient_while_there_are_some(chase):
    drawn = [set(stems(f"few-{count}-of-draw-1:{chase}")) for count in range(1, 21)]
    for number, (fewer, more) in enumerate(zip(drawn, drawn[1:]), 1):
        assert fewer < more and len(fewer) == number
        assert len({stem[:-1] for stem in fewer}) == min(number, 10)
    assert drawn[-1] == {*stems(chase)} == {*stems(f"few-all-of-draw-1:{chase}")}


def test_draws_differ_and_are_the_same_again(chase):
    drawn = {tuple(stems(f"few-2-of-draw-{draw}:{chase}")) for draw in range(8)}
    assert len(drawn) > 3
    assert stems(f"few-2-of-draw-1:{chase}") == stems(f"few-2-of-draw-1:{chase}")


def test_the_test_images_are_those_of_the_data_set_and_no_other_training_image_is_listed(chase):
    spec = f"few-3-of-draw-1:{chase}"
    assert stems(spec, "test") == stems(chase, "test")
    assert stems(spec, "all") == sorted(stems(spec) + stems(chase, "test"))
    trained, held_out = training(spec, 0)
    assert len(trained) == 3 and not held_out and all(sample.mask for sample in trained)


def test_few_images_of_a_fold(chase):
    fold = f"fold-2-of-3:{chase}"
    spec = f"few-2-of-draw-4:{fold}"
    assert {*stems(spec)} < {*stems(fold)} and stems(spec, "test") == stems(fold, "test")
    assert whole(spec) == chase and origin(spec) == "few-2-of-draw-4:fold-2-of-3:chase_db1"
    assert title(origin(spec)) == "2 training images (draw 4) of fold 2 of 3 of CHASE_DB1"
    assert citation(origin(spec)) == citation("chase_db1") and modality_of(spec) == "fundus"


def test_more_than_there_are_is_an_error(chase):
    with pytest.raises(UserError, match="few-21-of-draw-1: there are 20 training images"):
        samples(f"few-21-of-draw-1:{chase}", "train")
    with pytest.raises(UserError, match="unknown layout 'few-0-of-draw-1'"):
        samples(f"few-0-of-draw-1:{chase}", "train")
    assert parse_few(f"few-all-of-draw-2:{chase}") == (Few("all", 2), chase) and parse_few(chase) == (None, chase)

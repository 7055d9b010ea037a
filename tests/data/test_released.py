"""A release in the place of the training images of a data set."""
from __future__ import annotations

import pytest

from data.errors import UserError
from data.few import whole
from data.layouts import modality_of, origin, original, samples, terms, title, training
from tests.data.examples import stems, write


@pytest.fixture
def spec(tmp_path):
    """A release of three pairs, made from both eyes of 12 children as CHASE_DB1 has them."""
    for number in range(1, 13):
        for eye in "LR":
            write(tmp_path / "chase", f"Image_{number:02d}{eye}.jpg", f"Image_{number:02d}{eye}_1stHO.png")
    for number in range(3):
        write(tmp_path / "release/train", *(f"{folder}/{number:06d}.png" for folder in ("images", "masks", "fov")))
    return f"release-at-{tmp_path}/release:chase_db1:{tmp_path}/chase"


def test_networks_train_on_the_release_and_are_tested_on_the_images_behind_it(spec, tmp_path):
    chase = f"chase_db1:{tmp_path}/chase"
    assert stems(spec) == ["000000", "000001", "000002"] and stems(spec, "test") == stems(chase, "test") != []
    assert stems(spec, "all") == sorted(stems(spec) + stems(chase, "test"))
    trained, held_out = training(spec, 1)
    assert [sample.stem for sample in (*trained, *held_out)] == stems(spec)
    assert trained[0].mask == tmp_path / "release/train/masks/000000.png" and trained[0].fov


def test_masks_of_a_release_are_0_and_255_whatever_those_of_the_images_behind_it_are(spec):
    given = samples(spec, "train", foreground=("2",)), samples(spec, "test", foreground=("2",))
    assert {sample.foreground for sample in given[0]} == {()} and {sample.foreground for sample in given[1]} == {("2",)}


def test_what_is_behind_a_release_is_known_to_all_that_reads_a_spec(spec, tmp_path):
    chase = f"chase_db1:{tmp_path}/chase"
    assert original(spec) == original(chase) == whole(spec) == chase
    assert original(f"few-2-of-draw-1:{spec}") == chase and original(f"fold-1-of-2:{chase}") == f"fold-1-of-2:{chase}"
    assert len(stems(f"few-2-of-draw-1:{spec}")) == 2
    assert modality_of(spec) == "fundus" and {sample.modality for sample in samples(spec, "all")} == {"fundus"}


def test_a_release_shows_what_the_images_behind_it_show(spec, tmp_path):
    """Its fields of view are those of squares around cells that are not square, too."""
    write(tmp_path / "cells", *(f"{kind}/cell{number}.tif" for kind in ("RawImages", "GoldStandard")
                                for number in range(5)))
    made = f"release-at-{tmp_path}/release:bu_bil:{tmp_path}/cells"
    assert modality_of(made) == "cells" and {sample.modality for sample in samples(made, "all")} == {"cells"}
    assert all(sample.fov for sample in samples(made, "train"))


def test_without_the_folder_of_the_release_it_is_told_how_to_write_it():
    with pytest.raises(UserError, match="no folder of the release; write release-at-FOLDER:chase_db1:/x"):
        samples("release:chase_db1:/x")


def test_a_release_is_named_without_its_place_as_pairs_that_were_made(spec, tmp_path):
    assert origin(spec) == "release:chase_db1" == origin(origin(spec))
    assert title(origin(spec)) == "synthetic pairs made from CHASE_DB1" and terms(origin(spec)) == terms("chase_db1")

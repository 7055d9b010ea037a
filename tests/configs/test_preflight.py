"""`make preflight`: what is there, what is needed, and the remedy where it does not fit."""
from __future__ import annotations

import re
from dataclasses import replace

import pytest

from configs import preflight
from configs.settings import Settings
from data import layouts
from data.errors import UserError
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.preparation import prepared
from tests.end_to_end.miniature import PRESET
from training import inventory
from training.inventory import Card

pytestmark = [pytest.mark.training, pytest.mark.long]


@pytest.fixture
def run(tmp_path, drive, monkeypatch):
    """A run of the miniature preset, of which nothing is made yet."""
    for name, flags in PRESET.items():
        if name == "stage2":
            flags = flags.replace("--batch_size=2", "--batch_size=8")
        (tmp_path / f"{name}.flags").write_text(flags.replace(" ", "\n") + "\n")
    monkeypatch.chdir(tmp_path)
    return Settings.from_variables({"CONFIG": str(tmp_path), "RUN": "mine", "PAIRS": drive, "PHOTOS": ""})


def test_every_training_is_listed_with_what_it_needs(run, tmp_path, capsys):
    for name, minutes in (("stage1", 7), ("stage2", 12), ("unet", 20)):
        with open(tmp_path / f"{name}.flags", "a") as file:
            file.write(f"--minutes={minutes}\n--minutes_avx512={minutes}\n")
    preflight.check(run)
    said = capsys.readouterr().out
    assert re.search(r"TensorFlow 2\.14\.\d, built with", said) and "cores" in said and "GB of disk free" in said
    for line in (r"stage1 +120 x 4 +\d\.\d GB +\d+ s +7 min +\d+ s +0\.0 GB", "stage2 +6 x 8 .* 12 min .*",
                 "unet-real +20 x 2 .* 20 min .*", "unet-synthetic +20 x 2 .* 20 min .*",
                 r"Stage-II's pairs +0\.0 GB", r"rendered pairs +0\.0 GB", r"in all +\d+ s +59 min +\d+ s +0\.\d GB"):
        assert re.search(f"^{line}$", said, re.MULTILINE), line
    assert said.endswith("everything fits\n")


def test_what_a_preset_does_not_state_is_in_no_sum(run, tmp_path, capsys):
    with open(tmp_path / "stage1.flags", "a") as file:
        file.write("--minutes=7\n--minutes_avx512=7\n")
    preflight.check(run)
    said = capsys.readouterr().out
    assert re.search(r"^stage2 .* s +- +\d+ s ", said, re.MULTILINE)
    assert re.search(r"^in all +\d+ s +- +\d+ s ", said, re.MULTILINE)


@pytest.mark.parametrize("flags, learned, prepared", [
    ((), 3 + 3, 3 + 3), (("--noadd_pairs",), 3, 3),
    (("--architecture=coarse_to_fine", "--crop=64"), 3, 3 + 3),  # which learns from what it imitates only
    (("--architecture=coarse_to_fine", "--crop=64", "--noadd_pairs"), 3, 3)])
def test_photographs_are_prepared_and_with_add_pairs_the_annotated_too(run, messidor, flags, learned, prepared):
    samples, stored, _ = preflight.training_samples(replace(run, photos=messidor, flags=flags))
    assert samples == {"stage1": 3, "stage2": learned, "unet-real": 2, "unet-synthetic": 3} and stored == prepared


def test_numbers_are_assumed_of_what_is_not_there_and_of_nothing_else(run, messidor, tmp_path):
    counts, _, remark = preflight.training_samples(replace(run, photos=f"messidor:{tmp_path}/typo"))
    assert counts == {"stage1": 3, "stage2": preflight.IMAGES + 3, "unet-real": 2, "unet-synthetic": 3}
    assert remark == f"PHOTOS=messidor:{tmp_path}/typo is not there yet: {preflight.IMAGES} photographs assumed"
    counts, _, remark = preflight.training_samples(replace(run, pairs="drive:typo", photos=messidor))
    assert counts["stage1"] == preflight.IMAGES and remark.startswith("PAIRS=drive:typo is not there yet")
    with pytest.raises(UserError, match="--validation=9"):
        preflight.training_samples(replace(run, flags=("--validation=9",)))


def test_disk_for_pairs_is_what_a_file_of_them_takes(run, drive, tmp_path):
    large = replace(run, flags=("--size=256", "--count=40"))
    prepared(layouts.samples(drive, "train"), 256, tmp_path / "pairs.h5", {})
    stored = preflight.stores(large, 3)
    assert stored["Stage-II's pairs"] == pytest.approx((tmp_path / "pairs.h5").stat().st_size, rel=0.05)
    assert stored["rendered pairs"] == pytest.approx(40 * 0.5e6 / 4)


def test_a_disk_without_room_for_the_pairs_is_told(run, monkeypatch, capsys):
    monkeypatch.setattr(preflight, "stores", lambda run, prepared: {"rendered pairs": 5e12})
    monkeypatch.setattr(inventory, "disk", lambda folder: 4e12)
    with pytest.raises(UserError, match=r"needs 5000\.\d GB of disk and checkpoints/mine has 4000\.0 GB: make room"):
        preflight.check(run)


def test_the_phases_of_coarse_to_fine_are_trainings_of_their_own(run, tmp_path):
    stage2 = tmp_path / "stage2.flags"
    stage2.write_text(stage2.read_text() + "--architecture=coarse_to_fine\n--crop=64\n--coarse_steps=15\n")
    found = list(preflight.needs(run, dict.fromkeys(preflight.STEPS, 3)))
    assert [need.name for need in found] == ["stage1", "stage2, segmenter", "stage2, coarse", "stage2", "unet-real",
                                             "unet-synthetic"]
    assert [need.schedule.steps for need in found[1:3]] == [10, 15]
    assert all(need.two.live > need.one.live > 0 and need.one.operations for need in found)


def test_a_batch_that_does_not_fit_is_named_with_the_parts_in_which_it_does(run, monkeypatch):
    [need] = [need for need in preflight.needs(run, dict.fromkeys(preflight.STEPS, 3)) if need.name == "stage2"]
    between = (need.memory(1, 1, False) + need.memory(1, 2, False)) / 2
    assert need.memory(1, 1, False) > between > need.memory(1, 2, False)
    monkeypatch.setattr(inventory, "memory", lambda: between)
    with pytest.raises(UserError, match=r"stage2 needs .* a line --accumulate=2 in its file of flags"):
        preflight.check(run)
    monkeypatch.setattr(inventory, "memory", lambda: 1e6)
    with pytest.raises(UserError, match="stage1 needs .* take CONFIG=quick"):
        preflight.check(run)


def test_two_gpus_share_a_batch_and_an_old_one_is_refused(run, monkeypatch, capsys):
    monkeypatch.setattr(inventory, "cards", lambda: [Card("Tesla K80", (3, 7), 12 << 30)] * 2)
    preflight.check(run)
    said = capsys.readouterr().out
    assert said.count("GPU Tesla K80, 12.9 GB, compute capability 3.7: its kernels are in this TensorFlow") == 2
    monkeypatch.setattr(inventory, "cards", lambda: [Card("GTX 680", (3, 0), 2 << 30)])
    with pytest.raises(UserError, match="no kernels for GTX 680, of compute capability 3.0: hide it"):
        preflight.check(run)


@pytest.mark.parametrize("options, cards, shared", [
    ({}, 2, 2), ({}, 4, 1), ({}, 0, 1), ({"strategy": "one"}, 2, 1), ({"accumulate": 3}, 2, 2),
    ({"accumulate": 6}, 2, 1),
    ({"architecture": "coarse_to_fine"}, 2, 2), ({"architecture": "coarse_to_fine"}, 3, 1)])
def test_gpus_share_the_batches_that_they_share_in_a_training(options, cards, shared):
    """Batches of 6; coarse_to_fine has some of 8, too."""
    assert preflight.sharing(Stage2Config(pairs="drive:x", out="x", batch_size=6, **options), cards) == shared


def test_the_papers_preset_fits_both_dies_of_a_k80_board(drive, tmp_path, monkeypatch):
    """And its Stage-II, whose batch is 32, does not fit one of them in one piece."""
    monkeypatch.chdir(tmp_path)
    run = Settings.from_variables({"CONFIG": "paper", "RUN": "mine", "PAIRS": drive, "PHOTOS": ""})
    found = {need.name: need for need in preflight.needs(run, dict.fromkeys(preflight.STEPS, 20))}
    dies = {"stage1": 1, "stage2": 2, "unet-real": 2, "unet-synthetic": 2}  # 7 pictures cannot be halved
    for name, need in found.items():
        assert need.memory(dies[name], 1, True) < 12 * 2 ** 30, name
    assert found["stage2"].memory(1, 2, True) < 12 * 2 ** 30 < found["stage2"].memory(1, 1, True)


def test_durations_are_in_the_unit_that_fits():
    assert list(map(preflight.duration, (4, 99, 600, 7200, 400_000))) == ["4 s", "99 s", "10 min", "2.0 h", "4.6 days"]

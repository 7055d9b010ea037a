"""Sweep files: what they ask for, what is refused, and the table of what came of it."""
from __future__ import annotations

from pathlib import Path

import pytest

from configs.flags import MEASURING
from configs.sweep import Sweep, table
from data.errors import UserError

ROOT = Path(__file__).parents[2]


def write(tmp_path, text, name="try"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_sweep_is_the_product_of_its_lines_the_last_fastest(tmp_path):
    read = Sweep.read(write(tmp_path, "# why\n\nunet-real+synthetic\n  # more\n--loss bce  mse\n"
                                      "--cosine_decay true false\n"))
    assert (read.name, read.target) == ("try", "unet-real+synthetic")
    assert read.combinations() == [
        {"loss": "bce", "cosine_decay": "true"}, {"loss": "bce", "cosine_decay": "false"},
        {"loss": "mse", "cosine_decay": "true"}, {"loss": "mse", "cosine_decay": "false"}]


def test_a_combination_keeps_its_folder_and_flags_when_the_file_grows(tmp_path):
    one = Sweep.read(write(tmp_path, "unet-real\n--loss bce\n--learning_rate 1e-3\n"))
    more = Sweep.read(write(tmp_path, "unet-real\n--learning_rate 1e-4 1e-3\n--loss mse bce\n"))
    first, last = one.combinations()[0], more.combinations()[-1]
    assert one.run_name(first) == more.run_name(last) == "sweep-try-learning_rate_1e-3-loss_bce"
    assert one.flags(first) == more.flags(last) == "--learning_rate=1e-3 --loss=bce"
    assert len({more.run_name(combination) for combination in more.combinations()}) == 4


def test_one_at_a_time_leaves_the_others_as_they_are(tmp_path):
    read = Sweep.read(write(tmp_path, "unet-real\n  one at  a time\n--loss mse bce_dice\n--cosine_decay false\n"))
    assert read.combinations() == [{}, {"loss": "mse"}, {"loss": "bce_dice"}, {"cosine_decay": "false"}]
    assert [read.run_name(each) for each in read.combinations()][:2] == ["sweep-try", "sweep-try-loss_mse"]
    results = [{"run": "a", "flags": {}, "f1_vessel": 0.7, "seconds": 3},
               {"run": "b", "flags": {"loss": "mse"}, "f1_vessel": 0.8, "seconds": 4}]
    first = [line.split("|")[1].strip() for line in table(read, results).splitlines()]
    assert first == ["set", "---", "--loss=mse", "-"]


@pytest.mark.parametrize("text, said", [
    ("", "try: no line says what to make"),
    ("# only this\n", "unet-real"),
    ("--loss bce\n", "try:1: a sweep does not make '--loss bce'"),
    ("unet-reel\n--loss bce\n", "real, real+synthetic"),
    ("stage2\n--loss bce\n", "unet-ARM"),
    ("unet-real unet-synthetic\n--loss bce\n", "unet-ARM"),
    ("unet-real\n", "no combinations"),
    ("unet-real\n\n--lss bce\n", "try:3: --lss"),
    ("unet-real\n--lss bce\n", "near: --loss"),
    ("unet-real\n--out here\n", "set by make"),
    ("unet-real\n--loss\n", "try:2: write a flag and its values"),
    ("unet-real\n--loss=bce\n", "with spaces between"),
    ("unet-real\nloss bce\n", "with spaces between"),
    ("unet-real\n--loss bce\n--loss mse\n", "try:3: --loss has a line already"),
    ("unet-real\n--loss bce bce\n", "--loss has a value twice"),
    ("unet-real\n--cosine_decay yes no\n", "--cosine_decay true false"),
    ("unet-real\n--loss a/b\n", "'a/b' becomes part of a folder's name"),
    ("unet-real\n--loss $(x)\n", "folder's name"),
    ("unet-real\n--l1_weight 1 3\n", "--l1_weight changes nothing"),
    ("unet-real\n--validation 1 2\n", "give it one value"),
    ("unet-real\none at a time\n", "no combinations"),
    ("unet-real\n--loss bce\none at a time\n", "with spaces between"),
    ("unet-real\none at a time\n--validation 2\n", "set it in FLAGS"),
    ("unet-real\n--warm_start first second\n", "try:2: a sweep compares trainings that all begin anew"),
    ("unet-real\n--seed " + " ".join(map(str, range(65))), "65 combinations"),
    ("unet-real\none at a time\n--seed " + " ".join(map(str, range(64))), "65 combinations"),
    ("unet-real\n" + "".join(f"--{name} 1 2 3 4 5\n" for name in ("seed", "epochs", "base")), "125 combinations")])
def test_what_is_no_sweep_is_told_with_its_line(tmp_path, text, said):
    with pytest.raises(UserError) as error:
        Sweep.read(write(tmp_path, text))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_or_name_a_folder_is_told(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    for path, said in ((tmp_path / "absent", "No such file"), (tmp_path, "directory"), (tmp_path / "bytes", "no text"),
                       (write(tmp_path, "unet-real\n--loss bce\n", "my sweep"), "letters, digits")):
        with pytest.raises(UserError, match=said):
            Sweep.read(path)


def test_flags_of_earlier_stages_need_an_arm_that_they_change(tmp_path):
    text = "unet-{}\n--l1_weight 10 30\n"
    for arm in ("synthetic", "real+synthetic-100", "rendered"):
        assert len(Sweep.read(write(tmp_path, text.format(arm))).combinations()) == 2
    with pytest.raises(UserError, match="changes nothing"):
        Sweep.read(write(tmp_path, text.format("phantom")))
    for name in MEASURING:  # they are read after every training
        with pytest.raises(UserError, match="changes nothing"):
            Sweep.read(write(tmp_path, f"unet-synthetic\n--{name} 16 256\n"))


def test_the_example_sweeps_can_be_read():
    found = {path.name: len(Sweep.read(path).combinations()) for path in (ROOT / "configs" / "sweeps").iterdir()}
    assert found == {"unet_loss": 4, "stage2_l1": 3, "pieces": 8}


def test_a_table_has_the_flags_that_vary_and_the_best_first():
    ran = Sweep("x", "unet-real", {"loss": ["bce", "mse"], "epochs": ["5"], "seed": ["0", "1"]})
    results = [{"run": "a", "flags": {"loss": "bce", "epochs": "5", "seed": "0"}, "failed": "nan"},
               {"run": "b", "flags": {"loss": "bce", "epochs": "5", "seed": "1"}, "f1_vessel": 0.0, "seconds": 3.4},
               {"run": "c", "flags": {"loss": "mse", "epochs": "5", "seed": "0"}, "f1_vessel": 0.81236, "seconds": 9}]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(ran, results).splitlines()]
    assert cells == [["loss", "seed", "validation F1", "seconds", "run"], ["---"] * 5, ["mse", "0", "0.8124", "9", "c"],
                     ["bce", "1", "0.0000", "3", "b"], ["bce", "0", "failed: nan", "", "a"]]

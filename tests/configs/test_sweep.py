"""Sweeps: their files, and the driver over a real make whose training is a few lines of shell."""
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from configs.flags import MEASURING
from configs.sweep import Sweep, table
from data.errors import UserError

ROOT = Path(__file__).parents[2]
# It notes its calls and skips what is done. The F1 is the digit of the learning rate; 9 diverges, 7 is stopped by a
# signal to the training, 6 waits for one, 5 has no validation, each unless the file `mended` is there.
MAKEFILE = r"""
weights := checkpoints/$(RUN)/unet-real/weights.h5
unet-real: $(weights)
	@echo done
$(weights):
	@mkdir -p $(@D) checkpoints/$(RUN)/stage2/coarse
	@echo '$(RUN)|$(CONFIG)|$(PAIRS)|$(PHOTOS)|$(FLAGS)' >> calls
	@rate=$$(echo '$(FLAGS)' | sed 's/.*rate=1e-\(.\).*/\1/'); case $$rate-$$(ls mended 2>&1) in \
	*-mended) ;; \
	9-*) echo 'error: loss is nan | step 3' >&2; exit 1;; \
	8-*) kill -9 $$$$;; \
	7-*) exit 75;; \
	6-*) exec sleep 60;; \
	5-*) touch $@; exit;; \
	esac; \
	echo "{\"f1_vessel\": 0.$$rate, \"epoch\": 5}" > $(@D)/validation.json
	@echo '{"seconds": 2.5}' > $(@D)/seconds.json
	@echo '{"seconds": 10}' > checkpoints/$(RUN)/stage2/coarse/seconds.json
	@touch $@
"""


def write(tmp_path, text, name="try"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def start(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.Popen([sys.executable, "-m", "configs.sweep", "--sweep=try", "--config=quick",
                             "--pairs=drive:/my $data", "--photos=", *arguments], cwd=folder, text=True,
                            env={**environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def sweep(folder, *arguments):
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Makefile").write_text(MAKEFILE)
    return tmp_path


def calls(folder):
    return (folder / "calls").read_text().splitlines()


def ranking(folder):
    lines = (folder / "reports" / "sweep-try" / "results.md").read_text().splitlines()
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")]
    return rows[0], rows[2:]


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


@pytest.mark.training
def test_every_combination_is_made_once_and_ranked(folder):
    write(folder, "unet-real\n--learning_rate 1e-3 1e-4\n--loss bce mse\n")
    status, out, err = sweep(folder, "--flags=--seed=3")
    assert status == 0, err
    runs = [f"sweep-try-learning_rate_1e-{rate}-loss_{loss}" for rate in (3, 4) for loss in ("bce", "mse")]
    assert [call.split("|")[0] for call in calls(folder)] == runs
    assert calls(folder)[1].split("|", 1)[1] == "quick|drive:/my $data||--seed=3 --learning_rate=1e-3 --loss=mse"
    assert out.count("done\n") == 4  # what make says is seen
    head, rows = ranking(folder)
    assert head == ["learning_rate", "loss", "validation F1", "seconds", "run"]
    assert [row[-1] for row in rows] == [runs[2], runs[3], runs[0], runs[1]]
    assert rows[0][:4] == ["1e-4", "bce", "0.4000", "12"]  # 2.5 + 10 seconds, to the even number
    found = json.loads((folder / "reports" / "sweep-try" / "results.json").read_text())
    assert found["target"] == "unet-real" and found["pairs"] == "drive:/my $data" and found["flags"] == "--seed=3"
    assert found["runs"][3] == {"run": runs[3], "flags": {"learning_rate": "1e-4", "loss": "mse"}, "f1_vessel": 0.4,
                                "epoch": 5, "seconds": 12.5}
    for line in (folder / "reports" / "sweep-try" / "results.md").read_text().splitlines():
        assert line in out or line.startswith(("`make sweep", "Vessel F1"))

    before = (folder / "reports" / "sweep-try" / "results.md").read_text()
    assert sweep(folder, "--flags=--seed=3")[0] == 0
    assert len(calls(folder)) == 4
    assert (folder / "reports" / "sweep-try" / "results.md").read_text() == before
    write(folder, "unet-real\n--loss bce mse\n--learning_rate 1e-4 1e-3 1e-2\n")
    assert sweep(folder, "--flags=--seed=3")[0] == 0
    assert len(calls(folder)) == 6  # the two that are new


@pytest.mark.training
def test_a_dry_run_asks_for_every_network_and_writes_nothing(folder):
    (folder / "Makefile").write_text("stage1 stage2 eval:\n\t@echo '$@|$(RUN)|$(FLAGS)' >> calls\n")
    write(folder, "unet-synthetic\n--l1_weight 1 10\n")
    status, _, err = sweep(folder, "--flags=--dry_run")
    assert status == 0, err
    assert len(calls(folder)) == 6
    assert calls(folder)[5] == "eval|sweep-try-l1_weight_10|--dry_run --l1_weight=10"
    assert not (folder / "reports").exists()


@pytest.mark.training
def test_the_others_go_on_where_one_fails(folder):
    write(folder, "unet-real\n--learning_rate 1e-9 1e-8 1e-3\n")
    status, out, err = sweep(folder)
    assert status == 1 and "error: loss is nan" in err
    assert err.splitlines()[-1].startswith("error: 2 of 3 runs failed")
    _, rows = ranking(folder)
    assert [row[0] for row in rows] == ["1e-3", "1e-9", "1e-8"]
    assert rows[1][1] == r"failed: error: loss is nan \| step 3" and "Killed" in rows[2][1]
    (folder / "mended").touch()
    assert sweep(folder)[0] == 0
    assert len(calls(folder)) == 5  # the one that was done is not made again


@pytest.mark.training
def test_a_training_that_a_signal_stopped_stops_the_sweep(folder):
    write(folder, "unet-real\n--learning_rate 1e-3 1e-7 1e-4\n")
    status, _, err = sweep(folder)
    assert status == 75 and "the same command goes on" in err.splitlines()[-1]
    assert len(calls(folder)) == 2 and not (folder / "reports").exists()
    (folder / "mended").touch()
    assert sweep(folder)[0] == 0
    assert [row[0] for row in ranking(folder)[1]] == ["1e-7", "1e-4", "1e-3"]
    assert len(calls(folder)) == 4


@pytest.mark.training
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_training_and_stops_the_sweep(folder, number):
    write(folder, "unet-real\n--learning_rate 1e-6 1e-4\n")
    process = start(folder)
    assert "1 of 2" in process.stdout.readline()
    while not (folder / "calls").exists():
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=20)  # the training alone would take 60 seconds
    assert process.returncode == 75 and number.name in err.splitlines()[-1]
    assert len(calls(folder)) == 1


@pytest.mark.training
def test_runs_without_a_validation_f1_cannot_be_ranked(folder):
    write(folder, "unet-real\n--learning_rate 1e-5 1e-4\n")
    for arguments in (["--flags=--validation=0"], ["--flags=--validation=2 --validation=0 --seed=1"],
                      ["--config=paper"]):  # that preset holds out none
        status, _, err = sweep(folder, *arguments)
        assert status == 1 and "set --validation=1 or more" in err and not (folder / "calls").exists()
    status, _, err = sweep(folder, "--flags=--validation=0 --validation=2")
    assert status == 1 and len(calls(folder)) == 2  # the others are made
    assert "validation.json is missing" in err and "--validation=1 or more" in err
    assert [row[0] for row in ranking(folder)[1]] == ["1e-4", "1e-5"]
    write(folder, "unet-real\n--learning_rate 1e-4\n--validation 2\n")
    assert sweep(folder, "--flags=--validation=0")[0] == 0  # the sweep's own flags come last


@pytest.mark.training
def test_a_table_that_a_user_changed_is_not_replaced(folder):
    write(folder, "unet-real\n--learning_rate 1e-4\n")
    assert sweep(folder)[0] == 0
    table = folder / "reports" / "sweep-try" / "results.md"
    table.write_text("my notes")
    (folder / "calls").unlink()
    status, _, err = sweep(folder)
    assert status == 1 and str(table.relative_to(folder)) in err.splitlines()[-1]
    assert table.read_text() == "my notes" and not (folder / "calls").exists()


@pytest.mark.training
def test_a_run_name_passes_through_the_projects_make(folder):
    """The real Makefile, asked and not run: what may stand in a name reaches the rule of one file."""
    for file in ("Makefile", "setup.py", "constraints.txt"):
        shutil.copy(ROOT / file, folder)
    name = Sweep("a+b.c", "unet-real", {}).run_name({"learning_rate": "1e-3", "cosine_decay": "true", "seed": "-1"})
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "FLAGS"))}
    answer = subprocess.run(["make", "-n", f"PYTHON={sys.executable}", f"RUN={name}", f"CONFIG={ROOT}/configs/quick",
                             "PAIRS=drive:x", "PHOTOS=", f"checkpoints/{name}/unet-real/weights.h5"], cwd=folder,
                            capture_output=True, text=True, env={**environment, "PYTHONPATH": str(ROOT)})
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1].endswith("-m configs.steps unet-real")

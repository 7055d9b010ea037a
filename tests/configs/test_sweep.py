"""The driver of sweeps, over a real make whose training is a few lines of shell."""
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

from configs.sweep import Sweep
from tests.configs.test_sweep_files import write

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

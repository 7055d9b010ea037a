"""`make few`: its runs, over a real make whose training is a few lines of shell."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.images import write_image

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[2]
# It notes its calls, and writes what an evaluation would; the run on 2 images fails unless the file `mended` is there.
MAKEFILE = r"""
%:
	@echo '$@|$(RUN)|$(CONFIG)|$(PAIRS)|$(PHOTOS)|$(FLAGS)' >> calls
eval:
	@case '$(RUN)' in *-n2) test -e mended || { echo 'error: loss is nan' >&2; exit 1; };; esac
	@mkdir -p 'reports/$(RUN)'; cp results.json 'reports/$(RUN)/results.json'
"""
IMAGE = {"patient": "a", "counts": [[8, 2, 2, 9]]}
ARM = {"n_train_pairs": 50, "per_image": [IMAGE]}


@pytest.fixture
def folder(tmp_path):
    for number in range(1, 10):
        write_image(tmp_path / "D" / "images" / f"{number}.png", np.full((8, 10, 3), 90, np.uint8))
        write_image(tmp_path / "D" / "masks" / f"{number}.png", np.uint8([[0, 255] * 5] * 8))
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "results.json").write_text(json.dumps({
        "dataset": {"pairs": "folder", "photos": None, "n_test": 1, "n_test_patients": 1, "n_train": 3},
        "origin": {"pairs": "few-3-of-draw-1:folder", "photos": None},
        "arms": {"real": ARM, "synthetic": ARM, "real+synthetic": ARM}}))
    return tmp_path


def few(folder, *flags):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run([sys.executable, "-m", "configs.few", "--run=my run", "--config=tiny", "--pairs=folder:D",
                           *flags], cwd=folder, text=True, capture_output=True, env={**kept, "PYTHONPATH": str(ROOT)})


def calls(folder):
    return [line.split("|") for line in (folder / "calls").read_text().splitlines()]


def test_every_draw_has_a_run_a_number_and_the_first_draw_comes_first(folder):
    (folder / "mended").touch()
    answer = few(folder, "--photos=messidor:P", "--flags=--base=4 --few_draws=2 --seed=10")
    assert answer.returncode == 0, answer.stderr
    made = calls(folder)
    assert list(dict.fromkeys(call[1] for call in made)) == [
        f"my run-few-d{draw}-n{number}" for draw in (1, 2) for number in ("1", "2", "5", "all")]  # 7 images train
    targets = [call[0] for call in made if call[1] == "my run-few-d2-n5"]
    assert targets == ["unet-real", "unet-synthetic", "unet-real+synthetic", "unet-real+photos-relabelled"]
    _, _, config, pairs, photos, flags = next(call for call in made if call[1] == "my run-few-d2-n5")
    assert (config, pairs, photos) == ("tiny", "few-5-of-draw-2:folder:D", "messidor:P")
    assert flags.split()[:5] == ["--base=4", "--few_draws=2", "--seed=10", "--validation=0", "--seed=12"]
    assert "synthetic pairs made from" in answer.stdout and (folder / "reports/my run-few.md").exists()


def test_without_photographs_there_is_no_control_and_a_failed_run_is_tried_again(folder):
    answer = few(folder)
    assert answer.returncode == 1 and "1 runs failed (my run-few-d1-n2: error: loss is nan" in answer.stderr
    assert {call[0] for call in calls(folder)} == {"unet-real", "unet-synthetic", "unet-real+synthetic"}
    assert "no control" in answer.stderr and (folder / "reports/my run-few-d1-nall/results.json").exists()
    (folder / "mended").touch()
    assert few(folder).returncode == 0

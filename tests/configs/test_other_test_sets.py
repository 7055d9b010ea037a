"""Data sets of --test are checked before anything is trained, not when the arms are measured on them."""
from __future__ import annotations

import numpy as np
import pytest

from configs.settings import Settings
from configs.steps import make_step
from data.check import main
from data.images import write_image


def test_the_check_of_the_data_gets_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more.flags").write_text("--test=csv:b.csv\n")
    run = Settings.from_variables({"FLAGS": "'--test=folder:my data' --flagfile=more.flags --size=64 --test_flips"})
    check = make_step("data", run).scripts[-1]
    assert check[0] == "data.check" and check[-2:] == ["--test=folder:my data", "--test=csv:b.csv"]


@pytest.fixture
def folder(tmp_path):
    """"folder:PATH" of five pairs whose masks have the level `foreground` beside 0."""
    def make(name, foreground):
        for number in range(5):
            image = np.random.default_rng([foreground, number]).integers(60, 200, (40, 40, 3), dtype=np.uint8)
            mask = np.zeros((40, 40), np.uint8)
            mask[:5] = foreground
            mask[9] = 2 * foreground
            write_image(tmp_path / name / "images" / f"{number}.png", image)
            write_image(tmp_path / name / "masks" / f"{number}.png", mask)
        return f"folder:{tmp_path / name}"

    return make


def test_what_is_wrong_with_them_stops(folder, capsys):
    pairs, other = folder("mine", 1), folder("other", 3)
    main(pairs, "", "other", ("1", "2"))
    main(pairs, "", "other", ("1", "2", "3"), (other,))
    for spec, line in ((pairs.replace("folder", "fold-1-of-5:folder"), "holds training images of --pairs"),
                       (f"{other}s", "no folder"), ("hrv:x", "unknown layout"), (other, "none of --foreground=1")):
        with pytest.raises(SystemExit) as end:
            main(pairs, "", "other", ("1", "2"), (spec,))
        assert line in str(end.value) and "\n" not in str(end.value)

"""The notebook in docs/, as its reader would run it."""
from __future__ import annotations

import json
import tempfile
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = json.loads((ROOT / "docs/example.ipynb").read_text(encoding="utf-8"))


def test_it_is_stored_without_what_a_run_leaves():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    identifiers = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len({*identifiers}) == len(identifiers)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in NOTEBOOK["cells"])


@pytest.mark.long
def test_its_cells_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    matplotlib.use("Agg")
    names: dict = {"__name__": "__main__"}
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert set(names["results"]["arms"]) == {"real", "synthetic"}
    assert names["image"].shape == (64, 64, 3) and names["mask"].any()
    assert (names["folder"] / "reports/example/report.html").is_file()

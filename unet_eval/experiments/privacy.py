"""What the privacy audit found, where `make audit` was called for the synthetic pairs of the run."""
from __future__ import annotations

import shutil
from pathlib import Path

from markupsafe import Markup

from data.files import checksum, read_json
from unet_eval.audit import report
from unet_eval.report.blocks import Section, Text
from unet_eval.report.tables import Table
from unet_eval.run import Run

NAME = "the privacy audit"
TITLE = "Privacy audit"


def measure(run: Run) -> dict:
    """Nothing where there is no audit, or one of other pairs."""
    path = _folder(run) / "audit.json"
    found = read_json(path, "call `make audit` again") if path.exists() else {}
    same = found and found.get("pairs_sha256") == checksum(run.folder / "synthetic.h5")
    return {"privacy": {name: value for name, value in found.items() if name != "distances"} if same else None}


def tables(results: dict) -> dict[str, Table]:
    return {TITLE: report.table(results["privacy"])} if results["privacy"] else {}


def figures(folder: Path, results: dict, run: Run) -> None:
    for name in report.PICTURES if results["privacy"] else ():
        shutil.copyfile(_folder(run) / name, folder / name)


def section(results: dict, folder: Path) -> Section:
    if results["privacy"]:
        return report.section(results["privacy"], folder)
    return Section("privacy", TITLE, [Text(Markup(
        "These pairs were not audited: nothing says whether they show training images again. <code>make audit</code> "
        "looks for copies, and <code>make figures</code> then puts here what it found."))])


def _folder(run: Run) -> Path:
    return Path(run.config.reports) / "audit"

"""What the privacy audit found, where `make audit` was called for the synthetic pairs of the run."""
from __future__ import annotations

import re
import shutil
from pathlib import Path

from markupsafe import Markup

from data.files import checksum, read_json
from data.synthmed.source import AUDIT_VERSION
from unet_eval.audit import report
from unet_eval.report.blocks import Section, Text
from unet_eval.report.tables import Table
from unet_eval.run import Run

NAME = "the privacy audit"
TITLE = "Privacy audit"


def measure(run: Run) -> dict:
    """The audit of synthetic.h5, or where there is none that of the most pairs that `make audit COUNT=` audited; its
    "folder" is one of the reports. Nothing where there is no audit, or only one of other pairs."""
    for count in ("", *sorted(_counts(run), key=int, reverse=True)):
        folder, store = (f"{name}{count and '-' + count}" for name in ("audit", "synthetic"))
        path, pairs = Path(run.config.reports) / folder / "audit.json", run.folder / f"{store}.h5"
        found = read_json(path, "call `make audit` again") if path.exists() and pairs.exists() else {}
        if found and found.get("pairs_sha256") == checksum(pairs):
            return {"privacy": {**{name: value for name, value in found.items() if name != "distances"},
                                "folder": folder}}
    return {"privacy": None}


def _counts(run: Run) -> list[str]:
    names = (path.name for path in Path(run.config.reports).glob("audit-*"))
    return [match[1] for match in map(re.compile(r"audit-([1-9]\d*)").fullmatch, names) if match]


def tables(results: dict) -> dict[str, Table]:
    return {TITLE: report.table(results["privacy"])} if results["privacy"] else {}


def figures(folder: Path, results: dict, run: Run) -> None:
    for name in report.FILES if results["privacy"] else ():
        path = Path(run.config.reports) / results["privacy"]["folder"] / name
        if path.exists():  # an audit of an earlier version drew fewer
            shutil.copyfile(path, folder / name)


def section(results: dict, folder: Path) -> Section:
    audit = results["privacy"]
    if not audit:
        return Section("privacy", TITLE, [Text(Markup(
            "These pairs were not audited: nothing says whether they show training images again. <code>make audit"
            "</code> looks for copies, and <code>make figures</code> then puts here what it found."))])
    shown = report.section(audit, folder)
    if audit.get("made_from", {}).get("version") != AUDIT_VERSION:
        shown.blocks.insert(1, Text(Markup(
            "Another version of this program found that, which asked other things; a release takes an audit by this "
            "one. <code>make audit</code> makes it, and <code>make figures</code> then puts it here.")))
    return shown

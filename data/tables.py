"""The layout `csv`: a table that names the files, for data that lie in no other layout.

    image,mask,fov,split,patient
    photos/a.jpg,vessels/a.png,,train,12

Only `image`, and for annotated data `mask`, have to be there. Names are as seen from the table's folder. This module
imports the standard library only.
"""
from __future__ import annotations

import csv
import os
import unicodedata
from pathlib import Path

from data.errors import UserError, listed
from data.finding import Sample, every_fifth, say, suffix

SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}


def find(path: Path, split: str, masks: bool) -> list[Sample]:
    """The samples of a split; every fifth patient tests where the table has no column `split`.

    Raises UserError: the table is no text, lacks a column or has it twice, a file is absent, a row has more cells than
    the table has columns, no image or no mask, the image of another row, or a split that is not train or test.
    """
    rows = _rows(path)
    needed = ["image", "mask"] if masks else ["image"]
    absent = [column for column in needed if not any(row.get(column) for _, row in rows)]
    if absent:
        columns = ", ".join(filter(None, rows[0][1])) if rows else "no rows"
        raise UserError(f"{path}: nothing in the column {absent[0]}; a table has the columns image, mask, and if need "
                        f"be fov, split, patient, and this one {columns}")
    lines = [line for line, row in rows if not all(row.get(column) for column in needed)]
    if lines:
        raise UserError(f"{path}: no {' or no '.join(needed)} in line {listed(lines)}; complete or remove these lines")
    wrong = [line for line, row in rows if row.get("split") and row["split"].lower() not in SPLITS]
    if wrong:
        raise UserError(f"{path}: the split in line {listed(wrong)} is not train or test; only these are read")
    stems = _stems([row["image"] for _, row in rows])
    found = [Sample(stem, *(_file(path, line, row.get(role) if role != "mask" or masks else None)
                            for role in ("image", "mask", "fov")), patient=row.get("patient") or "", table=path)
             for stem, (line, row) in zip(stems, rows)]
    _check_repeated(path, found, [line for line, _ in rows])
    if not any(row.get("split") for _, row in rows):
        return every_fifth(found, split)
    unsplit = [line for line, row in rows if not row.get("split")]
    if unsplit:
        raise UserError(f"{path}: no split in line {listed(unsplit)}; write train or test")
    return [sample for sample, (_, row) in zip(found, rows) if SPLITS[row["split"].lower()] == split]


def _check_repeated(path: Path, found: list[Sample], lines: list[int]) -> None:
    """UserError where two lines name one image; says so where they name one mask, which may be right."""
    for role in ("image", "mask"):
        first: dict[str, int] = {}
        for sample, line in zip(found, lines):
            file = getattr(sample, role)
            if file is None:
                continue
            before = first.setdefault(os.path.realpath(file), line)
            if before != line and role == "image":
                raise UserError(f"{path}: lines {before} and {line} name the same image, {file}; remove one of them")
            if before != line:
                say(f"{path}: lines {before} and {line} name the same mask, {file}")


def has_fov(path: Path) -> bool:
    """Whether the table names fields of view. A table that is not there, or cannot be read, has none."""
    try:
        return any(row.get("fov") for _, row in _rows(path))
    except UserError:
        return False


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(number of the line, cells by column, in small letters and without spaces around)."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        # Spreadsheets leave empty lines, and one that says which separator follows.
        skipped = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("sep=")), len(lines))
        head = "".join(lines[skipped:skipped + 1])
        reader = csv.DictReader(lines[skipped:], delimiter=max(",;\t", key=head.count), strict=True)
        reader.fieldnames = columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        read = [(skipped + reader.line_num, row.pop(None, []), row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise UserError(f"{path}: cannot be read as a table ({why}); save it as CSV in UTF-8") from error
    twice = [name for name in ("image", "mask", "fov", "split", "patient") if columns.count(name) > 1]
    if twice:
        raise UserError(f"{path}: two columns are called {listed(twice)}; rename or remove one")
    longer = [line for line, surplus, _ in read if any(cell.strip() for cell in surplus)]
    if longer:
        raise UserError(f"{path}: more cells than columns in line {listed(longer)}; write a cell that has a separator "
                        'in it with quotes around, such as "Doe, John"')
    rows = [(line, {name: (cell or "").strip() for name, cell in row.items()}) for line, _, row in read]
    return [(line, row) for line, row in rows if any(row.values())]


def _stems(images: list[str]) -> list[str]:
    """Of the files; where two have the same, of all with their folders before them."""
    names = [unicodedata.normalize("NFC", image) for image in images]
    paths = [Path(name[:len(name) - len(suffix(Path(name)))]) for name in names]
    stems = [path.name for path in paths]
    return stems if len({*stems}) == len(stems) else ["_".join(path.parts).lstrip("/_") for path in paths]


def _file(path: Path, line: int, name: str | None) -> Path | None:
    if not name:
        return None
    file = path.parent / os.path.expanduser(name)  # unlike Path's, it leaves the name of an unknown user as it is
    if not os.path.isfile(file):  # unlike Path's, False for a name that is too long
        raise UserError(f"{path}: line {line} names {name}, and there is no file {file}; names are as seen from the "
                        "table's folder, with / between folders")
    return file

"""The documents: their links, and the table of faults in tests/README.md."""
from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.conftest import FAULT

TESTS = Path(__file__).parent
SECTION = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """Names by which links reach the sections of a Markdown file."""
    return {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-")
            for title in SECTION.findall(document.read_text(encoding="utf-8"))}


def test_links_of_documents_lead_to_files_and_sections():
    documents = [path for pattern in ("*.md", "*/README.md", "docs/*.md", "unet_eval/*/README.md")
                 for path in TESTS.parent.glob(pattern)]
    assert TESTS.parent / "docs" / "results.md" in documents
    for document in documents:
        for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
            if link.startswith("https://"):
                continue
            name, _, section = link.partition("#")
            target = document.parent / name if name else document
            assert target.exists(), f"{document}: {link}"
            assert not section or section in anchors(target), f"{document}: {link}"


def test_every_fault_has_tests_and_they_exist():
    rows = re.findall(r"^\| (\d+) \|(.*)$", (TESTS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 29))
    functions = {}
    for number, row in rows:
        named = FAULT.findall(row)
        assert named, f"row {number} names no test"
        for name in named:
            file, function = name.split("::")
            if file not in functions:
                functions[file] = {node.name for node in ast.parse((TESTS / file).read_text(encoding="utf-8")).body
                                   if isinstance(node, ast.FunctionDef)}
            assert function in functions[file], f"row {number}: there is no {name}"

"""The table of faults in tests/README.md."""
from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.conftest import FAULT

TESTS = Path(__file__).parent


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

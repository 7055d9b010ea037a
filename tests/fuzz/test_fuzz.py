"""Whatever is damaged in a file, it is read rightly or refused in one line, within bounded memory and time."""
from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured in /proc")


def run_cases(first: int, end: int, *options: str) -> dict[int, dict]:
    """What became of each case. Where a case ends the worker, the next one gets a worker of its own."""
    cases: dict[int, dict] = {}
    while first < end:
        answer = subprocess.run([sys.executable, "-m", "tests.fuzz.worker", str(first), str(end), *options], cwd=ROOT,
                                capture_output=True, text=True)
        for line in filter(lambda line: line.startswith('{"case"'), answer.stdout.splitlines()):
            result = json.loads(line)
            cases[result["case"]] = result
        assert cases.get(first), answer.stderr[-2000:]
        first = max(cases) + 1
        if answer.returncode:
            cases[first - 1].setdefault("end", f"wrong: ended by signal {-answer.returncode}")
    return cases


def check(cases: dict[int, dict]) -> None:
    wrong = {number: case for number, case in cases.items() if case["end"].startswith("wrong")}
    print(*sorted(Counter((case["kind"].split()[0], case["end"].split(":")[0]) for case in cases.values()).items()))
    assert not wrong, "\n".join(f"case {number}: {case}" for number, case in wrong.items())


@pytest.mark.training
def test_sixty_damaged_files():
    cases = run_cases(0, 60, "without")
    assert len(cases) == 60 and {case["end"] for case in cases.values()} > {"refused"}
    check(cases)


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 2000, 250))
def test_two_thousand_damaged_files(first):
    check(run_cases(first, first + 250))

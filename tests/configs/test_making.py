"""How a sweep and `make few` call make."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each of two recipes waits until the other one has begun. `outer` calls make in between, as `make sweep` does.
MAKEFILE = """
outer: ; @exec $(CALL)
both: one two
one two:
\t@touch $@.began; for _ in 1 2 3 4 5 6 7 8 9; do sleep 1; [ -f one.began ] && [ -f two.began ] && exit; done; exit 1
"""
CALL = "import sys; from configs.making import Make; sys.exit(Make('make', 'the test')('both'))"


@pytest.mark.training
def test_the_make_that_is_called_has_the_jobs_of_the_one_outside(tmp_path):
    (tmp_path / "Makefile").write_text(MAKEFILE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    answer = subprocess.run(["make", "-j2", "outer"], cwd=tmp_path, text=True, capture_output=True, timeout=60,
                            env={**environment, "PYTHONPATH": str(ROOT), "CALL": f'{sys.executable} -c "{CALL}"'})
    assert answer.returncode == 0 and "jobserver" not in answer.stderr, answer.stderr

"""Many pairs: memory does not grow, the last are made as fast as the first, and a killed run goes on."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data.pairs import PairReader
from data.parts import PART

ROOT = Path(__file__).parents[1]
COUNT = 7 * PART


@pytest.mark.training
@pytest.mark.long
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="this system has no /proc")
def test_memory_and_speed_are_flat_in_a_run_that_was_killed(tmp_path):
    answer = subprocess.run([sys.executable, "-m", "tests.load", f"--count={COUNT}", "--size=128", f"--out={tmp_path}"],
                            cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True)
    measured = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["script"] for line in measured] == ["stage1_dcgan.generate", "stage2_pix2pix.generate"]
    for line in measured:
        assert line["gb_last"] < line["gb_first"] + 0.05, line  # a leak of 64 kB a row would be twice that
        assert line["gb_peak"] < 1.5, line
        assert line["row_s_last_third"] < 1.5 * line["row_s_first_third"], line
    with PairReader(tmp_path / "synthetic.h5") as pairs:
        assert len(pairs) == COUNT

"""Every step of the pipeline on a disk without room, and again with room."""
from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.end_to_end.miniature import environment
from tests.small_disk import SmallDisk

pytestmark = [pytest.mark.training, pytest.mark.long]
# Each with the file by which make knows that it is done.
STEPS = {"data": "data.checked", "stage1": "stage1/generator.h5", "masks": "masks.h5",
         "unet-real": "unet-real/weights.h5", "photo_masks": "photo_masks.done", "stage2": "stage2/generator.h5",
         "synthetic": "synthetic.h5", "unet-synthetic": "unet-synthetic/weights.h5", "evaluate": "report.html"}
GROW = ("made.sha256", "lock", "tfevents")  # a line more in it, or in logs, spoils nothing


def test_every_step_without_room(clone, drive, messidor, tmp_path):
    with SmallDisk(tmp_path / "disk", "40m") as disk:
        for name in ("checkpoints", "reports"):
            (disk.path / name).mkdir()
            (clone / name).symlink_to(disk.path / name)

        def call(step):
            return subprocess.run([sys.executable, "-m", "configs.steps", step], cwd=clone, capture_output=True,
                                  text=True, env={**environment(), "CONFIG": "tiny", "RUN": "tiny", "PAIRS": drive,
                                                  "PHOTOS": messidor, "FLAGS": ""})

        def kept():
            return {name: content for name, content in disk.files().items() if not any(part in name for part in GROW)}

        for step, done in STEPS.items():
            before = kept()
            for leave in (0, 60_000):
                disk.fill(leave)
                answer = call(step)
                if answer.returncode == 0 and leave:  # what the step writes is smaller
                    disk.clear()
                    continue
                assert answer.returncode == 1, (step, answer.stderr)
                last = answer.stderr.splitlines()[-1]
                assert last.startswith("error: ") and "Traceback" not in answer.stderr, (step, answer.stderr)
                assert "tiny" in last and ("space" in last or "room" in last), (step, last)
                disk.clear()
                after = kept()
                assert {name: after.get(name) for name in before} == before, step
                assert not [name for name in after if name.endswith(done)], step
                assert not [name for name in after if ".partial" in name or "temp" in os.path.basename(name)], step
            answer = call(step)
            assert answer.returncode == 0, (step, answer.stderr)

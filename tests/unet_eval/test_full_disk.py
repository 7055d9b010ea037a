"""A report on a disk without room."""
from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from data.errors import UserError
from tests.small_disk import SmallDisk
from unet_eval.evaluate import evaluate

pytestmark = pytest.mark.training


def test_a_report_without_room_leaves_the_older_one(few_evaluated, few_config, tmp_path):
    with SmallDisk(tmp_path / "disk", "20m") as disk:
        shutil.copytree(few_config.reports, disk.path / "reports")
        before = disk.files()
        disk.fill(leave=sum(map(len, before.values())) // 2)
        with pytest.raises(UserError, match="reports: cannot be written .*free space"):
            evaluate(replace(few_config, reports=str(disk.path / "reports")))
        disk.clear()
        assert disk.files() == before

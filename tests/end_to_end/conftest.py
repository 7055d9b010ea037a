from __future__ import annotations

import pytest

from tests.end_to_end.miniature import copy_project


@pytest.fixture
def clone(tmp_path):
    """A copy of the project with a tiny preset, in a folder with a space and an accent."""
    folder = tmp_path / "mon clône"
    copy_project(folder)
    return folder

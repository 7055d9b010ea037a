"""What make's variables say of networks that are given away, shown, or started from."""
from __future__ import annotations

import pytest

from configs.plan import plan
from configs.settings import Settings
from configs.steps import COLD, make_step
from data.errors import UserError

RELEASE = {"NAME": "tiny", "LICENSE": "CC0-1.0", "PAIRS": "stare:/data"}


def test_generators_are_made_for_a_release_only_where_they_are_asked_for():
    line = "graphs := $(R)/generators/README.md"
    assert line in plan(["synthmed"], {**RELEASE, "FLAGS": "--with_generators"})
    for flags in ("", "--with_generators --nowith_generators"):
        assert line not in plan(["synthmed"], {**RELEASE, "FLAGS": flags})


def test_packed_networks_have_a_name_a_licence_and_a_folder_of_their_own():
    plan(["pretrained"], RELEASE)
    with pytest.raises(UserError, match="LICENSE='': choose"):
        plan(["pretrained"], {**RELEASE, "LICENSE": ""})
    with pytest.raises(UserError, match="RUN=pretrained: .*take another name"):
        Settings.from_variables({"RUN": "pretrained"})


def test_a_warm_start_is_for_the_three_trainings_and_not_for_what_they_are_compared_with():
    run = Settings.from_variables({"PAIRS": "stare:/data", "FLAGS": "--warm_start=other"})
    for step in ("stage1", "stage2", "unet-real"):
        assert make_step(step, run).scripts[0][-1] == "--warm_start=other"
    for step in ("single", "overtrained"):
        given = [word for word in make_step(step, run).scripts[0] if word.startswith("--warm_start")]
        assert given == ["--warm_start=other", COLD]

"""What make's variables say of networks that are given away, shown, or started from."""
from __future__ import annotations

from pathlib import Path

import pytest

from configs.chain import chain
from configs.plan import COMPARISONS, plan
from configs.settings import Settings
from configs.steps import COLD, make_step
from data.errors import UserError

RELEASE = {"NAME": "tiny", "LICENSE": "CC0-1.0", "PAIRS": "stare:/data"}


def test_generators_are_made_for_a_release_only_where_they_are_asked_for():
    line = "graphs := $(R)/generators/README.md"
    assert line in plan(["synthmed"], {**RELEASE, "FLAGS": "--with_generators"})
    for flags in ("", "--with_generators --nowith_generators"):
        assert line not in plan(["synthmed"], {**RELEASE, "FLAGS": flags})


@pytest.mark.parametrize("goal, flags, said", [
    ("pretrained", "", "make pretrained"), ("synthmed", "--with_generators", "--with_generators"),
    ("stage1", "--with_generators", "--with_generators")])
def test_networks_that_cannot_be_asked_are_told_before_they_are_trained(tmp_path, goal, flags, said):
    """PHOTOS have no held-out photographs, unless Stage-II learns from PAIRS as well."""
    alone = {**RELEASE, "CONFIG": "paper", "PHOTOS": "hrf:/photos", "FLAGS": flags}
    with pytest.raises(UserError, match=rf"^{said} gives .* of hrf:/photos .*\(PHOTOS=\), or with FLAGS=--add_pairs"):
        plan([goal], alone)
    for others in ({"PHOTOS": ""}, {"FLAGS": f"{flags} --add_pairs"}, {"CONFIG": "cpu"}):
        plan([goal], {**alone, **others})
    plan(["synthmed"], {**alone, "FLAGS": ""})
    for stage in ("stage1", "stage2", "unet"):
        (tmp_path / f"{stage}.flags").write_text("--photos=folder:mine" if stage == "stage2" else "")
    with pytest.raises(UserError, match="of folder:mine no photographs are held out"):
        plan([goal], {**alone, "CONFIG": str(tmp_path), "PHOTOS": ""})


def test_packed_networks_have_a_name_a_licence_and_a_folder_of_their_own():
    plan(["pretrained"], RELEASE)
    with pytest.raises(UserError, match="LICENSE='': choose"):
        plan(["pretrained"], {**RELEASE, "LICENSE": ""})
    with pytest.raises(UserError, match="RUN=pretrained: .*take another name"):
        Settings.from_variables({"RUN": "pretrained"})


@pytest.mark.parametrize("goal", [*COMPARISONS, "checkpoints/quick/evidence.done"])
def test_no_comparison_has_trainings_that_began_with_other_weights(tmp_path, goal):
    given = {"PAIRS": "stare:/data", "SWEEP": "configs/sweeps/unet_loss"}
    warm = {**given, "FLAGS": "--warm_start=other"}
    said = f"^--warm_start=other is not for make {Path(goal).stem}, .* make stage1 stage2 eval with a RUN of its own$"
    with pytest.raises(UserError, match=said):
        plan([goal], warm)
    plan([goal], {**given, "FLAGS": "--warm_start=other --warm_start="})
    plan(["stage1", "stage2", "eval"], warm)
    for stage in ("stage1", "stage2", "unet"):
        (tmp_path / f"{stage}.flags").write_text("--warm_start=other" if stage == "unet" else "")
    with pytest.raises(UserError, match=said):
        plan([goal], {**given, "CONFIG": str(tmp_path)})


def test_the_plan_of_a_comparison_has_none_either(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a plan removes marks of a run that were made for other settings
    run = Settings.from_variables({"PAIRS": "stare:/data", "FLAGS": "--warm_start=other"})
    with pytest.raises(UserError, match="--warm_start=other is not for make curve"):
        chain("curve", run)
    assert chain("eval", run)


def test_a_warm_start_is_for_the_three_trainings_and_not_for_what_they_are_compared_with():
    run = Settings.from_variables({"PAIRS": "stare:/data", "FLAGS": "--warm_start=other"})
    for step in ("stage1", "stage2", "unet-real"):
        assert make_step(step, run).scripts[0][-1] == "--warm_start=other"
    for step in ("single", "overtrained"):
        given = [word for word in make_step(step, run).scripts[0] if word.startswith("--warm_start")]
        assert given == ["--warm_start=other", COLD]

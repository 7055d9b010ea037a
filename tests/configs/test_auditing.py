"""The steps of an audit."""
from __future__ import annotations

import pytest

from configs.flags import last_value
from configs.plan import plan
from configs.settings import Settings
from configs.steps import make_step
from data.errors import UserError
from tests.data.examples import write


def test_the_audits_control_learns_by_heart_whatever_the_runs_flags_are():
    flags = "--epochs=99 --vary=1 --vary_masks=1 --foreground=2"
    run = Settings.from_variables({"PAIRS": "folder:x", "PHOTOS": "", "FLAGS": flags})
    train, draw = make_step("overtrained", run).scripts
    assert "--pairs=few-5-of-draw-1:folder:x" in train and "--foreground=2" in train
    assert [last_value(train, name) for name in ("epochs", "reach", "vary_masks", "batch_size")] == ["4", "0", "0", "5"]
    assert last_value(draw, "vary") == "0" and last_value(draw, "decoder") == "cut"


def test_an_audit_is_of_the_run_or_of_more_pairs():
    run = Settings.from_variables({"PAIRS": "phantom", "PHOTOS": "phantom"})
    for name, ending in (("audit", ""), ("audit-70", "-70")):
        (script,) = make_step(name, run).scripts
        assert f"--store=checkpoints/quick/synthetic{ending}.h5" in script and "--photos=phantom" in script
        assert f"--out=reports/quick/audit{ending}" in script


def test_the_control_learns_images_behind_a_release():
    run = Settings.from_variables({"PAIRS": "release-at-reports/a/synthmed/b:folder:x", "PHOTOS": ""})
    assert "--pairs=few-5-of-draw-1:folder:x" in make_step("overtrained", run).scripts[0]


@pytest.mark.parametrize("goal", ["audit", "synthmed", "pretrained"])
def test_fewer_images_than_the_control_learns_are_refused_before_anything_is_trained(goal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variables = {"PAIRS": f"folder:{tmp_path}", "PHOTOS": "", "NAME": "a", "LICENSE": "CC0-1.0"}
    plan([goal], variables)  # that there is no image, the step `data` says
    for number in range(4):
        write(tmp_path, f"train/images/{number}.png", f"train/masks/{number}.png")
    with pytest.raises(UserError, match=f"make {goal}: PAIRS=folder:.* has 4 training images, and a control of the "
                                        "audit learns 5 masks by heart: add annotated images"):
        plan([goal], variables)
    write(tmp_path, "train/images/4.png", "train/masks/4.png")
    plan([goal], variables)

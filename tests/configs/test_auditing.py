"""The steps of an audit."""
from __future__ import annotations

from configs.flags import last_value
from configs.settings import Settings
from configs.steps import make_step


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

"""Plans of single goals: arms that nothing trains, and what was made before with other flags or for other runs."""
from __future__ import annotations

import pytest

from tests.configs.plans import SETTINGS, call, make_project, plan


@pytest.fixture
def folder(tmp_path):
    return make_project(tmp_path)


@pytest.mark.parametrize("goal, flags, said", [
    ("eval", "--arms=real,rendered", "measures unet-rendered, which this does not train"),
    ("curve", "--arms=real,rendered", "measures unet-rendered, which"),
    ("evidence", "--arms=real,photos-relabelled", "unet-photos-relabelled is trained on photographs without masks")])
def test_arms_that_the_steps_do_not_train_are_told_before_any_is_run(folder, goal, flags, said):
    answer = call(folder, "configs.chain", GOAL=goal, **{**SETTINGS, "FLAGS": flags})
    assert answer.returncode == 1 and answer.stdout == ""
    assert answer.stderr.startswith(f"error: {'' if 'photos' in flags else f'{flags} '}{said}"), answer.stderr
    trained = folder / "checkpoints/my run/unet-rendered/weights.h5"
    trained.parent.mkdir(parents=True)
    trained.touch()
    assert goal == "evidence" or plan(folder, goal, FLAGS=flags)

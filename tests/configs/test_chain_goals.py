"""Plans of single goals: arms that nothing trains, and what was made before with other flags or for other runs."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from configs.plan import plan as make_plan
from configs.records import Records
from configs.settings import Settings
from data.files import OutputFolder, json_bytes
from tests.configs.plans import GOALS, SETTINGS, call, make_project, plan


@pytest.fixture
def folder(tmp_path):
    return make_project(tmp_path)


def test_the_evidence_has_the_synthetic_pairs_whatever_its_arms_are(folder):
    """The report shows them: without them it ended, after all trainings."""
    steps = {step["output"]: step for step in plan(folder, "evidence")}
    assert steps["checkpoints/my run/synthetic.h5"]["name"] == "my run:synthetic"
    assert "checkpoints/my run/synthetic.h5" in steps["checkpoints/my run/evidence.done"]["after"]
    call(folder, "configs.cluster.slurm", "plan.json")
    calls = {line.split("--job-name=")[1].split(" --")[0]: number for number, line in enumerate(
        (folder / "calls").read_text().splitlines(), 1)}
    last = (folder / "calls").read_text().splitlines()[-1]
    assert "--job-name=my run:evidence " in last and re.search(rf":{calls['my run:synthetic']}[, ]", last)


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


@pytest.mark.parametrize("goal", ["eval", "evidence", "curve"])
def test_what_was_measured_with_other_flags_is_measured_again(folder, goal, monkeypatch):
    """Slurm and Kubernetes leave out a step whose file is there, and took the report for that of these flags."""
    monkeypatch.chdir(folder)
    variables = {**SETTINGS, **GOALS[goal]}
    done = Path(plan(folder, goal)[-1]["output"])
    report = folder / "reports/my run/report.html"

    def measure():
        records = Records(Settings.from_variables(variables))
        records.run.record()
        for path, content in ((done.with_name("data.checked"), records.checking),
                              (done.with_name("evaluate.done"), records.measuring), (done, ""), (report, "")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    measure()
    plan(folder, goal)
    assert done.exists()
    plan(folder, goal, FLAGS=f"{variables['FLAGS']} --kl_bins=64")
    assert not done.exists() and report.exists()
    measure()
    report.unlink()
    plan(folder, goal)
    assert not done.exists()


def ranking(folder, *names, **outcome):
    """reports/sweep-unet_loss/results.json of runs with these names."""
    runs = [{"run": name, "f1_vessel": 0.7, **outcome} for name in names]
    OutputFolder(folder / "reports/sweep-unet_loss", "SWEEP").write("results.json", json_bytes({"runs": runs}))
    return folder / "reports/sweep-unet_loss/results.json"


def test_a_ranking_of_other_runs_is_not_taken_for_done(folder):
    *nets, last = [step for step in plan(folder, "sweep") if step["name"].endswith((":unet-real", ":sweep"))]
    names = [net["environment"]["RUN"] for net in nets]
    assert last["output"] == "reports/sweep-unet_loss/results.json"
    for net in nets:
        (folder / net["output"]).parent.mkdir(parents=True)
        (folder / net["output"]).touch()
    ranked = ranking(folder, *names)
    plan(folder, "sweep")
    assert ranked.exists()
    for found, outcome in ((names[:-1], {}), (names, {"failed": "loss is nan"})):
        ranking(folder, *found, **outcome)
        plan(folder, "sweep")
        assert not ranked.exists()
    ranking(folder, *names)
    (folder / nets[0]["output"]).unlink()  # to be trained again
    plan(folder, "sweep")
    assert not ranked.exists()
    ranked.write_text("mine")
    answer = call(folder, "configs.chain", GOAL="sweep", **SETTINGS, **GOALS["sweep"])
    assert answer.returncode == 1 and "results.json has been changed since it was made" in answer.stderr
    assert ranked.read_text() == "mine"


def test_runs_of_a_sweep_do_not_ask_what_the_run_without_its_flags_was_made_with(folder, monkeypatch):
    """It has CONFIG's name where no RUN is given, and may have been made with other data."""
    monkeypatch.chdir(folder)
    training = folder / "checkpoints/my run/stage1/config.json"
    training.parent.mkdir(parents=True)
    training.touch()
    (folder / "checkpoints/my run/settings").write_text("CONFIG=tiny PAIRS=folder:other PHOTOS= FLAGS=\n")
    make_plan(["plan"], SETTINGS)  # as `make plan` asks, before it calls configs.chain
    assert plan(folder, "sweep")
    answer = call(folder, "configs.chain", GOAL="eval", **SETTINGS)
    assert answer.returncode == 1 and "checkpoints/my run was made with CONFIG=tiny PAIRS=folder:other" in answer.stderr

"""`make plan`: the steps of a run as data, and the programs that run them."""
from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from tests.configs.plans import GOALS, ROOT, SETTINGS, call, make_project, plan


@pytest.fixture
def folder(tmp_path):
    return make_project(tmp_path)


@pytest.mark.parametrize("goal", GOALS)
def test_every_step_comes_after_what_it_needs(folder, goal):
    made = set()
    for step in plan(folder, goal):
        assert {*step["inputs"], *step["after"]} <= made and step["output"] not in made
        made.add(step["output"])


def test_the_evidence_needs_every_net_the_single_gan_and_the_cells(folder):
    steps = {step["name"]: step for step in plan(folder, "evidence")}
    run = "checkpoints/my run"
    assert set(steps["my run:evidence"]["inputs"]) == {
        f"{run}/unet-real/weights.h5", f"{run}/unet-rendered/weights.h5", f"{run}/unet-real.1/weights.h5",
        f"{run}/unet-rendered.1/weights.h5", f"{run}/single.h5", f"{run}-cells/synthetic.h5"}
    assert steps["my run:rendered.1"]["inputs"] == [f"{run}/stage2.1/generator.h5"]
    assert steps["my run:unet-real"]["after"] == [f"{run}/data.checked"]
    assert steps["my run-cells:stage1"]["environment"]["CONFIG"] == "cells"
    assert steps["my run-cells:stage1"]["environment"]["FLAGS"] == ""


def test_the_commands_are_those_of_make(folder):
    step = next(step for step in plan(folder, "eval") if step["name"] == "my run:stage1")
    assert step["command"] == [sys.executable, "-m", "configs.steps", "stage1"]
    assert step["environment"] == {**SETTINGS, "FLAGS": step["environment"]["FLAGS"]}
    assert shlex.split(step["environment"]["FLAGS"]) == shlex.split(SETTINGS["FLAGS"])


def test_an_unknown_goal_stops(folder):
    answer = call(folder, "configs.chain", GOAL="all", **SETTINGS)
    assert answer.returncode == 1
    assert answer.stderr == "error: GOAL=all is none of eval, evidence, curve, synthetic, sweep\n"


def test_the_shares_of_many_pairs_are_one_array_and_the_whole_waits_for_all(folder):
    steps = {step["name"]: step for step in plan(folder, "synthetic")}
    whole, share = steps["my run:synthetic-1000"], steps["my run:synthetic-1000-of-3.2"]
    assert share["output"] == "checkpoints/my run/synthetic-1000.parts/2-of-3.done"
    assert share["inputs"] == [f"checkpoints/my run/{stage}/generator.h5" for stage in ("stage1", "stage2")]
    assert len(whole["inputs"]) == 3 and whole["output"] == "checkpoints/my run/synthetic-1000.h5"
    call(folder, "configs.cluster.slurm", "plan.json")
    *_, array, last = (folder / "calls").read_text().splitlines()
    assert "--array=1,2,3 " in array and "--array=0 " in last and "--dependency=afterok:" in last
    answer = call(folder, "configs.chain", GOAL="synthetic", **{**SETTINGS, "COUNT": "many"})
    assert answer.returncode == 1 and answer.stderr.startswith("error: COUNT=many is no number")


def test_a_sweep_is_a_run_a_combination_and_then_the_ranking(folder):
    steps = plan(folder, "sweep")
    nets = [step for step in steps if step["name"].endswith(":unet-real")]
    assert len(nets) > 1 and len({step["environment"]["RUN"] for step in nets}) == len(nets)
    for net in nets:
        assert SETTINGS["FLAGS"].split()[0] in net["environment"]["FLAGS"] and "--loss=" in net["environment"]["FLAGS"]
    assert steps[-1]["inputs"] == [net["output"] for net in nets]
    assert steps[-1]["command"][:3] == ["make", "sweep", "SWEEP=configs/sweeps/unet_loss"]
    assert nets[0]["environment"]["FLAGS"].startswith(steps[-1]["environment"]["FLAGS"] + " --batch_size=")


def pod(folder, container, index):
    """What Kubernetes starts for an index of a Job."""
    assert container["workingDir"] == str(folder) == container["volumeMounts"][0]["mountPath"]
    return subprocess.Popen(container["command"], cwd=folder, text=True, stdout=subprocess.PIPE,
                            env={**os.environ, "PYTHONPATH": str(ROOT), "JOB_COMPLETION_INDEX": str(index)})


def test_a_job_of_kubernetes_has_an_index_a_step_that_waits_for_what_it_needs(folder):
    """Run as its pods run it, the last one first."""
    steps = plan(folder, "synthetic")
    for step in steps:
        script = 'for file; do [ -e "$file" ] || exit 1; done; mkdir -p "${0%/*}"; echo "$RUN" | tee "$0"'
        step["command"] = ["sh", "-c", script, step["output"], *step["inputs"], *step["after"]]
    (folder / "plan.json").write_text(json.dumps({"steps": steps}))
    answer = call(folder, "configs.cluster.kubernetes", "plan.json", "--image=dual-gan", "--claim=mine", "--parallel=4",
                  "--gpus=1")
    job = json.loads(answer.stdout)  # every JSON is YAML
    spec, container = job["spec"], job["spec"]["template"]["spec"]["containers"][0]
    assert (job["kind"], spec["completionMode"], spec["completions"]) == ("Job", "Indexed", len(steps))
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 1} and spec["parallelism"] == 4
    pods = [pod(folder, container, index) for index in reversed(range(len(steps)))]
    said = [each.communicate(timeout=60)[0] for each in pods]
    assert [each.returncode for each in pods] == [0] * len(steps)
    assert said == ["my run\n"] * len(steps) and all((folder / step["output"]).exists() for step in steps)
    again = pod(folder, container, 0)
    assert again.communicate(timeout=60)[0] == "" and again.returncode == 0  # it is there
    assert pod(folder, container, len(steps)).wait(timeout=60) == 1


def test_a_plan_does_not_take_a_check_of_other_data_for_done(folder):
    checked = folder / "checkpoints/my run/data.checked"
    checked.parent.mkdir(parents=True)
    (checked.parent / "settings").write_text("CONFIG=tiny PAIRS=folder:other PHOTOS= FLAGS=\n")
    checked.touch()
    plan(folder, "eval")
    assert not checked.exists()


def test_a_check_that_cannot_be_removed_is_told_in_one_line(folder):
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/my run").touch()
    answer = call(folder, "configs.chain", GOAL="eval", **SETTINGS)
    assert answer.returncode and answer.stdout == ""
    assert answer.stderr.startswith("error: checkpoints/my run/data.checked: cannot be written"), answer.stderr


def test_evidence_needs_a_preset_of_the_single_gan(folder):
    (folder / "configs/tiny/single.flags").unlink()
    answer = call(folder, "configs.chain", GOAL="evidence", **SETTINGS)
    assert answer.returncode and answer.stdout == "" and "tiny/single.flags" in answer.stderr


def test_a_dry_run_has_no_plan(folder):
    answer = call(folder, "configs.chain", GOAL="eval", **{**SETTINGS, "FLAGS": "--dry_run"})
    assert answer.returncode and answer.stdout == "" and "error: --dry_run tries trainings" in answer.stderr


def test_slurm_submits_what_is_left_where_one_seed_is_ahead(folder):
    for step in plan(folder, "evidence"):
        if step["name"] in ("my run:data", "my run:unet-real", "my run:stage2"):
            path = folder / step["output"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    answer = call(folder, "configs.cluster.slurm", "plan.json")
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    [stage2] = [line.partition(":")[0] for line in lines if line.endswith(": my run:stage2, seeds 1")]
    [rendered] = [line for line in lines if ": my run:rendered, seeds 0, 1, " in line]
    assert rendered.endswith(f"afterok:{stage2}")


def test_slurm_gets_an_array_a_step_whose_tasks_wait_for_those_of_their_seed(folder):
    plan(folder, "evidence")
    answer = call(folder, "configs.cluster.slurm", "plan.json", "--gres=gpu:1")
    assert answer.returncode == 0, answer.stderr
    names = [line.split(": ")[1].split(", ")[0] for line in answer.stdout.splitlines()]
    calls = dict(zip(names, (folder / "calls").read_text().splitlines()))
    number = {name: names.index(name) + 1 for name in names}
    stage2, net = calls["my run:stage2"], calls["my run:unet-rendered"]
    assert "--array=0,1" in stage2 and "--gres=gpu:1" in stage2
    assert f"--dependency=afterok:{number['my run:data']} " in stage2
    assert f"aftercorr:{number['my run:rendered']}" in net
    assert f"afterok:{number['my run:unet-rendered']}" in calls["my run:evidence"]
    assert "--array=0 " in calls["my run:evidence"]
    assert stage2.endswith(f"--wrap=exec {sys.executable} -m configs.cluster.step plan.json 'my run:stage2'")


def test_slurm_leaves_out_what_is_done(folder):
    for step in plan(folder, "eval")[:2]:
        (folder / step["output"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / step["output"]).touch()
    call(folder, "configs.cluster.slurm", "plan.json")
    calls = (folder / "calls").read_text()
    assert "my run:data" not in calls and "my run:unet-real" not in calls and "my run:unet-synthetic" in calls


def test_where_slurm_refuses_the_jobs_to_cancel_are_named(folder):
    plan(folder, "eval")
    (folder / "refuse").touch()
    answer = call(folder, "configs.cluster.slurm", "plan.json")
    assert answer.returncode == 1 and answer.stderr.startswith("error: sbatch refused my run:data")
    assert len((folder / "calls").read_text().splitlines()) == 1


def test_without_slurm_one_line_says_so(folder):
    plan(folder, "eval")
    (folder / "bin" / "sbatch").chmod(0o644)
    answer = call(folder, "configs.cluster.slurm", "plan.json", PATH=str(folder / "bin"))
    assert answer.returncode == 1 and answer.stderr == (
        "error: sbatch cannot be called (Permission denied): submit where Slurm is installed\n")
    (folder / "bin" / "sbatch").unlink()
    answer = call(folder, "configs.cluster.slurm", "plan.json", PATH=str(folder / "bin"))
    assert answer.returncode == 1 and answer.stderr.startswith("error: sbatch cannot be called (No such file")


def test_a_task_runs_the_step_of_its_seed(folder):
    steps = plan(folder, "evidence")
    for step in steps:
        step["command"] = ["sh", "-c", 'echo "$0 $RUN"', step["name"]]
    (folder / "plan.json").write_text(json.dumps({"steps": steps}))
    task = call(folder, "configs.cluster.step", "plan.json", "my run:stage2", SLURM_ARRAY_TASK_ID="1")
    assert task.stdout == "my run:stage2.1 my run\n"
    assert call(folder, "configs.cluster.step", "plan.json", "my run:data").stdout == "my run:data my run\n"
    answer = call(folder, "configs.cluster.step", "plan.json", "my run:none")
    assert answer.returncode == 1 and answer.stderr == "error: plan.json has no step my run:none\n"


@pytest.mark.parametrize("content", ["[1]", '{"steps": 5}', '{"steps": [5]}', '{"steps": [{"name": "a"}]}'])
def test_what_is_no_plan_is_named(folder, content):
    (folder / "plan.json").write_text(content)
    answer = call(folder, "configs.cluster.slurm", "plan.json")
    assert answer.returncode == 1 and answer.stderr.startswith("error: plan.json is no plan")

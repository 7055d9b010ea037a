"""The steps of a run as data, for workflow engines and job schedulers: make plan GOAL=evidence > plan.json

    {"run": "mine", "goal": "evidence", "steps": [
        {"name": "mine:stage1.1", "inputs": [], "after": ["checkpoints/mine/data.checked"],
         "output": "checkpoints/mine/stage1.1/generator.h5",
         "command": ["/project/.venv/bin/python", "-m", "configs.steps", "stage1.1"],
         "environment": {"CONFIG": "evidence", "RUN": "mine", ...}}, ...]}

A step comes after those that make its `inputs` and the files that it only comes `after`. A training that was ended goes
on when its step is run again. Commands are run in the project's folder. configs/cluster/ has what reads this. GOAL is
eval, evidence, curve, synthetic (COUNT pairs in SHARDS shares) or sweep (the runs of SWEEP, which are ranked last).
"""
from __future__ import annotations

import json
import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from configs.flags import locate
from configs.plan import check_cold, check_measured, check_trained, evidence_nets
from configs.records import Records
from configs.settings import CHECKED, Settings
from configs.steps import REPORTED, files, needs, shard_done
from configs.sweep import Sweep
from data.errors import UserError
from data.files import OutputFolder, read_json, write_error
from unet_eval.arms import net_name

PLAIN = ["unet-real", "unet-synthetic"]  # the U-Nets of `make eval`
GOALS = ("eval", "evidence", "curve", "synthetic", "sweep")


def chain(goal: str, run: Settings, count: str = "", shards: str = "", sweep: str = "") -> list[dict]:
    """The steps of a goal, each after those that it needs. UserError where the goal or a setting makes no sense."""
    if run.dry_run:
        raise UserError("--dry_run tries trainings and writes nothing, so a plan's steps would wait for what others "
                        "make: leave it out")
    check_cold([goal], run)
    if goal == "sweep":
        return _sweep(Sweep.read(locate(sweep)), sweep, run)
    run.check()
    if goal == "synthetic":
        return _shares(_number("COUNT", count), _number("SHARDS", shards or "1"), run)
    if goal == "evidence":
        return _evidence(run)
    if goal not in GOALS:
        raise UserError(f"GOAL={goal} is none of {', '.join(GOALS)}")
    nets = [*PLAIN, *(map(net_name, run.curve()) if goal == "curve" else ())]
    check_measured(nets, run)
    step, done = ("curve", "curve.done") if goal == "curve" else ("evaluate", REPORTED)
    again = _measured_again(run)  # before _made removes CHECKED, which says it
    return [*_made(nets, run), _measuring(step, _targets(nets, run), done, run, again)]


def _evidence(run: Settings) -> list[dict]:
    run.preset_flags("single")  # raises where there are none, as configs/plan.py does for make evidence
    nets, again = evidence_nets(run), _measured_again(run)  # before _made removes CHECKED, which says it
    check_trained(nets, run)
    single = [_step("single", [], f"{run.folder}/single/generator.h5", run),
              _step("single_photographs", [f"{run.folder}/single/generator.h5"], f"{run.folder}/single.h5", run)]
    cells = replace(run, run=f"{run.run}-cells", config="cells", pairs=run.cells, photos="", flags=())
    second = [] if run.shows_cells else _made(["synthetic"], cells)
    ends = [*_targets(nets, run), single[-1]["output"], *(step["output"] for step in second[-1:])]
    last = _measuring("evidence", ends, "evidence.done", run, again)
    last["after"] += _targets(["synthetic"], run)  # the report shows them, whatever the arms are
    return [*_made([*nets, "synthetic"], run), *single, *second, last]


def _measured_again(run: Settings) -> bool:
    """Whether the run has to be measured again, as make finds it."""
    records = Records(run)
    return records.to_check or records.to_measure


def _measuring(name: str, inputs: list[str], done: str, run: Settings, again: bool) -> dict:
    """The step that measures; with `again`, who runs the plan does not take it for done."""
    if again:
        _remove(run.folder / done)
    return _step(name, inputs, f"{run.folder}/{done}", run)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def _shares(count: int, shards: int, run: Settings) -> list[dict]:
    """Both stages, the shares of more pairs, and the step that joins them."""
    networks = _targets(["stage1", "stage2"], run)
    shares = [_step(f"synthetic-{count}-of-{shards}.{shard}", networks,
                    f"{run.folder}/{shard_done(count, shards, shard)}", run) for shard in range(1, shards + 1)]
    whole = _step(f"synthetic-{count}", [step["output"] for step in shares], f"{run.folder}/synthetic-{count}.h5", run)
    return [*_made(["stage1", "stage2"], run), *shares, whole]


def _number(name: str, value: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,8}", value, re.ASCII):
        raise UserError(f"{name}={value} is no number: take 1 or more")
    return int(value)


def _sweep(sweep: Sweep, name: str, run: Settings) -> list[dict]:
    """A run for each combination, and the ranking, for which `make sweep` finds them all made."""
    runs = sweep.runs(run)
    for each in runs:
        each.check()
    targets = [_targets([sweep.target], each)[0] for each in runs]
    report = OutputFolder(Path("reports") / f"sweep-{sweep.name}", "SWEEP")
    ranked = report.path / "results.json"
    if not (all(Path(target).exists() for target in targets) and _ranks(ranked, runs)):
        report.check([ranked.name])
        _remove(ranked)
    step = _step("sweep", targets, str(ranked), run)
    # make expands its variables, those from the environment, too.
    variables = {variable: value.replace("$", "$$") for variable, value in step["environment"].items()}
    ranking = ["make", "sweep", *(word.replace("$", "$$") for word in (f"SWEEP={name}", f"PYTHON={sys.executable}"))]
    last = {**step, "after": [], "command": ranking, "environment": variables}
    return [*(step for each in runs for step in _made([sweep.target], each)), last]


def _ranks(ranked: Path, runs: list[Settings]) -> bool:
    """Whether a file ranks these runs, none of which failed."""
    try:
        found = read_json(ranked, "")["runs"]
        return [each["run"] for each in found if "failed" not in each] == [each.run for each in runs]
    except (UserError, KeyError, TypeError):
        return False


def _made(names: list[str], run: Settings) -> list[dict]:
    """The check of the data, then the steps of these names and all that they need."""
    found: dict[str, dict] = {}
    if Records(run).to_check:  # or who runs the plan would take the check for done
        _remove(run.folder / CHECKED)

    def add(name):
        if name not in found:
            for earlier in needs(name, run):
                add(earlier)
            target, sources = files(name, run)
            found[name] = _step(name, [f"{run.folder}/{source}" for source in sources], f"{run.folder}/{target}", run)

    for name in names:
        add(name)
    return [_step("data", [], f"{run.folder}/{CHECKED}", run), *found.values()]


def _targets(names: list[str], run: Settings) -> list[str]:
    return [f"{run.folder}/{files(name, run)[0]}" for name in names]


def _step(name: str, inputs: list[str], output: str, run: Settings) -> dict:
    checked = f"{run.folder}/{CHECKED}"
    return {"name": f"{run.run}:{name}", "inputs": inputs, "after": [] if output == checked else [checked],
            "output": output, "command": [sys.executable, "-m", "configs.steps", name],
            "environment": {"CONFIG": run.config, "RUN": run.run, "PAIRS": run.pairs, "PHOTOS": run.photos,
                            "CELLS": run.cells, "FLAGS": shlex.join(run.flags)}}


def main() -> None:
    try:
        run = Settings.from_variables(os.environ)
        goal = os.environ.get("GOAL", "eval")
        steps = chain(goal, run, *(os.environ.get(name, "") for name in ("COUNT", "SHARDS", "SWEEP")))
        print(json.dumps({"run": run.run, "goal": goal, "steps": steps}, indent=1))
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

"""What make has to know of a run before it can start: python -m configs.plan "stage1 eval" CONFIG=quick RUN=mine

Prints lines for the Makefile to evaluate: variables, which file of pairs each U-Net waits for and how that is made, and
in `wrong` what is wrong with what was asked for. It imports the standard library only and runs before the environment
is there. $(R) stands for the run's folder. $(shell) in make joins lines by spaces, so SEPARATOR stands for the end of
one.
"""
from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from configs.auditing import refuse_few
from configs.flags import SCRIPTS, expand, last_value, locate, make_options
from configs.records import Records
from configs.settings import STAGES, Settings
from configs.steps import SEEDED, files
from data.errors import UserError, listed
from data.few import parse_few
from data.folds import parse_fold
from data.layouts import samples
from data.shards import shard_rows
from data.synthmed.terms import Terms
from unet_eval.arms import net_name, of_seed, parse_arm, parse_net_name, parse_seed

SEPARATOR = ";newline;"
SWEEPS = Path("configs/sweeps")
DRY = ("data", "stage1", "stage2", "eval", "few", "folds", "sweep", "preflight")  # goals that have a dry run
COMPARISONS = ("evidence", "few", "folds", "curve", "sweep")  # goals


def plan(goals: list[str], variables: dict[str, str]) -> list[str]:
    """Lines of a makefile. Raises UserError where a variable or a goal makes no sense."""
    if variables.get("ARCHIVE") and set(goals) != {"data"}:
        raise UserError("ARCHIVE is for `make data` alone: call that first, and the others without ARCHIVE")
    settings = Settings.from_variables(variables)
    lines = [f"name := {_name(settings.run)}", *(f"{name} := {_value(value)}" for name, value in [
        ("CONFIG", settings.config), ("RUN", settings.run), ("PAIRS", settings.pairs), ("PHOTOS", settings.photos),
        ("CELLS", settings.cells), ("FLAGS", variables.get("FLAGS", ""))])]
    for script in SCRIPTS:
        settings.flags_for(script)
    if set(goals) == {"clean"}:
        return lines
    with_generators = make_options(expand(settings.flags)).with_generators
    _check_giving(goals, variables)
    if with_generators or "pretrained" in goals:
        _check_asked("--with_generators" if with_generators else "make pretrained", settings)
    if variables.get("SHARD"):
        lines.append("shard := -of-{1}.{0}".format(*variables["SHARD"].split("/")))
    settings.preset  # noqa: B018  (raises where there is none)
    check_cold(goals, settings)
    if "evidence" in goals:
        settings.preset_flags("single")  # raises where there are none; the single GAN is trained after all else
        cells = replace(settings, pairs=settings.cells, photos="")
        if not settings.shows_cells and not cells.uses_phantoms:
            samples(cells.pairs, "train")  # raises where the second data set, which is used later, is not there
    if "sweep" in goals:
        _check_sweep(variables.get("SWEEP", ""))
    if set(goals) == {"sweep"}:  # a sweep has runs of its own
        return lines
    wet = sorted(goal for goal in goals if settings.dry_run and goal not in DRY)
    if wet:
        raise UserError(f"--dry_run tries the trainings of {', '.join(DRY)}, and not {', '.join(wet)}: leave it out")
    if set(goals) == {"plan"}:  # configs/chain.py checks the runs of GOAL, and those of a sweep are others
        return lines
    audited = {"audit", "synthmed", "pretrained"} & {*goals}
    if audited and parse_few(settings.pairs)[0]:
        raise UserError(f"make {min(audited)}: PAIRS={settings.pairs} are a few of a data set, as `make few` takes "
                        "them; an audit needs all of it")
    if audited:
        refuse_few(min(audited), settings)
    settings.check()
    if with_generators:
        lines.append("graphs := $(R)/generators/README.md")
    if settings.dry_run:
        lines.append("dry_run := yes")
    records = Records(settings)
    if records.to_check:
        lines.append(".PHONY: $(R)/data.checked")
    if records.to_measure:
        lines.append(".PHONY: reports/$(name)/report.html $(R)/evidence.done $(R)/curve.done")
    if records.checked:  # what other test images make old
        lines.append("reports/$(name)/report.html $(R)/evidence.done $(R)/curve.done: $(R)/data.checked")
        lines.append("$(R)/audit/stage1.json $(R)/audit/stage2.json $(R)/audit/unet-synthetic.json: $(R)/data.checked")

    nets = ["unet-real", "unet-synthetic", *re.findall(r"(?:^|[ /])(unet-[^ /]+)(?=/weights.h5|$| )", " ".join(goals))]
    measured = dict.fromkeys([*nets, *_trained(settings)])
    lines.append(f"reports/$(name)/report.html: {' '.join(f'$(R)/{net}/weights.h5' for net in measured)}")
    if any("evidence" in goal for goal in goals):
        evidence = evidence_nets(settings)
        second = "" if settings.shows_cells else "$(R)-cells/synthetic.h5"
        lines += [f"nets := {' '.join(_file(files(net, settings)[0]) for net in evidence)}", f"second := {second}"]
        lines += _waiting(evidence, second, settings)
        nets += evidence
    if any("curve" in goal for goal in goals):
        curve = ["unet-real", "unet-synthetic", *map(net_name, settings.curve())]
        lines.append(f"curve := {' '.join(_file(files(net, settings)[0]) for net in curve)}")
        nets += curve
    if "folds" in goals:
        lines += _folds(settings, variables.get("FOLDS", "3"))
    nets = list(dict.fromkeys(nets))
    if {"eval", "curve"} & {*goals} and not settings.dry_run:
        check_measured(nets, settings)
    if "eval" in goals and nets == ["unet-real", "unet-synthetic"]:
        lines.append("last := unet-synthetic")
        # Where Stage-II needs no real U-Net, that one can wait: with -j2 make would begin it once Stage-I is trained,
        # and draw the masks only after it, when Stage-II is trained, too, and its renderings wait for them.
        if not settings.stage2_photos:
            lines.append("$(R)/unet-real/weights.h5: | $(R)/masks.h5")
    check_trained(nets, settings)
    for repeat in dict.fromkeys(parse_seed(net)[1] for net in nets):
        for step in SEEDED:
            name = of_seed(step, repeat)
            lines.append(f"{_rule(name, settings)} | $(ready) ; @$(step) {name}")
    return lines + [_rule(net, settings) for net in nets]  # how they are made, the Makefile says


def evidence_nets(settings: Settings) -> list[str]:
    """The U-Nets of `make evidence`, seed after seed, without the arms of the preset that the run has no photographs
    for."""
    arms, seeds = settings.evidence()
    asked_for = last_value(expand(settings.flags), "arms")
    return [net_name(arm, repeat) for repeat in range(seeds) for arm in arms if asked_for or settings.can_make(arm)]


def _trained(settings: Settings) -> list[str]:
    """The U-Nets that the run has, which an evaluation measures, whatever else is made."""
    found = []
    for path in sorted(settings.folder.glob("unet-?*/weights.h5")):
        try:
            parse_arm(parse_net_name(path.parent.name)[0])
        except ValueError:  # of the user's
            continue
        found.append(path.parent.name)
    return found


def check_measured(nets: list[str], settings: Settings) -> None:
    """UserError where --arms names an arm that is neither trained nor one of `nets`, which will be."""
    asked_for = last_value(expand(settings.flags), "arms") or ""
    missing = [net for net in (net_name(arm.strip()) for arm in asked_for.split(",") if arm.strip())
               if net not in nets and not (settings.folder / net / "weights.h5").exists()]
    if missing:
        raise UserError(f"--arms={asked_for} measures {listed(missing)}, which this does not train: add it to the "
                        "targets, take make evidence (of make plan, GOAL=evidence), or leave the arm out")


def check_trained(nets: list[str], settings: Settings) -> None:
    """UserError where the run has no photographs for one of the `nets`, which are to be trained."""
    for net in nets:
        if not settings.can_make(parse_net_name(net)[0]):
            raise UserError(f"{net} is trained on photographs without masks: set PHOTOS=layout:path")


def _waiting(nets: list[str], second: str, settings: Settings) -> list[str]:
    """With -j, make starts whatever it can, in order: all that the GANs of a seed do not need waits for them, for they
    take longest."""
    lines = [f"$(R)/single/generator.h5 {second}: | $(R)/synthetic.h5"]
    for repeat in dict.fromkeys(parse_seed(net)[1] for net in nets):
        steps = [of_seed("phantom", repeat), *(net for net in nets if parse_seed(net)[1] == repeat)]
        waiting = [_file(files(step, settings)[0]) for step in steps if parse_seed(step)[0] != "unet-real"]
        lines.append(f"{' '.join(waiting)}: | $(R)/{of_seed('synthetic', repeat)}.h5")
    return lines


def _file(name: str) -> str:
    return f"$(R)/{name}"


def _rule(step: str, settings: Settings) -> str:
    """"TARGET: SOURCES" of a step."""
    target, sources = files(step, settings)
    return f"{_file(target)}: {' '.join(map(_file, sources))}".rstrip()


def _folds(settings: Settings, count: str) -> list[str]:
    """Targets, one after the other, and what is made of each: the arms of `make evidence` without a number, which are
    also those that are measured."""
    if not re.fullmatch(r"\d{1,3}", count, re.ASCII) or int(count) < 2:
        raise UserError(f"FOLDS={count} is no number of folds: take 2 or more")
    parse_fold(f"fold-1-of-{count}:{settings.pairs}")
    nets = [net for net in evidence_nets(settings) if not parse_arm(parse_net_name(net)[0]).numbered]
    folds = [f"fold-{number}" for number in range(1, int(count) + 1)]
    goals = ["stage1", "stage2", *([] if settings.dry_run else nets), "eval"]
    asked_for = (last_value(expand(settings.flags), "arms") or "").split(",")
    kept = [arm for arm in asked_for if not arm or not parse_arm(arm.strip()).numbered]
    flags = _value(shlex.join([*settings.flags, f"--arms={','.join(kept)}"])) if kept != asked_for else ""
    return [f"FOLDS := {count}", f"folds := {' '.join(folds)}", f"fold_goals := {' '.join(goals)}",
            f"fold_flags := {flags}",
            *(f"{later}: | {earlier}" for earlier, later in zip(folds, folds[1:]))]


def _check_giving(goals: list[str], variables: dict[str, str]) -> None:
    """What is wrong with a release is told before anything is trained for it."""
    count, shard = variables.get("COUNT", ""), variables.get("SHARD", "")
    if count and not re.fullmatch(r"[1-9]\d*", count, re.ASCII):
        raise UserError(f"COUNT={count} is no number of pairs: take 1 or more")
    if shard and (not count or set(goals) != {"synthetic"}):
        raise UserError(f"SHARD={shard} is a share of `make synthetic COUNT=...` alone")
    shard_rows(shard, 1)
    if {"synthmed", "pretrained"} & {*goals}:
        Terms(variables.get("NAME", ""), variables.get("LICENSE", ""), (variables.get("AUTHORS", ""),))


def _check_asked(giving: str, settings: Settings) -> None:
    """giving: what gives networks away."""
    if not settings.asks_stage2:
        raise UserError(f"{giving} gives networks away only where they do not tell which images they were trained on, "
                        f"and Stage-II cannot be asked, for of {settings.stage2_photos} no photographs are held out: "
                        "train it on PAIRS (PHOTOS=), or with FLAGS=--add_pairs")


def check_cold(goals: list[str], settings: Settings) -> None:
    """UserError where trainings that are compared with one another would not all begin anew."""
    compared = [goal for goal in COMPARISONS if goal in {Path(name).stem for name in goals}]
    for stage in STAGES if compared else ():
        warm = last_value([*settings.preset_flags(stage), *expand(settings.flags)], "warm_start")
        if warm:
            raise UserError(f"--warm_start={warm} is not for make {' '.join(compared)}, which compares trainings that "
                            "all begin anew: leave it out, or take make stage1 stage2 eval with a RUN of its own")


def _check_sweep(sweep: str) -> None:
    if not sweep or not locate(sweep).is_file():
        names = " ".join(sorted(f"{SWEEPS}/{path.name}" for path in locate(str(SWEEPS)).glob("*")))
        raise UserError(f"SWEEP='{sweep}' is no file; there are: {names}")


def _value(text: str) -> str:
    """As make reads it back in a variable; $(hash) stands for #, which begins a comment and is escaped by no rule that
    all versions of make share."""
    return text.replace("$", "$$").replace("#", "$(hash)")


def _name(text: str) -> str:
    """As make reads it back as part of a file's name."""
    return _value(text).replace(" ", r"\ ")


def main() -> None:
    goals, *variables = sys.argv[1:]
    try:
        lines = plan(goals.split(), dict(variable.split("=", 1) for variable in variables))
    except UserError as error:
        lines = [f"wrong := {_value(str(error))}"]
    sys.stdout.buffer.write(os.fsencode(f"{SEPARATOR.join(lines)}\n"))  # names of files need not be text


if __name__ == "__main__":
    main()

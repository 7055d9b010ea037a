"""What make has to know of a run before it can start: python -m configs.plan "stage1 eval" CONFIG=quick RUN=mine

Prints lines for the Makefile to evaluate: variables, which file of pairs each U-Net waits for and how that is made, and
in `wrong` what is wrong with what was asked for. It imports the standard library only and runs before the environment
is there. $(R) stands for the run's folder. $(shell) in make joins lines by spaces, so SEPARATOR stands for the end of
one.
"""
from __future__ import annotations

import re
import sys
from pathlib import Path

from configs.flags import SCRIPTS, locate
from configs.settings import PHANTOMS, Settings
from configs.steps import PAIRS_FOR_ARMS
from data.errors import UserError
from data.folds import parse_fold
from unet_eval.arms import net_name, parse_arm, parse_net_name

SEPARATOR = ";newline;"
SWEEPS = Path("configs/sweeps")


def plan(goals: list[str], variables: dict[str, str]) -> list[str]:
    """Lines of a makefile. Raises UserError where a variable or a goal makes no sense."""
    settings = Settings.from_variables(variables)
    lines = [f"name := {_name(settings.run)}", *(f"{name} := {_value(value)}" for name, value in [
        ("CONFIG", settings.config), ("RUN", settings.run), ("PAIRS", settings.pairs), ("PHOTOS", settings.photos),
        ("CELLS", settings.cells), ("FLAGS", variables.get("FLAGS", ""))])]
    if set(goals) == {"clean"}:
        return lines
    settings.preset  # noqa: B018  (raises where there is none)
    for script in SCRIPTS:
        settings.flags_for(script)
    if "sweep" in goals:
        _check_sweep(variables.get("SWEEP", ""))
    if set(goals) == {"sweep"}:  # a sweep has runs of its own
        return lines
    settings.check()
    if settings.dry_run:
        lines.append("dry_run := yes")
    if not settings.recorded or settings.uses_phantoms and not PHANTOMS.is_dir():
        lines.append(".PHONY: $(R)/data.checked")

    for store, source in PAIRS_FOR_ARMS.items():
        lines.append(f"$(R)/{store}.h5: {f'$(R)/{source}' if source else ''} | $(ready) ; @$(step) {store}")
    nets = ["unet-real", "unet-synthetic", *re.findall(r"(?:^|[ /])(unet-[^ /]+)(?=/weights.h5|$| )", " ".join(goals))]
    lines.append(f"reports/$(name)/report.html: {' '.join(f'$(R)/{net}/weights.h5' for net in nets)}")
    if any("evidence" in goal for goal in goals):
        arms, seeds = settings.evidence()
        evidence = [net_name(arm, repeat) for repeat in range(seeds) for arm in arms]
        second = "" if settings.shows_cells else "$(R)-cells/synthetic.h5"
        files = {net: f"$(R)/{net}/weights.h5" for net in evidence}
        lines += [f"nets := {' '.join(files.values())}", f"second := {second}"]
        # With -j, make starts whatever it can, in order: all that the GANs do not need waits for them, for they take
        # longest.
        waiting = [*(file for net, file in files.items() if net != "unet-real"), "$(R)/phantom.h5",
                   "$(R)/single/generator.h5", second]
        lines.append(f"{' '.join(waiting)}: | $(R)/synthetic.h5")
        nets += evidence
    if "folds" in goals:
        lines += _folds(settings, variables.get("FOLDS", "3"))
    for net in dict.fromkeys(nets):
        store = parse_arm(parse_net_name(net)[0]).kind.store
        if store:
            lines.append(f"$(R)/{net}/weights.h5: $(R)/{store}.h5")
    return lines


def _folds(settings: Settings, count: str) -> list[str]:
    """Targets, one after the other, and what is made of each: the arms of `make evidence` without a number."""
    if not re.fullmatch(r"\d{1,3}", count, re.ASCII) or int(count) < 2:
        raise UserError(f"FOLDS={count} is no number of folds: take 2 or more")
    parse_fold(f"fold-1-of-{count}:{settings.pairs}")
    arms, seeds = settings.evidence()
    nets = [net_name(arm, repeat) for repeat in range(seeds) for arm in arms if not parse_arm(arm).numbered]
    folds = [f"fold-{number}" for number in range(1, int(count) + 1)]
    goals = ["stage1", "stage2", *([] if settings.dry_run else nets), "eval"]
    return [f"FOLDS := {count}", f"folds := {' '.join(folds)}", f"fold_goals := {' '.join(goals)}",
            *(f"{later}: | {earlier}" for earlier, later in zip(folds, folds[1:]))]


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
    print(SEPARATOR.join(lines))


if __name__ == "__main__":
    main()

"""Trains a small grid of flags, one run a combination, and ranks them by validation F1.

    make sweep SWEEP=configs/sweeps/unet_loss

calls `make TARGET RUN=sweep-NAME-... FLAGS=...` for each combination, and make leaves alone what is done. What two
combinations make alike, such as a Stage-I that has none of the flags, is made once. A sweep file:

    # what it asks, and what it costs
    unet-real
    --loss bce bce_dice
    --cosine_decay true false

Where its second line is `one at a time`, a combination sets one flag, and the first one none: an ablation.
"""
from __future__ import annotations

import itertools
import math
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from configs.flags import SCRIPTS, expand, locate, select, split, whole_number
from configs.making import DRY_RUN, Make, MakingConfig
from configs.settings import Settings
from configs.sharing import share
from configs.steps import before
from data.errors import UserError
from data.files import OutputFolder, json_bytes, read_json
from training.cli import run
from training.config import fields, option
from unet_eval.arms import NAMES, Arm, parse_arm
from unet_eval.config import UnetConfig

LIMIT = 64  # combinations
ALONE = "one at a time"
PLAIN = re.compile(r"[\w.+-]+", re.ASCII)  # make, the shell and file systems read nothing into these
UNET, NOT_SWEPT = "unet_eval.train", ("unet_eval.evaluate", "configs.plan")


@dataclass(frozen=True)
class SweepConfig(MakingConfig):
    """Trains a grid of flags and ranks its combinations."""

    sweep: str = option("", "Sweep file.", required=True)


@dataclass(frozen=True)
class Sweep:
    """`target`, "unet-ARM", is made for every combination of the `grid` {flag: values}; where `alone`, without any of
    them, then for each value by itself."""

    name: str
    target: str
    grid: dict[str, list[str]]
    alone: bool = False

    @classmethod
    def read(cls, path: Path) -> Sweep:
        """UserError, with the line, on what is no sweep."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise UserError(f"SWEEP={path}: {why}; give a file like those in configs/sweeps") from None
        if not PLAIN.fullmatch(path.name):
            raise UserError(f"SWEEP={path}: its name becomes a folder's, take letters, digits and . _ + - only")
        lines = [(f"{path}:{number}", line.split()) for number, line in enumerate(text.splitlines(), 1)
                 if line.strip() and not line.lstrip().startswith("#")]
        if not lines:
            raise UserError(f"{path}: no line says what to make: begin with unet-real")
        (where, target), *rest = lines
        arm, grid = _arm(where, " ".join(target)), {}
        alone = bool(rest) and rest[0][1] == ALONE.split()
        gans = {"stage1", "stage2"} & before(f"unet-{arm.name}")
        scripts = [name for name in SCRIPTS if name not in NOT_SWEPT] if gans else [UNET]
        kinds = [{field.name: kind for field, kind in fields(SCRIPTS[name])} for name in scripts]
        for where, (word, *values) in rest[alone:]:
            _check(where, word, values, kinds, alone)
            if word[2:] in grid:
                raise UserError(f"{where}: {word} has a line already: put all its values on one")
            grid[word[2:]] = values
        numbers = [len(values) for values in grid.values()]
        count = 1 + sum(numbers) if alone else math.prod(numbers)
        if not grid or count > LIMIT:
            raise UserError(f"{path}: {count if grid else 'no'} combinations, and 1 to {LIMIT} are possible: change "
                            "its lines --flag value value")
        return cls(path.name, target[0], grid, alone)

    def combinations(self) -> list[dict[str, str]]:
        """{flag: value}, the last flag's values changing fastest."""
        if self.alone:
            return [{}, *({flag: value} for flag, values in self.grid.items() for value in values)]
        return [dict(zip(self.grid, values)) for values in itertools.product(*self.grid.values())]

    def runs(self, settings: Settings) -> list[Settings]:
        """The run of each combination, in which its flags come after those of `settings`."""
        return [replace(settings, run=self.run_name(each), flags=(*settings.flags, *split(self.flags(each))))
                for each in self.combinations()]

    # A combination keeps its folder, and its flags there, when the file gets more values or another order.
    def run_name(self, combination: dict[str, str]) -> str:
        return "-".join([f"sweep-{self.name}", *(f"{flag}_{value}" for flag, value in sorted(combination.items()))])

    def flags(self, combination: dict[str, str]) -> str:
        return " ".join(f"--{flag}={value}" for flag, value in sorted(combination.items()))


def _arm(where: str, target: str) -> Arm:
    before, _, name = target.partition("unet-")
    try:
        return parse_arm("" if before else name)
    except UserError:
        raise UserError(f"{where}: a sweep does not make '{target}': begin with unet-ARM; ARM is {NAMES}") from None


def _check(where: str, word: str, values: list[str], scripts: list[dict[str, type]], alone: bool) -> None:
    """UserError unless the line is a flag of the `scripts` that the sweep runs, {flag: type}, with values that it can
    have."""
    name = word[2:]
    if not word.startswith("--") or "=" in word or not values:
        raise UserError(f"{where}: write a flag and its values with spaces between: --batch_size 4 8")
    try:
        select(UNET, [f"{word}={values[0]}"])
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    if name == "warm_start":
        raise UserError(f"{where}: a sweep compares trainings that all begin anew: leave {word} out")
    kinds = [flags[name] for flags in scripts if name in flags]
    odd = [value for value in values if not PLAIN.fullmatch(value)]
    if not kinds:
        raise UserError(f"{where}: {word} changes nothing in what this sweep makes: leave it out, or make another arm")
    if bool in kinds and not {*values} <= {"true", "false"}:
        raise UserError(f"{where}: {word} is a boolean: write {word} true false")
    if odd:
        raise UserError(f"{where}: '{odd[0]}' becomes part of a folder's name, take letters, digits and . _ + - only")
    if len({*values}) < len(values):
        raise UserError(f"{where}: {word} has a value twice: leave one out")
    if name == "validation" and (alone or len(values) > 1):
        raise UserError(f"{where}: {word} chooses the images that rank the combinations: " +
                        ("set it in FLAGS" if alone else "give it one value"))


def outcome(folder: Path, target: str) -> dict:
    """{"f1_vessel", "epoch", "seconds"}: the validation F1 after that epoch; what all trainings of the run took."""
    remedy = f"it ranks the runs; set --validation=1 or more in FLAGS, remove {folder} and call again"
    validation = read_json(folder / target / "validation.json", remedy)
    if not isinstance(validation.get("f1_vessel"), (int, float)):
        raise UserError(f"{folder / target}/validation.json has no f1_vessel: {remedy}")
    seconds = sum(read_json(path, "remove it").get("seconds", 0) for path in folder.glob("**/seconds.json"))
    return {"f1_vessel": validation["f1_vessel"], "epoch": validation.get("epoch"), "seconds": round(seconds, 1)}


def table(sweep: Sweep, results: list[dict]) -> str:
    """Markdown, best first, what failed last; its columns are the flags that vary, or the one that is set, F1, seconds
    and run."""
    varied = [name for name, values in sweep.grid.items() if len(values) > 1]
    columns = ["set"] if sweep.alone else varied
    rows = [[*columns, "validation F1", "seconds", "run"], ["---"] * (len(columns) + 3)]
    for result in sorted(results, key=lambda result: result.get("f1_vessel", -1), reverse=True):
        measured = ["failed: " + result["failed"].replace("|", "\\|"), ""] if "failed" in result else [
            f"{result['f1_vessel']:.4f}", f"{result['seconds']:.0f}"]
        flags = [sweep.flags(result["flags"]) or "-"] if sweep.alone else [result["flags"][name] for name in varied]
        rows.append([*flags, *measured, result["run"]])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows)


def make_all(sweep: Sweep, runs: list[Settings], make: Make) -> list[dict]:
    """Makes each run; {"run", "flags"} of each, with `outcome` or, where it failed, {"failed": why}."""
    results = []
    for number, (combination, each) in enumerate(zip(sweep.combinations(), runs), 1):
        flags = sweep.flags(combination) or "nothing set"
        print(f"sweep: {number} of {len(runs)}, {flags} -> {each.folder}", flush=True)
        shared = share(sweep.target, each, runs)
        if shared:
            print(f"sweep: {', '.join(shared)}: as in another of its runs, copied", flush=True)
        failed = make(*(DRY_RUN if each.dry_run else [sweep.target]), RUN=each.run, CONFIG=each.config,
                      PAIRS=each.pairs, PHOTOS=each.photos, FLAGS=shlex.join(each.flags))
        try:
            result = {"failed": failed} if failed else {} if each.dry_run else outcome(each.folder, sweep.target)
        except UserError as error:  # told at the end, after the others were made
            result = {"failed": str(error)}
        results.append({"run": each.run, "flags": combination, **result})
    return results


def train_all(config: SweepConfig) -> None:
    """Makes every combination of the sweep file and writes reports/sweep-NAME/results.{json,md}; a dry run
    writes no results.

    Raises UserError where the file is no sweep and, after all others were made, where one failed."""
    sweep, make = Sweep.read(locate(config.sweep)), Make(config.make, "the sweep")
    settings = {"config": config.config, "pairs": config.pairs, "photos": config.photos, "flags": config.flags}
    runs = sweep.runs(Settings.from_variables({name.upper(): value for name, value in settings.items()}))
    if not whole_number([*runs[0].preset_flags("unet"), *expand(runs[0].flags)], "validation", UnetConfig.validation):
        raise UserError("--validation=0 leaves no images to rank the runs by: set --validation=1 or more in FLAGS")
    report = OutputFolder(Path("reports") / f"sweep-{sweep.name}", "SWEEP")
    report.check(("results.json", "results.md"))

    results = make_all(sweep, runs, make)
    failures = [result["failed"] for result in results if "failed" in result]
    if not runs[0].dry_run:
        ranked = table(sweep, results)
        report.write("results.json", json_bytes({"sweep": sweep.name, "target": sweep.target, **settings,
                                                 "runs": results}))
        report.write("results.md", (
            f"`make sweep SWEEP={config.sweep}`: {sweep.target}, "
            f"{', '.join(f'{name.upper()}={value}' for name, value in settings.items())}\n\n"
            "Vessel F1 of held-out training images after the last epoch; no test image was seen.\n\n"
            f"{ranked}\n").encode())
        print(f"\n{ranked}\n\nsweep: the table is {report.path}/results.md; make tensorboard shows it under HPARAMS")
    if failures:
        raise UserError(f"{len(failures)} of {len(results)} runs failed ({failures[0]}); the same command tries them "
                        "again")


if __name__ == "__main__":
    run(train_all, SweepConfig)

"""Flags, as make's variable FLAGS and the files of a preset give them, and which of them each script takes.

`make FLAGS="..."` gives the same flags to scripts that have different ones, and to absl an unknown flag is an error.
"""
from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage2_pix2pix.config import PairsConfig, Stage2Config
from training.config import Config, fields, option
from unet_eval.config import AuditConfig, EvaluateConfig, RelabelConfig, SegmentConfig, UnetConfig


@dataclass(frozen=True)
class PlanConfig(Config):
    """Which runs and U-Nets make makes. No script has these flags."""

    curve: tuple[str, ...] = option(("1", "2", "5", "10", "25", "100", "200", "400"), "Numbers of synthetic pairs that "
                                    "`make curve` trains U-Nets on, up to the number of masks that the run draws.")
    with_generators: bool = option(False, "Release the generators too, with `make synthmed`, where the audit's attacks "
                                   "on them passed.")
    few_draws: int = option(1, "Draws of annotated images that `make few` makes runs of.", low=1)

    def check(self):
        if not all(re.fullmatch(r"[1-9]\d*", number, re.ASCII) for number in self.curve):
            raise UserError(f"--curve={','.join(self.curve)}: write numbers of pairs with commas between")


SCRIPTS: dict[str, type[Config]] = {
    "stage1_dcgan.train": Stage1Config, "stage1_dcgan.generate": MasksConfig,
    "stage2_pix2pix.train": Stage2Config, "stage2_pix2pix.generate": PairsConfig,
    "unet_eval.train": UnetConfig, "unet_eval.segment": SegmentConfig, "unet_eval.relabel": RelabelConfig,
    "unet_eval.evaluate": EvaluateConfig, "unet_eval.audit": AuditConfig, "configs.plan": PlanConfig}
TRUE, FALSE = ("true", "t", "1"), ("false", "f", "0")  # as absl reads booleans
ABSL = ("undefok", "v", "verbosity")  # absl gives them to every script, and flagfile, which `expand` replaces
PACKAGE = Path(__file__).parent


def names(config: type[Config], by_make: bool) -> set[str]:
    """The options of a script that the Makefile sets, or those that it does not."""
    return {field.name for field, _ in fields(config) if field.metadata["set_by_make"] == by_make}


# Flags that choose what is measured or made: with others, nothing is trained again.
CHOOSING = (EvaluateConfig, AuditConfig, PlanConfig)
MEASURING = set().union(*(names(config, by_make=False) for config in CHOOSING)).difference(
    *(names(config, by_make=False) for config in SCRIPTS.values() if config not in CHOOSING))
# Flags that say how a training runs, and not what comes of it: those that may change for one, but for its length.
RUNNING = {field.name for config in SCRIPTS.values() for field, _ in fields(config)
           if field.metadata["may_change"] and not field.metadata["set_by_make"]} - {"epochs"}


def split(text: str) -> tuple[str, ...]:
    """The flags in a string, separated by spaces, with quotes around values that have spaces."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UserError(f"FLAGS={text}: {error}") from None


def locate(name: str) -> Path:
    """The file `name`, or the file of this name that came with the package, such as configs/cpu/unet.flags."""
    path = Path(os.path.expanduser(name))
    return path if os.path.exists(path) or path.is_absolute() else PACKAGE.parent / path


def expand(arguments: list[str] | tuple[str, ...], parents: tuple[Path, ...] = ()) -> list[str]:
    """The flags with the content of the file in place of each --flagfile=FILE, in files as well.

    A file has a flag a line; lines that begin with # or // are comments. `parents` are the files around. Raises
    UserError where a file cannot be read or contains itself.
    """
    flags = []
    for argument in arguments:
        name, equals, value = argument.lstrip("-").partition("=")
        if name == "flagfile" and equals and argument.startswith("-"):
            flags += _read(value.strip(), parents)
        else:
            flags.append(argument)
    return flags


def _read(name: str, parents: tuple[Path, ...]) -> list[str]:
    path = locate(name)
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:  # ValueError: it is no UTF-8, or its name has a zero byte
        why = getattr(error, "strerror", None) or "it is not text"
        raise UserError(f"--flagfile={name}: {why}; correct the path" +
                        (f" in {parents[-1]}" if parents else "")) from None
    if path.resolve() in parents:
        raise UserError(f"--flagfile={name}: {parents[-1]} contains itself; remove this line")
    return expand([line for line in lines if line and not line.startswith(("#", "//"))], (*parents, path.resolve()))


def last_value(flags: list[str] | tuple[str, ...], name: str) -> str | None:
    """What the last --name=value gives; --name gives "true", --noname "false". None where there is no such flag."""
    last = None
    for flag in flags:
        word, equals, value = flag.lstrip("-").partition("=")
        if word == name:
            last = value if equals else "true"
        elif word == f"no{name}" and not equals:
            last = "false"
    return last


def is_on(flags: list[str] | tuple[str, ...], name: str) -> bool:
    """Whether the last --name, --noname or --name=value switches a flag on that is off by itself."""
    return (last_value(flags, name) or "false").lower() in TRUE


def whole_number(flags: list[str] | tuple[str, ...], name: str, default: int) -> int:
    """The last --name=N. UserError where N is no whole number."""
    value = last_value(flags, name)
    try:
        return default if value is None else int(value)
    except ValueError:
        raise UserError(f"FLAGS: --{name}={value} is no whole number") from None


def make_options(flags: list[str] | tuple[str, ...]) -> PlanConfig:
    """What `flags` say to make itself, which no script would check. UserError where a value makes no sense."""
    given = {name: last_value(flags, name) for name in ("curve", "with_generators")}
    if (given["with_generators"] or "false").lower() not in (*TRUE, *FALSE):
        raise UserError(f"FLAGS: --with_generators={given['with_generators']} is neither true nor false")
    return PlanConfig(curve=PlanConfig.curve if given["curve"] is None else tuple(given["curve"].split(",")),
                      with_generators=is_on(flags, "with_generators"),
                      few_draws=whole_number(flags, "few_draws", PlanConfig.few_draws))


def select(script: str, flags: list[str] | tuple[str, ...], scripts: Mapping[str, type[Config]] = SCRIPTS) -> list[str]:
    """Those of `flags` that `script` has. UserError on what no script understands, and on what the Makefile sets."""
    own = {field.name for field, _ in fields(scripts[script])}
    known = {**dict.fromkeys(ABSL, str), **{field.name: kind for config in scripts.values()
                                            for field, kind in fields(config)}}
    by_make = set().union(*(names(config, by_make=True) for config in scripts.values()))
    selected = []
    for flag in flags:
        name, equals, _ = flag.lstrip("-").partition("=")
        if not flag.startswith("-") or not name:
            raise UserError(f"'{flag}' is not a flag: write --name=value, with an equals sign")
        if not equals and name.startswith("no") and known.get(name[2:]) is bool:
            name = name[2:]
        elif not equals and known.get(name, bool) is not bool:
            raise UserError(f"--{name} needs a value: write --{name}=value, with an equals sign")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"near: {', '.join('--' + other for other in near)}" if near else "a script's --help lists its own"
            raise UserError(f"--{name} is a flag of no script; {hint}")
        if name in by_make:
            raise UserError(f"--{name} is set by make itself, from PAIRS, PHOTOS and RUN: set those")
        if name in own or name in ABSL:
            selected.append(flag)
    return selected

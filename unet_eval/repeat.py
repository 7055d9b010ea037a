"""The command that makes a run and its report again."""
from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

from data.few import whole
from training.config import fields
from unet_eval.arms import net_name, parse_arm
from unet_eval.config import EvaluateConfig, UnetConfig
from unet_eval.run import Run


def commands(run: Run) -> list[str]:
    """The line that makes this run again; empty where make did not make it."""
    made = _settings(run.folder)
    if not made:
        return []
    arms = [parse_arm(name) for name in run.nets]
    curve = [arm for arm in arms if arm.numbered and arm.kind.name == "synthetic"]
    others = [arm for arm in arms if arm not in curve and arm.name not in ("real", "synthetic")]
    config = run.config
    if whole(config.pairs) != config.pairs and (curve or others):  # of make folds or make few
        goals = [*map(net_name, run.nets), "eval"]
        flags = measuring_flags(config)
    else:
        if others:  # with those of the curve in --arms, make evidence would train these with every seed
            config = replace(config, arms=tuple(name for name in config.arms if parse_arm(name) not in curve))
        goals = ["evidence"] * bool(others) + ["curve"] * bool(curve) or ["stage1", "stage2", "eval"]
        numbers = ",".join(map(str, sorted(arm.count for arm in curve)))
        flags = measuring_flags(config) + [f"--curve={numbers}"] * bool(curve)
    flags = [*shlex.split(made[4]), *flags]
    second = _settings(Path(config.second)) if config.second and "evidence" in goals else None
    variables = {"RUN": run.name, "CONFIG": made[1], "PAIRS": made[2], "PHOTOS": made[3],
                 **({"CELLS": second[2]} if second else {}), **({"FLAGS": shlex.join(flags)} if flags else {})}
    given = [f"{name}={shlex.quote(value) if value else ''}" for name, value in variables.items()]
    return [" ".join(["make", *goals, *given])]


def _settings(folder: Path) -> re.Match | None:
    """CONFIG, PAIRS, PHOTOS and FLAGS of the run in a folder; None where make did not make it."""
    record = folder / "settings"
    text = record.read_text(encoding="utf-8", errors="replace").strip() if record.exists() else ""
    return re.fullmatch("CONFIG=(.*) PAIRS=(.*) PHOTOS=(.*) FLAGS=(.*)", text)


def measuring_flags(config: EvaluateConfig) -> list[str]:
    """The flags that say what is measured, where they are not as by default: what make takes, and what the trainings do
    not, for those are in the record of the run."""
    recorded, flags = {field.name for field, _ in fields(UnetConfig)}, []
    for field, _ in fields(EvaluateConfig):
        value = getattr(config, field.name)
        if value != field.default and not field.metadata["set_by_make"] and field.name not in recorded:
            values = value if isinstance(value, tuple) else [value]
            values = values if field.metadata["repeatable"] else [",".join(map(str, values))]
            flags += [f"--{field.name}={each}" for each in values]
    return flags

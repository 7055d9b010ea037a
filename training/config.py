"""A script's options: one frozen dataclass, in which each option's type, default, limits and help stand once.

    @dataclass(frozen=True)
    class Stage1Config(TrainingConfig):
        size: int = option(512, "Pixels, square; a multiple of 16.", low=64, high=512)

`training.cli` makes the command-line flags of it, and a run's config.json is read back through it.
"""
from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

from data.errors import UserError
from data.layouts import MODALITIES

PRECISIONS = ("auto", "float32", "mixed_bfloat16")
STRATEGIES = ("auto", "one", "mirrored", "multi_worker")


def option(default: Any, help: str, *, low: float | None = None, high: float | None = None,
           choices: tuple[str, ...] | None = None, required: bool = False, repeatable: bool = False,
           may_change: bool = False, set_by_make: bool = False, **older) -> Any:
    """A field of a config.

    low, high: limits of a number, both allowed. choices: of a string. required: a value has to be given.
    repeatable: of a tuple, the flag may be given several times (else its values are separated by commas).
    may_change: another value on resuming a training is no other training. set_by_make: the Makefile sets it, so that
    FLAGS may not. before=VALUE: what a config.json from before this option stands for, where that is not the default.
    """
    return dataclasses.field(default=default, metadata={
        "help": help, "low": low, "high": high, "choices": choices, "required": required, "repeatable": repeatable,
        "may_change": may_change, "set_by_make": set_by_make, "before": older.get("before", default)})


@dataclass(frozen=True)
class Config:
    """Base of all configs. Making one raises UserError on a value that its option does not allow."""

    def __post_init__(self):
        for field, kind in fields(type(self)):
            object.__setattr__(self, field.name, _checked(field, kind, getattr(self, field.name)))
        self.check()

    def check(self) -> None:
        """Raises UserError where options do not fit each other."""

    def to_json(self) -> dict:
        """{option: value}, as config.json keeps it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, saved: dict, where: str) -> Config:
        """From what `to_json` gave, by this version or an earlier one; `where` it was read, for errors.

        An option that the earlier version did not have gets the value that stands for the old behaviour, as one that
        was not given, null in version 1.
        """
        values = {field.name: field.metadata["before"] for field, _ in fields(cls)}
        unknown = sorted(saved.keys() - values.keys())
        if unknown:
            raise UserError(f"{where} has the option '{unknown[0]}', which this version does not know: use the version "
                            "that made it")
        try:
            return cls(**{**values, **{name: value for name, value in saved.items() if value is not None}})
        except UserError as error:
            raise UserError(f"{where}: {error}") from None


def modality_option() -> Any:
    """The option --modality of every script that reads a data set."""
    return option("", "What a data set of the layout `folder` shows, where no fov/ tells; it is other where neither "
                  "does. A field of view is searched for in fundus photographs only.", choices=("", *MODALITIES))


@dataclass(frozen=True)
class TrainingConfig(Config):
    """What all three trainings have."""

    pairs: str = option("", "Annotated data set, layout:path.", required=True, set_by_make=True)
    out: str = option("", "Run folder of this training.", required=True, may_change=True, set_by_make=True)
    modality: str = modality_option()
    validation: int = option(0, "Training images held out, the last ones by name; the U-Net validates on them.", low=0)
    epochs: int = option(100, "Epochs.", low=1, may_change=True)
    steps_per_epoch: int = option(0, "Steps an epoch; 0 is one pass over the training set.", low=0)
    batch_size: int = option(1, "Examples a step, over all devices.", low=1)
    learning_rate: float = option(1e-3, "Learning rate.", low=1e-8, high=1.0)
    seed: int = option(0, "Seed of everything random.", low=0, high=2 ** 31 - 1)
    precision: str = option("auto", "Number format of the layers.", choices=PRECISIONS)
    strategy: str = option("auto", "How tf.distribute spreads the batch.", choices=STRATEGIES, may_change=True)
    dry_run: bool = option(False, "Check data and build the networks, then stop.", may_change=True)


def fields(config: type[Config]) -> Iterator[tuple[dataclasses.Field, type]]:
    """The options of a config class with their types; a tuple of strings has the type `tuple`."""
    kinds = get_type_hints(config)
    for field in dataclasses.fields(config):
        kind = kinds[field.name]
        yield field, getattr(kind, "__origin__", kind)


def _checked(field: dataclasses.Field, kind: type, value: Any) -> Any:
    """The value with its option's type; UserError where the option does not allow it."""
    limits, flag = field.metadata, f"--{field.name}"
    if kind is float and type(value) is int:
        value = float(value)
    if kind is tuple and isinstance(value, list):
        value = tuple(value)
    if type(value) is not kind:
        raise UserError(f"{flag}={value!r} is no {kind.__name__}")
    if limits["required"] and not value:
        raise UserError(f"{flag} has to be given: {limits['help']}")
    if limits["choices"] and value not in limits["choices"]:
        raise UserError(f"{flag}={value} is none of {', '.join(filter(None, limits['choices']))}")
    low, high = limits["low"], limits["high"]
    if low is not None and not value >= low or high is not None and not value <= high:
        raise UserError(f"{flag}={value} is out of its range, {limits_text(field)}")
    if kind is float and not math.isfinite(value):
        raise UserError(f"{flag}={value} is no finite number")
    return value


def limits_text(field: dataclasses.Field) -> str:
    """"64 to 512", "at least 1", or "" where a number has no limits."""
    low, high = field.metadata["low"], field.metadata["high"]
    if high is not None:
        return f"{low:g} to {high:g}"
    return "" if low is None else f"at least {low:g}"

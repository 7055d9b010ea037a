"""Options. Those of one script are one frozen dataclass, with the type, default, limits and help of each option.

    @dataclass(frozen=True)
    class Stage1Config(TrainingConfig):
        size: int = option(512, "Pixels, square; a multiple of 16.", low=64, high=512)

`training.cli` makes the command-line flags from it. The config.json of a run is read back into it.
"""
from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

from data.errors import UserError
from data.layouts import MODALITIES

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
AS_DEFAULT = object()
MULTI_WORKER = "multi_worker"
STRATEGIES = ("auto", "one", "mirrored", MULTI_WORKER)


def option(default: Any, help: str, *, low: float | None = None, high: float | None = None,
           choices: tuple[str, ...] | None = None, required: bool = False, repeatable: bool = False,
           may_change: bool = False, set_by_make: bool = False, before: Any = AS_DEFAULT) -> Any:
    """A field of a config.

    Args:
      default: the value if none is given.
      help: one or two sentences for --help.
      low, high: limits of a number, inclusive.
      choices: the allowed values of a string.
      required: an empty value is an error.
      repeatable: for a tuple: the flag is given once for each value. Otherwise commas separate the values.
      may_change: a training may be resumed with another value.
      set_by_make: the Makefile sets it, so FLAGS may not.
      before: value for a config.json that was written before this option existed. It is given only where that differs
        from the default.
    """
    return dataclasses.field(default=default, metadata={
        "help": help, "low": low, "high": high, "choices": choices, "required": required, "repeatable": repeatable,
        "may_change": may_change, "set_by_make": set_by_make, "before": default if before is AS_DEFAULT else before})


@dataclass(frozen=True)
class Config:
    """Base class of all configs. Making one raises UserError if an option does not allow its value."""

    def __post_init__(self):
        for field, kind in fields(type(self)):
            object.__setattr__(self, field.name, _checked(field, kind, getattr(self, field.name)))
        self.check()

    def check(self) -> None:
        """Raises UserError if two options contradict each other. A subclass overrides it."""

    def to_json(self) -> dict:
        """{option: value}, for config.json."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, saved: dict, where: str) -> Config:
        """The inverse of `to_json`, also for what an earlier version wrote.

        An option that is missing, or null as in version 1, gets the value that keeps the behaviour of that version
        (see `option`, before). Raises UserError, which begins with `where`, on an unknown option or a value that is
        not allowed.
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
    return option("", "What the images of a `folder` or table show; by default fundus with fields of view, else other. "
                  "A field of view is searched for in fundus photographs only.", choices=("", *MODALITIES))


def foreground_option() -> Any:
    """The option --foreground of every script that reads drawn masks."""
    return option((), "Levels or colours that are the foreground in the masks of the pairs, such as 1,2 or ff0000; by "
                  "default the brighter of two levels.")


def shard_option() -> Any:
    """The option --shard of the scripts whose work several machines can share."""
    return option("", "Make the K-th of N shares only, K/N, for example 3/16. The same command without it joins them, "
                  "and makes what is missing.", set_by_make=True)


@dataclass(frozen=True)
class TrainingConfig(Config):
    """The options that all trainings have."""

    pairs: str = option("", "Annotated data set, layout:path.", required=True, set_by_make=True)
    out: str = option("", "Folder for this training.", required=True, may_change=True, set_by_make=True)
    modality: str = modality_option()
    foreground: tuple[str, ...] = foreground_option()
    validation: int = option(0, "Training images that no network is trained on, and the U-Net is validated on: so many "
                             "or more, of the last patients by name.", low=0)
    epochs: int = option(100, "Epochs.", low=1, may_change=True)
    steps_per_epoch: int = option(0, "Steps per epoch; 0 is one pass over the training set.", low=0)
    batch_size: int = option(1, "Examples per step, over all devices.", low=1)
    accumulate: int = option(1, "Parts of a batch whose gradients are computed one after the other, for batches that "
                             "do not fit into memory. Batch norm sees one part at a time.", low=1)
    learning_rate: float = option(1e-3, "Learning rate.", low=1e-8, high=1.0)
    seed: int = option(0, "Seed of everything random.", low=0, high=2 ** 31 - 1)
    warm_start: str = option("", "Folder of a run, from whose weights this training starts where names and shapes "
                             "agree. Refused if they have seen an image that is tested or validated on.")
    precision: str = option("auto", "Number format of the layers; auto is what is fast here.", choices=PRECISIONS)
    strategy: str = option("auto", "How a batch is split over devices.", choices=STRATEGIES, may_change=True)
    checkpoint_minutes: float = option(10.0, "Save not only after each epoch but also every so many minutes.",
                                       low=0.001, may_change=True)
    minutes: float = option(0.0, "Minutes that it takes on two processor cores without AVX-512, as a preset states: a "
                            "training that will take longer tells so after 20 steps. 0 states nothing.", low=0,
                            may_change=True)
    minutes_avx512: float = option(0.0, "The same with AVX-512.", low=0, may_change=True)
    dry_run: bool = option(False, "Check the data and build the networks, then stop.", may_change=True)

    @property
    def side(self) -> int:
        """Pixels, of a side of the pictures that the network is trained on."""
        raise NotImplementedError

    @property
    def other_batches(self) -> dict[str, int]:
        """{option: examples per step, over all devices} of what is trained in batches of its own."""
        return {}


def fields(config: type[Config]) -> Iterator[tuple[dataclasses.Field, type]]:
    """(field, type) of each option of a config class. The type of tuple[str, ...] is given as `tuple`."""
    kinds = get_type_hints(config)
    for field in dataclasses.fields(config):
        kind = kinds[field.name]
        yield field, getattr(kind, "__origin__", kind)


def _checked(field: dataclasses.Field, kind: type, value: Any) -> Any:
    """The value, converted to `kind` where nothing is lost. Raises UserError if the option does not allow it."""
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
    """For example "64 to 512" or "at least 1"; "" if there are no limits."""
    low, high = field.metadata["low"], field.metadata["high"]
    if high is not None:
        return f"{low:g} to {high:g}"
    return "" if low is None else f"at least {low:g}"

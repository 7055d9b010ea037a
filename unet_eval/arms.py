"""The arms of the comparison: what a U-Net may be trained on. This table is the only place that lists them."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError

PAPER_PAIRS = 50  # synthetic pairs, Section 3


@dataclass(frozen=True)
class Kind:
    """A line of the table.

    store: the file of made pairs that the arm is trained on is STORE.h5 in the run's folder, or None. real: it is
    trained on the annotated photographs, too (--real_share of its crops where it has a store). curve: NAME-N, the same
    with N made pairs, is an arm as well. sentence: what it is trained on, for the report.
    """

    name: str
    store: str | None
    real: bool
    curve: bool
    sentence: str


KINDS = (
    Kind("real", None, True, False, "annotated photographs"),
    Kind("real+synthetic", "synthetic", True, True, "annotated photographs and synthetic pairs"),
    Kind("real+photos-relabelled", "photos-relabelled", True, False,
         "a control: annotated photographs, and photographs without masks that the real arm’s U-Net labelled"),
    Kind("rendered", "rendered", False, False,
         "Stage-II’s photographs of the real training masks, so that only Stage-II is at fault"),
    Kind("synthetic", "synthetic", False, True, "synthetic pairs, 50 in the paper"),
    Kind("synthetic-relabelled", "synthetic-relabelled", False, False,
         "synthetic pairs whose labels are their masks, mixed with what the real arm’s U-Net finds in the pictures"),
    Kind("phantom", "phantom", False, False, "procedural pairs, without any GAN"),
    Kind("phantom-rendered", "phantom-rendered", False, False,
         "Stage-II’s photographs of procedural masks, so that no mask is Stage-I’s"),
    Kind("phantom-relabelled", "phantom-relabelled", False, False, "a control: procedural pairs, relabelled"),
    Kind("photos-relabelled", "photos-relabelled", False, False,
         "a control: photographs without masks, labelled by the real arm’s U-Net"),
    Kind("real-relabelled", "real-relabelled", False, False, "a control: annotated photographs, relabelled"),
)
STORES = tuple(dict.fromkeys(kind.store for kind in KINDS if kind.store))
NAMES = ", ".join(name for kind in KINDS for name in (kind.name, kind.name + "-N")[:1 + kind.curve])


@dataclass(frozen=True)
class Arm:
    """One arm: its kind, its name, the number of made pairs it takes at most, and whether its name says that number."""

    kind: Kind
    name: str
    count: int
    numbered: bool

    def rows(self, available: int) -> int:
        """Pairs it takes from a store of `available`; UserError where its name asks for more."""
        if self.numbered and self.count > available:
            raise UserError(f"the arm {self.name} needs {self.count} pairs and there are {available}: draw more masks, "
                            f"FLAGS=--count={self.count} with a new RUN, or leave this arm out of --arms")
        return min(self.count, available)


def parse_arm(name: str, count: int = PAPER_PAIRS) -> Arm:
    """From "real", "synthetic", "synthetic-100" ...; UserError on any other name.

    `count` is the number of made pairs where the name has none.
    """
    kinds = {kind.name: kind for kind in KINDS}
    if name in kinds:
        return Arm(kinds[name], name, count, numbered=False)
    base, _, number = name.rpartition("-")
    if base in kinds and kinds[base].curve and re.fullmatch(r"[1-9]\d*", number, re.ASCII):
        return Arm(kinds[base], name, int(number), numbered=True)
    raise UserError(f"'{name}' is no arm: take {NAMES}")


def ordered(names: Iterable[str]) -> list[str]:
    """Names of arms in the order of the table, those of one kind by their number of pairs, the unnumbered one first."""
    def place(name):
        arm = parse_arm(name)
        return KINDS.index(arm.kind), arm.numbered, arm.count

    return sorted(names, key=place)


def of_seed(name: str, repeat: int = 0) -> str:
    """How a run calls what its seed number `repeat` makes: NAME for the first, then NAME.1, NAME.2 ..."""
    return name + (f".{repeat}" if repeat else "")


def parse_seed(name: str) -> tuple[str, int]:
    """The inverse of `of_seed`: "NAME.K" -> (NAME, K)."""
    base, dot, number = name.rpartition(".")
    return (base, int(number)) if dot and re.fullmatch(r"[1-9]\d*", number, re.ASCII) else (name, 0)


def net_name(arm: str, repeat: int = 0) -> str:
    """Folder of an arm's U-Net within a run: unet-ARM, unet-ARM.1, unet-ARM.2 ..."""
    return of_seed(f"unet-{arm}", repeat)


def parse_net_name(folder: str) -> tuple[str, int]:
    """"unet-ARM.K" -> (ARM, K); ValueError where it is no folder of a U-Net."""
    name, repeat = parse_seed(folder)
    if not name.startswith("unet-") or name == "unet-":
        raise ValueError(f"'{folder}' is no folder of a U-Net")
    return name[len("unet-"):], repeat


def trained_nets(run: Path, arm: str) -> list[Path]:
    """Folders of an arm's finished trainings, first seed first."""
    folders = [path.parent for path in run.glob("unet-*/weights.h5") if parse_net_name(path.parent.name)[0] == arm]
    return sorted(folders, key=lambda folder: parse_net_name(folder.name)[1])

"""The arms of the comparison: what a U-Net may be trained on."""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from data.images import DataError

PAPER_PAIRS = 50  # synthetic pairs, Section 3
NAMES = "real, synthetic, synthetic-N, real+synthetic, rendered or phantom"


@dataclass(frozen=True)
class Arm:
    """real: it sees annotated photographs. made: the file of made pairs it sees, "synthetic", "rendered" (Stage-II on
    the real training masks) or "phantom" (procedural), or None. count: pairs of that file, from the first."""

    name: str
    real: bool
    made: str | None
    count: int

    @classmethod
    def of(cls, name: str, count: int = PAPER_PAIRS) -> Arm:
        """From "synthetic", "synthetic-100", "real+synthetic" ...; ValueError on any other name.

        `count` is the number of made pairs where the name has none.
        """
        found = re.fullmatch(r"(real\+)?(synthetic)(-[1-9]\d*)?|(rendered|phantom)|real", name)
        if not found:
            raise ValueError(f"'{name}' is no arm: take {NAMES}")
        mixed, synthetic, number, other = found.groups()
        return cls(name, name == "real" or bool(mixed), synthetic or other, int(number[1:]) if number else count)

    def rows(self, available: int) -> int:
        """Pairs it takes from a file of `available`; DataError where its name asks for more."""
        if self.name.endswith(f"-{self.count}") and self.count > available:
            raise DataError(f"the arm {self.name} needs {self.count} pairs and there are {available}: draw more masks, "
                            f"FLAGS=--count={self.count} with a new RUN, or leave this arm out of --arms")
        return min(self.count, available)


def folders(run: Path, arm: str) -> list[Path]:
    """Where the U-Nets of an arm are that are trained, first seed first: unet-ARM, unet-ARM.1, unet-ARM.2 ..."""
    others = sorted(run.glob(f"unet-{arm}.[0-9]*"), key=lambda path: int(path.suffix[1:]))
    return [path for path in (run / f"unet-{arm}", *others) if (path / "weights.h5").exists()]

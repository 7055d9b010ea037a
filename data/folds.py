"""A fold of a data set as a data set of its own, fold-K-of-N:layout:path: every N-th patient tests, the others train.

The N folds test each patient once. This module imports the standard library only.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from data.errors import UserError
from data.finding import Sample

PREFIX = re.compile(r"fold-(\d+)-of-(\d+):", re.ASCII)
FORM = "fold-K-of-N:layout:path"


@dataclass(frozen=True)
class Fold:
    """Number `number` of `count` folds, both from 1."""

    number: int
    count: int

    @property
    def name(self) -> str:
        """What stands before the layout, without the colon."""
        return f"fold-{self.number}-of-{self.count}"

    def of(self, samples: list[Sample], split: str) -> list[Sample]:
        """Those of all `samples` of a data set that are in the split "train", "test" or "all" of this fold.

        Patients are dealt to the folds in turn, in the order of their names, but those whose names differ in digits
        only one after the other: HRF's 01_dr, 02_dr ... 01_g ..., or one of three folds would have every "dr". Raises
        UserError where a fold would get nobody.
        """
        patients = sorted({sample.patient for sample in samples}, key=lambda name: (re.sub("[0-9]", "", name), name))
        if len(patients) < self.count:
            raise UserError(f"{self.name}: {len(patients)} patients are too few for {self.count} folds: take fewer")
        tested = {*patients[self.number - 1::self.count]}
        return [sample for sample in samples if split == "all" or (sample.patient in tested) == (split == "test")]


def parse_fold(spec: str) -> tuple[Fold | None, str]:
    """"fold-K-of-N:SPEC" -> (Fold, SPEC), any other spec -> (None, spec). UserError where K, N or SPEC cannot be."""
    match = PREFIX.match(spec)
    if not match:
        return None, spec
    fold, inner = Fold(int(match[1]), int(match[2])), spec[match.end():]
    if fold.count < 2 or not 1 <= fold.number <= fold.count:
        raise UserError(f"'{spec}': there is no fold {fold.number} of {fold.count}; write {FORM}, N from 2, K from 1 "
                        "to N")
    if PREFIX.match(inner):
        raise UserError(f"'{spec}': a fold has no folds; write {FORM}")
    return fold, inner

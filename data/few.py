"""A few training images of a data set as a data set of its own, few-N-of-draw-D:SPEC. It tests on the images of SPEC.

This module imports the standard library only, so what is drawn comes from a checksum and not from data/randomness.py.
"""
from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass

from data.errors import UserError
from data.finding import Sample
from data.folds import parse_fold
from data.released import parse_release

PREFIX = re.compile(r"few-([1-9]\d*|all)-of-draw-(\d+):", re.ASCII)
ALL = "all"


@dataclass(frozen=True)
class Few:
    """`count` images, a number or "all", of draw number `draw`."""

    count: str
    draw: int

    @property
    def name(self) -> str:
        """What stands before the data set, without the colon."""
        return f"few-{self.count}-of-draw-{self.draw}"

    @property
    def title(self) -> str:
        """For readers, before " of DATA SET"."""
        return "all training images" if self.count == ALL else f"{self.count} training images (draw {self.draw})"

    def of(self, training: list[Sample]) -> list[Sample]:
        """Those of the `training` samples that are drawn, in their order.

        Patients come in an order that the draw decides, first one image of each, then the second of each ... So N
        images are of N patients where there are so many, and are among the N + 1 of the same draw. Raises UserError
        where there are fewer than N images.
        """
        if self.count == ALL:
            return training
        if int(self.count) > len(training):
            raise UserError(f"{self.name}: there are {len(training)} training images: take fewer")
        before: Counter[str] = Counter()
        places = []
        for sample in training:
            chance = hashlib.sha256(f"{self.draw}:{sample.patient}".encode("utf-8", "surrogateescape")).hexdigest()
            places.append((before[sample.patient], chance, sample.stem))
            before[sample.patient] += 1
        drawn = sorted(places)[:int(self.count)]
        return [sample for sample, place in zip(training, places) if place in drawn]


def parse_few(spec: str) -> tuple[Few | None, str]:
    """"few-N-of-draw-D:SPEC" -> (Few, SPEC), any other spec -> (None, spec). SPEC may be a fold or a release."""
    match = PREFIX.match(spec)
    return (Few(match[1], int(match[2])), spec[match.end():]) if match else (None, spec)


def whole(spec: str) -> str:
    """The data set "layout:path" that a spec takes a few images, or a fold, of, or that a release was made from. Raises
    UserError as `parse_fold`."""
    return parse_fold(parse_release(parse_few(spec)[1])[1])[1]

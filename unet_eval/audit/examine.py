"""What an audit compares with what: the similarities of all sets, thresholds, and who exceeds them."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from absl import logging

from unet_eval.audit import controls
from unet_eval.audit.duplicates import duplicates
from unet_eval.audit.measures import COPIES, EYES, KINDS, MASK, PHOTOGRAPH, QUADRANTS, WHOLE, Measure, measures_for
from unet_eval.audit.records import Records, concatenate
from unet_eval.audit.statistics import membership, nearest_ratio, share_nearer
from unet_eval.audit.thresholds import threshold, unrelated

MOST_COPIED = 10     # training records that controls are made of
MOST_LEARNED = 60    # photographs that stand for all that Stage-II learned from, where unrelated people are compared
DRAWN_EYES = 6       # that are photographed twice
SURE = 5             # percentile of what copies reach; a pair that is as alike to another one repeats it


@dataclass(frozen=True)
class Real:
    """What the synthetic pairs are compared with.

    training: pairs of PAIRS that Stage-I learned from. held_out: pairs of PAIRS that no GAN saw. photos: PHOTOS, with
    empty masks, or None. learned: whether Stage-II learned from these; paired: whether it learned from the training
    pairs.
    """

    training: Records
    held_out: Records
    photos: Records | None = None
    learned: bool = False
    paired: bool = True

    def tests_sets(self, kind: str) -> bool:
        """Whether held-out images are of the source of those that were learned from, as tests of whole sets need."""
        return kind == MASK or self.paired


@dataclass(frozen=True)
class Columns:
    """The real records that others are compared with, columns, and those that are compared with them, rows.

    records: columns. seen: those that were learned from. training, held_out: those of PAIRS. others: more rows, of
    images that no training saw and that are of another source.
    """

    records: Records
    seen: np.ndarray
    training: np.ndarray
    held_out: np.ndarray
    others: Records | None

    @classmethod
    def of(cls, real: Real, kind: str) -> Columns:
        photos = real.photos if kind == PHOTOGRAPH else None
        learned = photos if real.learned else None
        parts = [real.training, real.held_out, *([learned] if learned else [])]
        ends = np.cumsum([0, *map(len, parts)])
        training, held_out, *more = (np.arange(*span) for span in zip(ends, ends[1:]))
        seen = np.concatenate([*([training] if real.tests_sets(kind) else []), *more])
        return cls(concatenate(parts), seen, training, held_out, None if learned else photos)

    @property
    def rows(self) -> Records:
        """The first of the columns, and all others."""
        first = self.records.take(range(min(len(self.records), len(self.training) + len(self.held_out) + MOST_LEARNED)))
        return concatenate([first, self.others]) if self.others else first

    @property
    def comparisons(self) -> int:
        """People that were learned from: a pair is compared with each of them."""
        return len({*self.patients(self.seen)})

    def patients(self, rows: np.ndarray) -> list[str]:
        return [self.records.patients[row] for row in rows]


@dataclass(frozen=True)
class Alike:
    """How alike the records of each set, rows, are to the real ones, columns, by one measure; and its threshold.

    eyes: (DRAWN_EYES, DRAWN_EYES), first against second photographs. unrelated: as thresholds.unrelated. comparisons:
    of one pair, by all measures of the audit.
    """

    measure: Measure
    columns: Columns
    sets: dict[str, np.ndarray]
    eyes: np.ndarray
    unrelated: dict[tuple[str, str], float]
    comparisons: int

    @property
    def threshold(self) -> float:
        return threshold(self.unrelated, self.comparisons)

    @property
    def matches(self) -> np.ndarray:
        """What the controls reach that show how alike a match is."""
        return np.diag(self.eyes) if self.measure.match == EYES else self.nearest(self.measure.match)

    def nearest(self, name: str) -> np.ndarray:
        return self.sets[name][:, self.columns.seen].max(axis=1)

    def flagged(self, name: str) -> np.ndarray:
        return self.nearest(name) > self.threshold

    def flagged_held_out(self) -> np.ndarray:
        """Of the held-out records: each held to a threshold that its patient had no part in."""
        patients = self.columns.patients(self.columns.held_out)
        limits = {name: threshold(self.unrelated, self.comparisons, without=name) for name in {*patients}}
        near = self.sets["real"][self.columns.held_out][:, self.columns.seen].max(axis=1)
        return near > np.array([limits[name] for name in patients])


def compare(synthetic: Records, real: Real, modality: str, seed: int,
            keep: Callable[[str, int, Callable[[], dict]], dict] = lambda name, version, make: make(),
            ) -> dict[str, Alike]:
    """Of every measure, how alike the synthetic, real and control records are to the real ones. keep: as `Kept`."""
    eyes = controls.eyes_twice(DRAWN_EYES, seed)
    columns = {kind: Columns.of(real, kind) for kind in KINDS}
    copied = {kind: _some(own.records.take(own.seen)) for kind, own in columns.items()}
    found, measures = {}, measures_for(modality)
    for name, measure in measures.items():
        own, some = columns[measure.kind], copied[measure.kind]
        sets = {"synthetic": synthetic, "real": own.rows, COPIES: controls.altered(some, seed)}
        if measure.match == QUADRANTS:
            sets[QUADRANTS] = controls.with_quadrants(real.held_out, some, seed)
        parts = keep(name, measure.version,
                     lambda measure=measure, sets=sets, own=own: _compared(measure, sets, own, eyes))
        twice = parts.pop(EYES)
        people = unrelated(parts["real"], own.rows.patients, own.records.patients, own.seen)
        found[name] = Alike(measure, own, parts, twice, people, own.comparisons * len(measures))
    return found


def _compared(measure, sets, columns, eyes):
    logging.info("audit: comparing %s", measure.title)
    alike = measure.compare(concatenate(list(sets.values())), columns.records)
    ends = np.cumsum([len(part) for part in sets.values()])[:-1]
    return {**dict(zip(sets, np.split(alike, ends))), EYES: measure.compare(*eyes)}


def _some(records):
    return records.take(np.linspace(0, len(records) - 1, min(MOST_COPIED, len(records))).astype(int))


def whole_set(alike: Alike, rows: np.ndarray, held_out: np.ndarray, seed: int) -> dict[str, dict]:
    """Figures of the records alike.sets["synthetic"] or others given as (N, columns), beside `held_out` columns."""
    columns = alike.columns
    both = np.concatenate([columns.training, held_out])
    trained, patients = np.arange(len(both)) < len(columns.training), columns.patients(both)
    return {"share": share_nearer(rows[:, both], patients, trained, seed),
            "membership": membership(rows[:, both].max(axis=0), patients, trained, seed),
            "ratio": nearest_ratio(rows[:, both], patients, trained, seed)}


def offenders(found: dict[str, Alike], name: str) -> dict[int, list[str]]:
    """{row of the set: the measures that call it a copy}."""
    rows: dict[int, list[str]] = {}
    for measure, alike in found.items():
        for row in np.flatnonzero(alike.flagged(name)):
            rows.setdefault(int(row), []).append(measure)
    return dict(sorted(rows.items()))


def caught(found: dict[str, Alike], name: str) -> dict[str, float]:
    """{kind: share of a set's records that a measure of that kind calls a copy, "any": of either}.

    Masks and photographs that were learned from may be of two sources, so record k of a set may copy a mask of one and
    a photograph of the other. "any" is over as many records as have both.
    """
    by_kind = {kind: np.any([alike.flagged(name) for alike in found.values()
                             if alike.measure.kind == kind and name in alike.sets], axis=0) for kind in KINDS}
    both = min(map(len, by_kind.values()))
    return {**{kind: float(rows.mean()) for kind, rows in by_kind.items()},
            "any": float(np.any([rows[:both] for rows in by_kind.values()], axis=0).mean())}


def negative(found: dict[str, Alike], real: Real, seed: int) -> dict:
    """The held-out records in the place of synthetic ones: {"flagged": how many are called copies, "of", "least_p":
    of the tests of whole sets, corrected}. For these, every second patient is compared beside the others."""
    flagged = np.any([alike.flagged_held_out() for alike in found.values()], axis=0)
    patients = sorted({*real.held_out.patients})
    second = np.array([patients.index(patient) % 2 == 1 for patient in real.held_out.patients])
    p = []
    for alike in found.values():
        if real.tests_sets(alike.measure.kind):
            held_out = alike.columns.held_out
            figures = whole_set(alike, alike.sets["real"][held_out[second]], held_out[~second], seed)
            p += [figures["share"]["p"], figures["membership"]["p"]]
    least = min(1.0, min(p) * len(p)) if p else None
    return {"flagged": int(flagged.sum()), "of": len(real.held_out), "least_p": least}


def overtrained(masks: Records, learned: Records, others: Records, found: dict[str, Alike], seed: int) -> dict:
    """Masks of a Stage-I that learned the few masks `learned` by heart, with the thresholds of `found`: {"flagged":
    share of them that is called a copy, "p": of the share nearer to those masks than to the `others`, corrected}."""
    both, flagged, p = concatenate([learned, others]), np.zeros(len(masks), bool), []
    trained = np.arange(len(both)) < len(learned)
    own = [alike for alike in found.values() if alike.measure.kind == MASK]
    for alike in own:
        rows = alike.measure.compare(masks, both)
        flagged |= rows[:, trained].max(axis=1) > alike.threshold
        p.append(share_nearer(rows, both.patients, trained, seed)["p"])
    return {"flagged": float(flagged.mean()), "p": min(1.0, min(p) * len(p))}


def kept_rows(found: dict[str, Alike], synthetic: Records) -> tuple[dict[int, list[str]], list[tuple[int, int, float]],
                                                                     list[int]]:
    """(offenders, duplicates as (row, earlier row, how alike), the rows that are kept)."""
    bad = offenders(found, "synthetic")
    rows = [row for row in range(len(synthetic)) if row not in bad]
    alike = {kind: float(np.percentile(found[WHOLE[kind]].nearest(COPIES), SURE)) for kind in KINDS}
    twice = [(rows[later], rows[earlier], value) for later, earlier, value in
             duplicates(synthetic.take(rows), alike)]
    again = {later for later, _, _ in twice}
    return bad, twice, [row for row in rows if row not in again]

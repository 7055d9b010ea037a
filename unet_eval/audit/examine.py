"""The audit of a set of pairs: what is compared with what, the thresholds, and the verdicts."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from absl import logging

from unet_eval.audit import controls
from unet_eval.audit.duplicates import duplicates
from unet_eval.audit.measures import COPIES, EYES, KINDS, PHOTOGRAPH, QUADRANTS, WHOLE, Measure, measures_for
from unet_eval.audit.records import Records, concatenate
from unet_eval.audit.statistics import membership, nearest_ratio, share_nearer

MOST_COPIED = 10     # training records that controls are made of
DRAWN_EYES = 6       # that are photographed twice
MATCHES = 25         # percentile of what matches reach, the upper end of the gap that a threshold lies in


@dataclass(frozen=True)
class Real:
    """What the synthetic pairs are compared with. training: pairs of PAIRS that Stage-I learned from. reference,
    control: pairs that no training saw, of different patients. photos: PHOTOS that Stage-II learned from, with empty
    masks, or None. paired: whether Stage-II learned from the training pairs too."""

    training: Records
    reference: Records
    control: Records
    photos: Records | None = None
    paired: bool = True

    def seen(self, kind: str) -> list[Records]:
        """What a stage learned from: Stage-I's masks, or Stage-II's photographs."""
        if kind == PHOTOGRAPH and self.photos is not None:
            return [self.training, self.photos] if self.paired else [self.photos]
        return [self.training]

    def tests_sets(self, kind: str) -> bool:
        """Whether held-out images are of the source of those that were learned from, as tests of whole sets need."""
        return kind != PHOTOGRAPH or self.paired


@dataclass(frozen=True)
class Columns:
    """Real records as one set: those that were learned from first, then reference and control."""

    records: Records
    seen: np.ndarray      # rows of all that was learned from
    training: np.ndarray  # rows of those of PAIRS
    reference: np.ndarray
    control: np.ndarray

    @classmethod
    def of(cls, real: Real, kind: str) -> Columns:
        parts = [*real.seen(kind), real.reference, real.control]
        ends = np.cumsum([0, *map(len, parts)])
        rows = [np.arange(*span) for span in zip(ends, ends[1:])]
        return cls(concatenate(parts), np.concatenate(rows[:-2]), rows[0], *rows[-2:])

    def patients(self, rows: np.ndarray) -> list[str]:
        return [self.records.patients[row] for row in rows]


@dataclass(frozen=True)
class Alike:
    """How alike the records of each set, rows, are to the real ones, columns, by one measure; and its threshold."""

    measure: Measure
    columns: Columns
    sets: dict[str, np.ndarray]
    eyes: np.ndarray  # (DRAWN_EYES, DRAWN_EYES): first against second photographs
    threshold: float
    unseen: float     # the largest of held-out images
    match: float      # what three of four matches exceed

    @property
    def tells(self) -> bool:
        """Whether copies are more alike to their originals than any held-out image is to a training image."""
        return self.match > self.unseen

    def nearest(self, name: str) -> np.ndarray:
        return self.sets[name][:, self.columns.seen].max(axis=1)

    def flagged(self, name: str) -> np.ndarray:
        return (self.nearest(name) > self.threshold) & self.tells


def compare(synthetic: Records, real: Real, modality: str, seed: int) -> dict[str, Alike]:
    """Of every measure, how alike the synthetic, real and control records are to the real ones."""
    eyes = controls.eyes_twice(DRAWN_EYES, seed)
    columns = {kind: Columns.of(real, kind) for kind in KINDS}
    copied = {kind: _some(own.records.take(own.seen)) for kind, own in columns.items()}
    found = {}
    for name, measure in measures_for(modality).items():
        logging.info("audit: comparing %s", measure.title)
        own, some = columns[measure.kind], copied[measure.kind]
        sets = {"synthetic": synthetic, "real": own.records, COPIES: controls.altered(some, seed)}
        if measure.match == QUADRANTS:
            sets[QUADRANTS] = controls.with_quadrants(real.control, some, seed)
            sets["calibration"] = controls.with_quadrants(real.reference, some, seed + 1)
        elif measure.match == COPIES:
            sets["calibration"] = controls.altered(some, seed + 1)
        alike = measure.compare(concatenate(list(sets.values())), own.records)
        ends = np.cumsum([len(part) for part in sets.values()])[:-1]
        found[name] = _with_threshold(measure, own, dict(zip(sets, np.split(alike, ends))), measure.compare(*eyes))
    return found


def _some(records):
    return records.take(np.linspace(0, len(records) - 1, min(MOST_COPIED, len(records))).astype(int))


def _with_threshold(measure, columns, alike, eyes):
    """Halfway from what the nearest held-out image reaches to what a match does."""
    unseen = float(alike["real"][columns.reference][:, columns.seen].max())
    if measure.match == EYES:
        unseen = max(unseen, float(eyes[~np.eye(len(eyes), dtype=bool)].max()))
        matches = np.diag(eyes)
    else:
        matches = alike["calibration"][:, columns.seen].max(axis=1)
    match = float(np.percentile(matches, MATCHES))
    return Alike(measure, columns, alike, eyes, (unseen + match) / 2, unseen, match)


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
    """{kind: share of a set's records that a measure of that kind calls a copy, "any": of either}."""
    by_kind = {kind: np.any([alike.flagged(name) for alike in found.values()
                             if alike.measure.kind == kind and name in alike.sets], axis=0) for kind in KINDS}
    return {**{kind: float(rows.mean()) for kind, rows in by_kind.items()},
            "any": float(np.logical_or(*by_kind.values()).mean())}


def negative(found: dict[str, Alike], real: Real, seed: int) -> dict:
    """The held-out records of `control` in the place of synthetic ones: {"flagged": number, "least_p": corrected}."""
    flagged, p = set(), []
    for alike in found.values():
        rows = alike.sets["real"][alike.columns.control]
        near = rows[:, alike.columns.seen].max(axis=1)
        flagged |= set(np.flatnonzero((near > alike.threshold) & alike.tells).tolist())
        if real.tests_sets(alike.measure.kind):
            figures = whole_set(alike, rows, alike.columns.reference, seed)
            p += [figures["share"]["p"], figures["membership"]["p"]]
    return {"flagged": len(flagged), "of": len(real.control), "least_p": min(1.0, min(p) * len(p)) if p else None}


def overtrained(masks: Records, learned: Records, others: Records, found: dict[str, Alike], seed: int) -> dict:
    """Masks of a Stage-I that learned the few masks `learned` by heart, with the thresholds of `found`: {"flagged":
    share of them that is called a copy, "p": of the share nearer to those masks than to the `others`, corrected}."""
    both, flagged, p = concatenate([learned, others]), np.zeros(len(masks), bool), []
    trained = np.arange(len(both)) < len(learned)
    own = [alike for alike in found.values() if alike.measure.kind == KINDS[0]]
    for alike in own:
        rows = alike.measure.compare(masks, both)
        flagged |= (rows[:, trained].max(axis=1) > alike.threshold) & alike.tells
        p.append(share_nearer(rows, both.patients, trained, seed)["p"])
    return {"flagged": float(flagged.mean()), "p": min(1.0, min(p) * len(p))}


def kept_rows(found: dict[str, Alike], synthetic: Records) -> tuple[dict[int, list[str]], list[tuple[int, int, float]],
                                                                     list[int]]:
    """(offenders, duplicates as (row, earlier row, how alike), the rows that are kept)."""
    bad = offenders(found, "synthetic")
    rows = [row for row in range(len(synthetic)) if row not in bad]
    twice = [(rows[later], rows[earlier], alike) for later, earlier, alike in
             duplicates(synthetic.take(rows), {kind: found[WHOLE[kind]].threshold for kind in KINDS
                                               if found[WHOLE[kind]].tells})]
    again = {later for later, _, _ in twice}
    return bad, twice, [row for row in rows if row not in again]

"""The verdict: which pairs are left out, and whether the rest may be published."""
from __future__ import annotations

import numpy as np

from unet_eval.audit import examine
from unet_eval.audit.examine import Alike, Real
from unet_eval.audit.measures import COPIES, KINDS, QUADRANTS, WHOLE
from unet_eval.audit.records import Records
from unet_eval.audit.statistics import CERTAINTY, least_share, membership
from unet_eval.measures.resampling import holm

LEVEL = 0.05         # of the tests of whole sets, corrected by Holm for their number
LEAST_KEPT = 0.5     # of the pairs; with fewer there is no release
LEAST_CAUGHT = 0.9   # of the records of a positive control
CATCHES = 0.5        # of the masks of an over-trained Stage-I
PASSES, FAILS, UNKNOWN = "passes", "fails", "no verdict"
TESTS = {"share": "share nearer to training than to held-out images",
         "membership": "membership inference by the nearest distance, AUC",
         "ratio": "nearest distance / second nearest, median"}


def decide(synthetic: Records, real: Real, found: dict[str, Alike], learned: tuple[Records, Records, Records] | None,
           attacks: dict[str, dict | None], seed: int) -> dict:
    """What audit.json holds, apart from "distances" and "table".

    Args:
      learned: masks of an over-trained Stage-I, the pairs that it learned, and others; None where there is none.
      attacks: {title: {"score", "patients", "trained"} or None}: attacks on the generators by what they say of images.
    """
    bad, twice, kept = examine.kept_rows(found, synthetic)
    controls = _controls(found, real, learned, seed)
    figures = _whole_set(found, real, kept, seed) if kept else {}
    attacked = {title: membership(**scores, seed=seed) if scores else None for title, scores in attacks.items()}
    _correct(list(attacked.values()))
    refused = [f"control: {name}" for name, control in controls.items() if not control["passed"]]
    if len(kept) < LEAST_KEPT * len(synthetic):
        refused.append(f"only {len(kept)} of {len(synthetic)} pairs are no copies")
    for name, tests in figures.items():
        for test, figure in tests.items():
            if figure["verdict"] != PASSES:
                why = "too few patients to tell" if figure["verdict"] == UNKNOWN else f"p = {figure['p_holm']:.3f}"
                refused.append(f"{found[name].measure.title}: {TESTS[test]} ({why})")
    rate = examine.caught(found, COPIES)
    return {
        "passed": not refused, "refused": refused, "controls_passed": all(c["passed"] for c in controls.values()),
        "left_out": sorted(set(range(len(synthetic))) - set(kept)),
        "copies": {row: [found[name].measure.title for name in names] for row, names in bad.items()},
        "duplicates": [{"row": row, "of": other, "alike": alike} for row, other, alike in twice],
        "records": {"synthetic": len(synthetic), "training": len(real.training),
                    "training_patients": len({*real.training.patients}), "photos": len(real.photos or []),
                    "held_out": len(real.reference) + len(real.control),
                    "held_out_patients": len({*real.reference.patients, *real.control.patients})},
        "measures": {name: _thresholds(alike) for name, alike in found.items()}, "whole_set": figures,
        "controls": controls, "generators": attacked,
        "generators_passed": all(each and each["verdict"] == PASSES for each in attacked.values()),
        "power": {"certainty": CERTAINTY, **{kind: least_share(len(synthetic), rate[kind]) for kind in KINDS}}}


def distances(found: dict[str, Alike]) -> dict[str, list[float]]:
    """1 less the correlation with the nearest image that was learned from, of each synthetic mask and photograph."""
    return {kind: (1 - found[name].nearest("synthetic")).tolist() for kind, name in WHOLE.items()}


def _thresholds(alike):
    nearest, eyes = alike.nearest("synthetic"), np.diag(alike.eyes)
    apart = alike.eyes[~np.eye(len(alike.eyes), dtype=bool)]
    row = int(nearest.argmax())
    return {"title": alike.measure.title, "kind": alike.measure.kind, "threshold": alike.threshold,
            "held_out": alike.unseen, "match": alike.match, "match_is": alike.measure.match, "tells": alike.tells,
            "nearest": float(nearest[row]), "nearest_row": row, "median": float(np.median(nearest)),
            "copies_caught": float(alike.flagged(COPIES).mean()),
            "one_eye_twice": float(np.median(eyes)), "two_eyes": float(apart.max())}


def _controls(found, real, learned, seed) -> dict[str, dict]:
    copies, quadrants = (examine.caught(found, name) for name in (COPIES, QUADRANTS))
    negative = examine.negative(found, real, seed)
    controls = {
        "training pairs with slight changes": {
            "value": copies, "passed": min(copies[kind] for kind in KINDS) >= LEAST_CAUGHT},
        "a quadrant of a training pair, pasted": {"value": quadrants, "passed": quadrants["any"] >= LEAST_CAUGHT},
        "held-out pairs in the place of synthetic ones": {
            "value": negative, "passed": not negative["flagged"] and (negative["least_p"] or 1) >= LEVEL}}
    if learned:
        over = examine.overtrained(*learned, found, seed)
        controls["an over-trained Stage-I"] = {"value": over, "passed": over["flagged"] >= CATCHES or over["p"] < LEVEL}
    else:
        controls["an over-trained Stage-I"] = {"value": None, "passed": False}
    return controls


def _whole_set(found, real, kept, seed) -> dict[str, dict]:
    """{measure: {test: figure}}; none of photographs whose source has no held-out ones."""
    figures = {name: examine.whole_set(alike, alike.sets["synthetic"][kept],
                                       np.concatenate([alike.columns.reference, alike.columns.control]), seed)
               for name, alike in found.items() if real.tests_sets(alike.measure.kind)}
    _correct([figure for tests in figures.values() for figure in tests.values()])
    return figures


def _correct(figures: list[dict | None]) -> None:
    """Adds "p_holm" and "verdict" to each."""
    tested = [figure for figure in figures if figure]
    p = [np.nan if figure["p"] is None else figure["p"] for figure in tested]
    for figure, corrected in zip(tested, holm(p)):
        can_fail = not np.isnan(corrected) and figure.get("least_p", 0) * len(tested) < LEVEL
        figure["p_holm"] = None if np.isnan(corrected) else float(corrected)
        figure["verdict"] = UNKNOWN if not can_fail else FAILS if corrected < LEVEL else PASSES


def attack(members: dict) -> dict:
    """What `membership` takes, from a members.json of a stage."""
    entries = [(entry, side == "training") for side in ("training", "held_out") for entry in members[side]]
    return {"score": np.array([entry["score"] for entry, _ in entries]),
            "patients": [entry["patient"] for entry, _ in entries], "trained": np.array([seen for _, seen in entries])}

"""The verdict: which pairs are left out, and whether the rest may be published."""
from __future__ import annotations

import numpy as np
from scipy.stats import binom

from data.members import SIDES
from unet_eval.audit import examine
from unet_eval.audit.examine import Alike, Real
from unet_eval.audit.looks import looks
from unet_eval.audit.measures import COPIES, KINDS, PHOTOGRAPH, QUADRANTS, WHOLE
from unet_eval.audit.records import Records, concatenate
from unet_eval.audit.statistics import CERTAINTY, least_rate, least_share, membership
from unet_eval.audit.thresholds import FALSE_ALARMS
from unet_eval.measures.resampling import holm

LEVEL = 0.05         # of the tests of whole sets, corrected by Holm for their number
LEAST_KEPT = 0.5     # of the pairs; with fewer there is no release
LEAST_CAUGHT = 0.9   # of the records of a positive control
CATCHES = 0.5        # of the masks of a Stage-I that learned by heart
PASSES, FAILS, UNKNOWN = "passes", "fails", "no verdict"
TESTS = {"share": "share nearer to training than to held-out images",
         "membership": "membership inference by the nearest distance, AUC",
         "ratio": "nearest distance / second nearest, median"}
LOOKS = "looks"
TITLES = {**TESTS, LOOKS: "membership inference by them, AUC"}


def decide(synthetic: Records, real: Real, found: dict[str, Alike], learned: tuple[Records, Records, Records],
           attacks: dict[str, dict | None], seed: int) -> dict:
    """What audit.json holds of the comparisons.

    Args:
      learned: masks of an over-trained Stage-I, the pairs that it learned, and others.
      attacks: {title: {"score", "patients", "trained"} or None}: attacks on the generators by what they say of images.
    """
    bad, twice, kept = examine.kept_rows(found, synthetic)
    controls = _controls(found, real, learned, seed)
    figures = _whole_set(found, synthetic, real, kept, seed) if kept else {}
    attacked = attacked_by(attacks, seed)
    refused = [f"{alike.measure.title}: too few patients for a threshold" for alike in found.values()
               if np.isinf(alike.threshold)]
    refused += [f"control: {name}" for name, control in controls.items() if not control["passed"]]
    if len(kept) < LEAST_KEPT * len(synthetic):
        refused.append(f"only {len(kept)} of {len(synthetic)} pairs are no copies")
    for name, tests in figures.items():
        for test, figure in tests.items():
            if figure and figure["verdict"] != PASSES:
                why = "too few patients to tell" if figure["verdict"] == UNKNOWN else f"p = {figure['p_holm']:.3f}"
                refused.append(f"{found[name].measure.title if name in found else name}: {TITLES[test]} ({why})")
    return {
        "passed": not refused, "refused": refused, "controls_passed": all(c["passed"] for c in controls.values()),
        "left_out": sorted(set(range(len(synthetic))) - set(kept)),
        "copies": {row: [found[name].measure.title for name in names] for row, names in bad.items()},
        "duplicates": [{"row": row, "of": other, "alike": alike} for row, other, alike in twice],
        "records": {"synthetic": len(synthetic), "training": len(real.training),
                    "training_patients": len({*real.training.patients}),
                    "held_out": len(real.held_out), "held_out_patients": len({*real.held_out.patients}),
                    "photos": len(real.photos) if real.photos else 0, "photos_learned": real.learned,
                    "photos_alone": not real.paired},
        "false_alarms": FALSE_ALARMS, "measures": {name: _thresholds(alike) for name, alike in found.items()},
        "whole_set": figures, "controls": controls, "generators": attacked,
        # Whoever has a network draws again what a release leaves out.
        "generators_passed": all(each and each["verdict"] == PASSES for each in attacked.values())
        and explained(len(bad), len(synthetic)),
        "power": {"certainty": CERTAINTY, **_power(found, len(synthetic))}}


def explained(flagged: int, of: int) -> bool:
    """Whether so many records are called copies where none is one: FALSE_ALARMS explain them."""
    return bool(binom.sf(flagged - 1, of, FALSE_ALARMS) >= LEVEL)


def attacked_by(attacks: dict[str, dict | None], seed: int) -> dict[str, dict | None]:
    """{title: what came of it, with "verdict"; None where nobody was scored}. attacks: as in `decide`."""
    figures = {title: membership(**scores, seed=seed) if scores else None for title, scores in attacks.items()}
    _correct(list(figures.values()))
    return figures


def distances(found: dict[str, Alike]) -> dict[str, list[float]]:
    """1 less the correlation with the nearest image that was learned from, of each synthetic mask and photograph."""
    return {kind: (1 - found[name].nearest("synthetic")).tolist() for kind, name in WHOLE.items()}


def _thresholds(alike):
    nearest, eyes = alike.nearest("synthetic"), np.diag(alike.eyes)
    apart = alike.eyes[~np.eye(len(alike.eyes), dtype=bool)]
    row = int(nearest.argmax())
    return {"title": alike.measure.title, "kind": alike.measure.kind, "threshold": alike.threshold,
            "unrelated": max(alike.unrelated.values(), default=None), "people": len(alike.unrelated),
            "match_is": alike.measure.match, "finds": float((alike.matches > alike.threshold).mean()),
            "nearest": float(nearest[row]), "nearest_row": row, "median": float(np.median(nearest)),
            "one_eye_twice": float(np.median(eyes)), "two_eyes": float(apart.max())}


def _power(found, records) -> dict[str, float]:
    """{kind: `least_share` of copies}. Ten controls at most say how many copies are found, so that is taken as low as
    they leave possible. Of the two parts each may fail half as often as CERTAINTY allows, so both have that."""
    rate, sure = examine.caught(found, COPIES), (1 + CERTAINTY) / 2
    made = {kind: len(found[WHOLE[kind]].sets[COPIES]) for kind in KINDS}
    return {kind: least_share(records, least_rate(round(rate[kind] * made[kind]), made[kind], sure), sure)
            for kind in KINDS}


def _controls(found, real, learned, seed) -> dict[str, dict]:
    copies, quadrants = (examine.caught(found, name) for name in (COPIES, QUADRANTS))
    negative = examine.negative(found, real, seed)
    # Each held-out patient has no part in its own threshold.
    few = explained(negative["flagged"], negative["of"])
    controls = {
        "training pairs with slight changes": {
            "value": copies, "passed": min(copies[kind] for kind in KINDS) >= LEAST_CAUGHT},
        "a quadrant of a training pair, pasted": {"value": quadrants, "passed": quadrants["any"] >= LEAST_CAUGHT},
        "held-out pairs in the place of synthetic ones": {
            "value": negative, "passed": few and (negative["least_p"] or 1) >= LEVEL}}
    over = examine.overtrained(*learned, found, seed)
    controls["a Stage-I that learned by heart"] = {"value": over, "passed": over["flagged"] >= CATCHES}
    return controls


def _whole_set(found, synthetic, real, kept, seed) -> dict[str, dict]:
    """{measure, or title of a look: {test: figure}}; None in place of a figure of photographs whose source has no
    held-out ones."""
    figures = {name: examine.whole_set(alike, alike.sets["synthetic"][kept], alike.columns.held_out, seed)
               if real.tests_sets(alike.measure.kind) else dict.fromkeys(TESTS) for name, alike in found.items()}
    both = concatenate([real.training, real.held_out])
    trained = np.arange(len(both)) < len(real.training)
    for title, scores in looks(synthetic.take(kept), both).items():
        figures[title] = {LOOKS: membership(scores, both.patients, trained, seed)
                          if real.tests_sets(PHOTOGRAPH) else None}
    _correct([figure for tests in figures.values() for figure in tests.values()])
    return figures


def _correct(figures: list[dict | None]) -> None:
    """Adds "p_holm" and "verdict" to each. A test that could not fail, for so few patients, has no verdict."""
    tested = [figure for figure in figures if figure]
    p = [np.nan if figure["p"] is None else figure["p"] for figure in tested]
    for figure, corrected in zip(tested, holm(p)):
        can_fail = not np.isnan(corrected) and figure.get("least_p", 0) * len(tested) < LEVEL
        figure["p_holm"] = None if np.isnan(corrected) else float(corrected)
        figure["verdict"] = UNKNOWN if not can_fail else FAILS if corrected < LEVEL else PASSES


def attack(sides: dict[str, list[dict]]) -> dict | None:
    """What `membership` takes, of an attack in a members file; None where nobody was scored."""
    entries = [(entry, side == "training") for side in SIDES for entry in sides[side]]
    if not entries:
        return None
    return {"score": np.array([entry["score"] for entry, _ in entries]),
            "patients": [entry["patient"] for entry, _ in entries], "trained": np.array([seen for _, seen in entries])}

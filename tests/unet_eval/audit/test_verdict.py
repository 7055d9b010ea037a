"""The verdict on comparisons that are made by hand, so that each of them can fail alone."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.synthmed.source import AUDIT_VERSION
from unet_eval.audit import examine, report, statistics, verdict
from unet_eval.audit.examine import Alike, Columns, Real
from unet_eval.audit.measures import COPIES, KINDS, MEASURES, QUADRANTS, WHOLE
from unet_eval.audit.records import Records
from unet_eval.experiments import privacy
from unet_eval.report.publish import strict

PAIRS, TRAINING, HELD_OUT, CONTROLS = 12, 6, 10, 10  # records of each set
LIKE = 0.9  # how alike a copy is; others are about 0.2, and the threshold lies between


def records(names):
    black = np.zeros((len(names), 4, 4), np.uint8)
    return Records(black, np.zeros((*black.shape, 3), np.uint8), black, list(names), list(names))


def of_one_name(rows, columns):
    return np.where(np.equal.outer(rows, columns), LIKE, 0.2).astype(np.float32)


class Audit:
    """Comparisons of an audit in which all is well. found[kind].sets[name]: (N, TRAINING + HELD_OUT) of a set."""

    def __init__(self):
        random, self.duplicates = np.random.default_rng(2), []
        self.synthetic = records(range(PAIRS))
        self.real = Real(records([f"trained {k}" for k in range(TRAINING)]),
                         records([f"held out {k}" for k in range(HELD_OUT)]))
        self.learned = tuple(map(records, ("aabbcc", "abc", "defg")))
        self.found = {}
        for kind in KINDS:
            columns = Columns.of(self.real, kind)
            people = columns.records.patients
            near = {name: random.normal(0.2, 0.02, (count, len(people))) for name, count in {
                "synthetic": PAIRS, "real": len(people), COPIES: CONTROLS, QUADRANTS: CONTROLS}.items()}
            for name in (COPIES, QUADRANTS):
                near[name][:, 0] = LIKE
            unrelated = {(one, other): random.normal(0.2, 0.02) for one in people for other in people if one < other}
            measure = replace(MEASURES[WHOLE[kind]], prepare=lambda each: np.array(each.names), similarity=of_one_name)
            self.found[WHOLE[kind]] = Alike(measure, columns, near, np.full((2, 2), 0.2), unrelated, TRAINING * 2)
        self.masks, self.photographs = (alike.sets for alike in self.found.values())

    def decide(self):
        return strict(verdict.decide(self.synthetic, self.real, self.found, self.learned, {}, seed=0))


@pytest.fixture
def audit(monkeypatch):
    made = Audit()
    monkeypatch.setattr(examine, "duplicates", lambda records, thresholds: made.duplicates)
    monkeypatch.setattr(statistics, "DEALS", 400)
    return made


def verdicts(results):
    return {row[0]: row[-1] for row in report.table(results).rows}


def refused_as_no_audit(results, control):
    """Whether this control alone fails, and the files say so."""
    text = report.markdown(results)
    assert results["refused"] == [f"control: {control}"] and not results["passed"] and not results["controls_passed"]
    assert [name for name, passed in verdicts(results).items() if passed == "fails"] == [f"control: {control}"]
    return "Refused: no release is made. Controls fail, so this is no audit." in text


def test_where_all_is_well_the_pairs_pass(audit):
    results = audit.decide()
    assert results["refused"] == [] and results["passed"] and results["controls_passed"] and results["left_out"] == []
    assert {*verdicts(results).values()} == {"passes", "–"}
    assert all(0.25 < each["threshold"] < LIKE for each in results["measures"].values())
    assert f"No copy found; {PAIRS} of {PAIRS} pairs may be released." in report.markdown(results)
    assert "pictures show training images" in report.markdown(results)


def test_a_set_that_is_nearer_to_training_images_is_refused_though_no_pair_is_a_copy(audit):
    audit.masks["synthetic"][:, TRAINING:] -= 0.06
    results = audit.decide()
    tests = ["whole masks: share nearer to training than to held-out images",
             "whole masks: membership inference by the nearest distance, AUC"]
    assert [why.partition(" (p = 0.0")[0] for why in results["refused"]] == tests
    assert not results["passed"] and results["controls_passed"] and results["left_out"] == []
    assert [name for name, passed in verdicts(results).items() if passed == "fails"] == tests
    text = report.markdown(results)
    assert "Refused: no release is made." in text and "Controls fail" not in text and f"- {tests[0]} (p = 0.0" in text


@pytest.mark.parametrize("name", WHOLE.values())
def test_changed_copies_have_to_be_caught_by_masks_and_by_photographs(audit, name):
    copies = audit.found[name].sets[COPIES]
    copies[0, 0] = 0.2
    assert audit.decide()["passed"]  # 9 of 10 are caught
    copies[1, 0] = 0.2
    results = audit.decide()
    assert refused_as_no_audit(results, "training pairs with slight changes")
    assert results["controls"]["training pairs with slight changes"]["value"]["any"] == 1  # by the other kind


def test_pasted_quadrants_have_to_be_caught_by_masks_or_by_photographs(audit):
    audit.masks[QUADRANTS][:, 0] = 0.2
    assert audit.decide()["passed"]
    audit.photographs[QUADRANTS][:2, 0] = 0.2
    assert refused_as_no_audit(audit.decide(), "a quadrant of a training pair, pasted")


def test_held_out_images_that_are_called_copies_are_false_alarms(audit):
    real = audit.photographs["real"]
    real[TRAINING, 0] = LIKE
    results = audit.decide()
    assert results["passed"] and results["controls"]["held-out pairs in the place of synthetic ones"]["value"][
        "flagged"] == 1  # of ten, which one percent explains
    real[TRAINING + 3, 2] = LIKE
    assert refused_as_no_audit(audit.decide(), "held-out pairs in the place of synthetic ones")


def test_held_out_images_that_are_nearer_to_training_images_than_to_one_another_are_a_false_alarm(audit):
    audit.photographs["real"][TRAINING:, TRAINING:] -= 0.06
    results = audit.decide()
    assert refused_as_no_audit(results, "held-out pairs in the place of synthetic ones")
    assert results["controls"]["held-out pairs in the place of synthetic ones"]["value"]["flagged"] == 0


def test_masks_that_were_learned_by_heart_have_to_be_caught(audit):
    audit.learned = (records("aabxyz"), *audit.learned[1:])
    assert audit.decide()["passed"]  # half of them
    audit.learned = (records("aawxyz"), *audit.learned[1:])
    assert refused_as_no_audit(audit.decide(), "a Stage-I that learned by heart")


def test_a_duplicate_is_left_out_beside_copies_and_told_by_its_row(audit):
    audit.masks["synthetic"][1, 4] = LIKE
    audit.duplicates = [(2, 0, 0.93)]  # of the rows that are no copies: 3 repeats 0
    results = audit.decide()
    assert results["passed"] and results["left_out"] == [1, 3]
    assert results["copies"] == {1: ["whole masks"]}
    assert results["duplicates"] == [{"row": 3, "of": 0, "alike": 0.93}]
    text = report.markdown(results)
    assert f"Copies found, and left out: 1; {PAIRS - 2} of {PAIRS} pairs may be released." in text
    assert "No copy found" not in text.partition("What an audit cannot prove")[0]
    assert "- pair 1 is a copy by whole masks\n- pair 3 repeats pair 0 (0.93)" in text
    assert "1 copies, 1 duplicates within the set" in text and f"]({report.DUPLICATES})" in text


@pytest.mark.parametrize("copied, passes", [(0, True), (1, True), (2, False)])
def test_networks_that_draw_more_copies_than_false_alarms_explain_are_not_given_away(audit, copied, passes):
    """A release leaves the copies out, and whoever has the networks draws them again."""
    audit.photographs["synthetic"][:copied, 0] = LIKE
    results = audit.decide()
    assert results["passed"] and len(results["copies"]) == copied and results["generators_passed"] == passes
    assert verdicts(results)["copies that the networks draw"] == ("passes" if passes else "fails")


@pytest.mark.parametrize("copied, passes", [(PAIRS // 2, True), (PAIRS // 2 + 1, False), (PAIRS, False)])
def test_half_of_the_pairs_have_to_remain(audit, copied, passes):
    audit.photographs["synthetic"][:copied, 0] = LIKE
    results = audit.decide()
    assert results["passed"] == passes and len(results["left_out"]) == copied and results["controls_passed"]
    assert passes or results["refused"] == [f"only {PAIRS - copied} of {PAIRS} pairs are no copies"]
    assert verdicts(results)["pairs that are no copies"] == ("passes" if passes else "fails")


def test_a_report_says_where_another_version_audited_the_pairs(audit, tmp_path):
    """A release refuses such an audit, so pairs may not be released because it passed."""
    results = {**audit.decide(), "folder": "audit"}
    for version, said in ((AUDIT_VERSION, False), (AUDIT_VERSION - 1, True)):
        shown = privacy.section({"privacy": {**results, "made_from": {"version": version}}}, tmp_path).blocks
        assert "pairs may be released." in shown[0].text
        assert ("a release takes an audit by this one." in getattr(shown[1], "text", "")) == said


def test_power_does_not_take_ten_of_ten_controls_for_all_copies(audit):
    """0.6915 of copies may be found where ten of ten were, 0.5550 where nine were; 1 - 0.7354^12 = 0.975."""
    audit.photographs[COPIES][0, 0] = 0.2
    power = audit.decide()["power"]
    assert power == {"certainty": 0.95, "mask": pytest.approx(0.2646 / 0.6915, abs=1e-3),
                     "photograph": pytest.approx(0.2646 / 0.5550, abs=1e-3)}

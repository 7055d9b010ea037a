"""Thresholds hold what they promise on numbers of which the distribution is known, and on drawn eyes."""
from __future__ import annotations

import numpy as np
import pytest

from unet_eval.audit import controls, examine
from unet_eval.audit.records import concatenate
from unet_eval.audit.thresholds import FALSE_ALARMS, LEAST_PAIRS, threshold, unrelated


def test_the_largest_of_two_people_counts_and_nobody_beside_himself():
    alike = np.array([[1, .2, .3], [.4, 1, .9], [.5, .9, 1], [.7, .1, .6]])
    found = unrelated(alike, list("abbc"), list("abb"), np.arange(3))
    assert found == {("a", "b"): 0.5, ("a", "c"): 0.7, ("b", "c"): 0.6}
    assert unrelated(alike, list("abbc"), list("abb"), np.array([0])) == {("a", "b"): 0.5, ("a", "c"): 0.7}


@pytest.mark.parametrize("spread", ["gumbel", "normal"])
def test_false_alarms_are_as_rare_as_promised(spread):
    """Of 600 audits with 40 pairs of people, each of pairs that are compared 60 times."""
    random, alarms = np.random.default_rng(0), []
    for _ in range(600):
        people = {(str(k), ""): value for k, value in enumerate(getattr(random, spread)(0.2, 0.02, 40))}
        limit = threshold(people, 60)
        alarms.append((getattr(random, spread)(0.2, 0.02, (200, 60)).max(axis=1) > limit).mean())
    assert np.mean(alarms) < 1.3 * FALSE_ALARMS


def test_too_few_people_give_no_threshold():
    people = {(str(k), "x"): k / 100 for k in range(LEAST_PAIRS)}
    assert 0.2 < threshold(people, 10) < threshold(people, 100) < 1
    assert threshold(people, 10, without="3") == threshold(people, 10, without="x") == np.inf


@pytest.mark.training
@pytest.mark.long
def test_copies_are_found_and_eyes_that_copy_nobody_are_not():
    """The audit of 60 drawn eyes that copy nobody, 20 copies and 20 pasted quadrants; minutes on two cores."""
    eyes, innocent = controls.eyes_twice(22, seed=5)[0], controls.eyes_twice(60, seed=6)[0]
    training, held_out = eyes.take(range(14)), eyes.take(range(14, 22))
    copied = training.take(number % 14 for number in range(20))
    synthetic = concatenate([innocent, controls.altered(copied, seed=7),
                             controls.with_quadrants(held_out, copied, seed=8)])
    found = examine.compare(synthetic, examine.Real(training, held_out), "fundus", 0)
    flagged = np.isin(np.arange(100), list(examine.offenders(found, "synthetic")))
    assert flagged[:60].sum() <= 3, flagged[:60].sum()  # more has a chance of 1 in 300 at a rate of 1 %
    assert flagged[60:80].all()
    assert flagged[80:].mean() >= 0.9

"""Verdicts on the paper's claims."""
from math import inf

import numpy as np
import pytest

from unet_eval.measures.nearest import nearer
from unet_eval.report.claims import claims, copies, factor, statistics, together, verdict


def verdicts(results):
    table = claims(results)
    return [row[table.head.index("verdict")] for row in table.rows]


def test_an_interval_decides_only_where_it_lies_on_one_side_of_the_margins():
    assert verdict([0.98, 1.0], 0.97, 1.01) == "reproduced"
    assert verdict([0.96, 1.0], 0.97, 1.01) == verdict([0.9, 1.1], 0.97, 1.01) == "undecided"  # the wider, the less
    assert verdict([0.9, 0.96], 0.97, 1.01) == verdict([1.02, 1.03], 0.97, 1.01) == "not reproduced"
    assert verdict([None, None], 0.97, 1.01) == "undecided"  # too few patients
    assert verdict([-5.0, 0.6], -inf, 0.6) == "reproduced"
    assert together(["reproduced", "undecided"]) == "undecided" and together(["reproduced"] * 2) == "reproduced"
    assert together(["undecided", "not reproduced", "reproduced"]) == "not reproduced"


@pytest.fixture
def known(results):
    """Results in which every claim has a known verdict."""
    results["arms"]["synthetic"]["ratio"]["f1_macro"].update(mean=0.95, ci95=[0.9437, 0.9574])
    results["kl"].update(synthetic_real=0.0283, real_real=0.0513,
                         range={"synthetic_real": [0.02, 0.04], "real_real": [0.03, 0.07]}, n=9)
    for name, entry in results["masks"]["statistics"].items():
        entry["shift"]["ci95"] = [0.6, 0.9] if name == "length" else [-0.2, 0.3]
        entry["spread"]["ci95"] = [0.7, 1.5]
    results["nearest"]["share"] = {"mean": 0.45, "ci95": [0.35, 0.55]}
    for name, frechet, ms_ssim in (("real_real", 0.61, 0.32), ("synthetic", 1.83, 0.35), ("single", 3.91, 0.4)):
        results["distances"]["sets"][name].update(frechet=frechet, ms_ssim=ms_ssim)
        results["distances"]["sets"][name]["spread"].update(frechet=0.0321, ms_ssim=0.01)
        results["distances"]["fixed"][name].update(frechet=frechet / 2)
        results["distances"]["fixed"][name]["spread"].update(frechet=0.01)
    results["distances"]["n"] = 9
    return results


def test_verdicts(known):
    assert verdicts(known) == ["not reproduced: lower",  # at most 0.9574, 0.02 and more below 0.9877
                               "not reproduced",         # 0.0283 is below 0.0513
                               "not reproduced",         # length differs
                               "they lie no nearer than unseen real masks", "not reproduced", "reproduced",
                               "shown, not measured"]


def test_other_verdicts(known):
    known["arms"]["synthetic"]["ratio"]["f1_macro"]["ci95"] = [0.97, 1.0]
    known["kl"].update(range={"synthetic_real": [3.0, 8.0], "real_real": [3e-4, 8e-4]})
    known["masks"]["statistics"]["length"]["shift"]["ci95"] = [-0.4, 0.4]
    known["nearest"]["share"]["ci95"] = [0.61, 0.9]
    known["distances"]["sets"]["synthetic"]["ms_ssim"] = 0.28
    for observer in ("sets", "fixed"):
        known["distances"][observer]["single"]["frechet"] = 0.5
    assert verdicts(known) == ["reproduced", "reproduced", "reproduced", "they lie nearer than unseen real masks",
                               "reproduced", "not reproduced", "shown, not measured"]
    known["arms"]["synthetic"]["ratio"]["f1_macro"].update(mean=1.02, ci95=[1.01, 1.03])
    known["kl"]["range"]["real_real"] = [0.01, 0.02]  # 24 times the paper's and more
    assert verdicts(known)[:2] == ["exceeded", "in direction only"]


def test_imprecise_measurements_decide_nothing(known):
    known["arms"]["synthetic"]["ratio"]["f1_macro"]["ci95"] = [0.6, 1.4]
    known["kl"].update(range={"synthetic_real": [1.0, 8.0], "real_real": [1e-4, 1e-3]})
    for entry in known["masks"]["statistics"].values():
        entry["shift"]["ci95"], entry["spread"]["ci95"] = [-2, 2], [None, None]
    known["nearest"]["share"]["ci95"] = [0.2, 0.8]
    known["distances"]["sets"]["synthetic"]["ms_ssim"] = 0.31
    known["distances"]["sets"]["single"]["frechet"] = 1.83 + 1.9 * (2 * 0.0321 ** 2) ** 0.5  # less than 2 SD
    known["distances"]["fixed"]["single"]["frechet"] = known["distances"]["fixed"]["synthetic"]["frechet"]
    assert verdicts(known)[:6] == ["undecided"] * 6
    assert {*statistics(known).values()} == {"undecided"} and copies(known["nearest"]) == "undecided"


def test_a_few_copies_among_many_masks_are_not_called_no_copies(known):
    """Three masks of thirty are training masks to the pixel; the others lie farther from them than real masks do."""
    patients = np.array(list("abcdefgh"))
    synthetic, test = np.array([0.0] * 3 + [0.4] * 27), np.linspace(0.2, 0.3, 8)
    known["nearest"].update(synthetic=synthetic.tolist(), test=test.tolist(), **nearer(synthetic, test, patients))
    assert copies(known["nearest"]) == "reproduced"
    row = claims(known).rows[3]
    assert "smallest 0.000" in row[1] and "smallest 0.200" in row[1]
    assert row[2] == "they lie no nearer than unseen real masks" and "a few copies among many" in row[3]


def test_networks_that_do_not_agree_decide_nothing(known):
    known["distances"]["fixed"]["single"]["frechet"] = 0.5
    assert verdicts(known)[5] == "undecided"


def test_one_or_two_photographs_a_side_decide_nothing(known):
    """Of two real photographs there is one choice of halves, so a range of choices says next to nothing."""
    known["kl"].update(range={"synthetic_real": [3.0, 8.0], "real_real": [3e-4, 8e-4]})
    assert verdicts(known)[1] == verdicts(known)[5] == "reproduced"
    known["kl"]["n"] = known["distances"]["n"] = 2
    assert verdicts(known)[1] == verdicts(known)[5] == "undecided"
    known["kl"]["range"]["real_real"] = [0.01, 0.02]
    assert verdicts(known)[1] == "undecided"  # nor the direction


def test_claims_without_numbers_are_left_out(few):
    del few["arms"]["real"]
    few["kl"]["synthetic_real"] = few["distances"]["sets"]["real_real"]["ms_ssim"] = None
    claimed = [row[0] for row in claims(few).rows]
    assert claimed == ["Synthetic data keep the statistics of the real data",
                       "Generated masks are no copies of training masks"]


def test_factor_goes_both_ways():
    assert factor(2.0, 8.0) == factor(8.0, 2.0) == 4 and factor(0.0, 1.0) is None and factor(None, 1.0) is None

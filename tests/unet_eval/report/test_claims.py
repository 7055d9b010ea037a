"""Verdicts on the paper's claims."""
import pytest

from unet_eval.report.claims import claims, factor


def verdicts(results):
    table = claims(results)
    return [row[table.head.index("verdict")] for row in table.rows]


@pytest.fixture
def known(results):
    """Results in which every claim has a known verdict."""
    results["arms"]["synthetic"]["ratio"]["f1_macro"]["ci95"] = [0.9437, 0.9774]
    results["kl"].update(synthetic_real=0.0283, real_real=0.0513)
    for name, entry in results["masks"]["statistics"].items():
        entry["p_holm"] = 0.04 if name == "length" else 0.5
    results["masks"]["statistics"]["branching"]["p_holm"] = None
    results["nearest"]["p"] = 0.23
    for name, frechet, ms_ssim in (("real_real", 0.61, 0.32), ("synthetic", 1.83, 0.35), ("single", 3.91, 0.4)):
        results["distances"]["sets"][name].update(frechet=frechet, ms_ssim=ms_ssim)
        results["distances"]["sets"][name]["spread"]["frechet"] = 0.0321
    return results


def test_verdicts(known):
    assert verdicts(known) == ["not reproduced: lower",            # at most 0.9774, below 0.9877
                               "not reproduced",                   # 0.0283 is below 0.0513
                               "not reproduced",                   # length differs
                               "no sign of copies", "not reproduced", "reproduced", "shown, not measured"]
    known["arms"]["synthetic"]["ratio"]["f1_macro"]["ci95"] = [0.98, 1.0]
    known["kl"].update(synthetic_real=4.0, real_real=5e-4)
    known["masks"]["statistics"]["length"]["p_holm"] = 0.06
    known["nearest"]["p"] = 0.01
    known["distances"]["sets"]["synthetic"]["ms_ssim"] = 0.3
    known["distances"]["sets"]["single"]["frechet"] = 1.0
    assert verdicts(known) == ["reproduced", "reproduced", "reproduced",
                               "not shown: they lie nearer than unseen real masks", "reproduced", "not reproduced",
                               "shown, not measured"]
    known["kl"]["real_real"] = 0.01  # 24 times the paper's
    known["arms"]["synthetic"]["ratio"]["f1_macro"]["ci95"] = [1.0, 1.02]
    assert verdicts(known)[:2] == ["exceeded", "in direction only"]
    known["distances"]["sets"]["single"]["frechet"] = 1.83 + 1.9 * (2 * 0.0321 ** 2) ** 0.5  # less than 2 SD
    assert verdicts(known)[5] == "undecided"


def test_claims_without_numbers_are_left_out(few):
    del few["arms"]["real"]
    few["kl"]["synthetic_real"] = few["distances"]["sets"]["real_real"]["ms_ssim"] = None
    claimed = [row[0] for row in claims(few).rows]
    assert claimed == ["Synthetic data keep the statistics of the real data",
                       "Generated masks are no copies of training masks"]


def test_factor_goes_both_ways():
    assert factor(2.0, 8.0) == factor(8.0, 2.0) == 4 and factor(0.0, 1.0) is None and factor(None, 1.0) is None

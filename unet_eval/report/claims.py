"""What the paper claims, what was measured, and a verdict by a rule that is stated beside it."""
from __future__ import annotations

from math import hypot
from statistics import median

from unet_eval.report.headline import ratio
from unet_eval.report.tables import Table
from unet_eval.report.text import interval, number, probability, short

LEVEL = 0.05
WITHIN = 2  # times, for two divergences to be called alike
DEVIATIONS = 2  # for two Fréchet distances to be called different


def claims(results: dict) -> Table:
    """A row a claim for which the run has the numbers."""
    rows = [rule(results) for rule in (_worth, _divergence, _distribution, _originals, _variety, _single, _second)]
    return Table(["claim of the paper", "measured", "verdict", "rule"], [row for row in rows if row],
                 prose=True)


def factor(measured: float | None, paper: float) -> float | None:
    """How many times the larger is the smaller of the two; None where the measured one is not a positive number."""
    return max(measured / paper, paper / measured) if measured else None


def reproduces(kl: dict, paper: dict) -> bool:
    """Whether both divergences of a definition are within a factor of `WITHIN` of the paper's."""
    factors = [factor(kl[key], paper[f"kl_{key}"]) for key in ("synthetic_real", "real_real")]
    return all(times is not None and times <= WITHIN for times in factors)


def _worth(results):
    both = ratio(results)
    if not both:
        return None
    measured, (low, high) = both["f1_macro"]["mean"], both["f1_macro"]["ci95"]
    verdict = ("reproduced" if low <= both["paper"] <= high else
               "not reproduced: lower" if high < both["paper"] else "exceeded")
    return [f"Synthetic pairs give nearly the F1 of real ones: {both['paper']:.4f} of it",
            f"{number(measured)} of the macro F1 ({interval([low, high])})", verdict,
            "the 95% interval includes the paper’s ratio"]


def _divergence(results):
    kl, paper = results["kl"], results["paper"]
    synthetic, real = kl["synthetic_real"], kl["real_real"]
    if synthetic is None or real is None:
        return None
    verdict = ("not reproduced" if synthetic <= real else
               "reproduced" if reproduces(kl, paper) else "in direction only")
    return [f"Synthetic and real grey levels differ by KL {short(paper['kl_synthetic_real'])}, halves of the real by "
            f"{short(paper['kl_real_real'])}", f"{short(synthetic)} and {short(real)}", verdict,
            f"direction: the first is the larger; reproduced: both also within a factor of {WITHIN} of the paper’s"]


def _distribution(results):
    tested = [entry["p_holm"] for entry in results["masks"]["statistics"].values() if entry["p_holm"] is not None]
    differing = sum(p < LEVEL for p in tested)
    return ["Synthetic data keep the statistics of the real data",
            f"{differing} of {len(tested)} statistics of masks differ", "not reproduced" if differing else "reproduced",
            f"no statistic differs at p < {LEVEL}, Kolmogorov-Smirnov, corrected by Holm"]


def _originals(results):
    nearest = results["nearest"]
    verdict = "not shown: they lie nearer than unseen real masks" if nearest["p"] < LEVEL else "no sign of copies"
    return ["Generated masks are no copies of training masks",
            f"median distance {number(median(nearest['synthetic']), 3)}, of real test masks "
            f"{number(median(nearest['test']), 3)}; p {probability(nearest['p'])}", verdict,
            f"generated masks are not nearer than real test masks, one-sided Mann-Whitney, p < {LEVEL}"]


def _of_sets(results, key, *names):
    """The numbers `key` of sets of photographs; None where one is missing."""
    values = [results["distances"]["sets"].get(name, {}).get(key) for name in names]
    return None if None in values else values


def _variety(results):
    values = _of_sets(results, "ms_ssim", "synthetic", "real_real")
    return values and ["The pipeline produces a wider variety of photographs than the original data",
                       f"MS-SSIM within the synthetic set {number(values[0], 3)}, within the real one "
                       f"{number(values[1], 3)}", "reproduced" if values[0] < values[1] else "not reproduced",
                       "a lower MS-SSIM is more variety; no interval"]


def _single(results):
    names = ("single", "synthetic", "real_real")
    distances, spreads = (_of_sets(results, key, *names) for key in ("frechet", "spread"))
    if not distances:
        return None
    deviations = [spread["frechet"] for spread in spreads]
    farther, chance = distances[0] - distances[1], DEVIATIONS * hypot(*deviations[:2])
    measured = ", ".join(f"{name} {short(distance)} (SD {short(deviation)})" for name, distance, deviation in
                         zip(("Fréchet distance", "two stages", "floor"), distances, deviations))
    return ["A single GAN draws worse photographs than two stages", measured,
            "reproduced" if farther > chance else "not reproduced" if farther < -chance else "undecided",
            f"the single GAN’s distance is the larger by more than {DEVIATIONS} SD over choices of images; undecided: "
            "by less, either way"]


def _second(results):
    second = results["second"]
    return second and ["The pipeline works on a second data set", f"Figure 6, from {second['n_train']} pairs",
                       "shown, not measured", "a picture only, as in the paper"]

"""What the paper claims, what was measured, and a verdict by a rule that is stated beside it.

A verdict rests on a 95 % interval and a margin: "reproduced" where the whole interval lies within the margin, "not
reproduced" where it lies outside, else "undecided". So imprecise measurements decide nothing.
"""
from __future__ import annotations

from math import hypot, inf
from statistics import median

from unet_eval.measures.resampling import LEAST
from unet_eval.report.headline import ratio
from unet_eval.report.tables import Table
from unet_eval.report.text import interval, number, percent, short

MARGIN = 0.02   # of a ratio of F1 scores: to either side of the paper's
WITHIN = 2      # times, for two divergences to be called alike
SHIFT = 0.5     # interquartile ranges, of means of the statistics of masks
SPREAD = 2      # times, of their standard deviations
NEARER = 0.1    # of pairs of masks, beyond one half
DEVIATIONS = 2  # for two distances between sets of photographs to be called different


def verdict(ends: list[float | None], low: float, high: float) -> str:
    """Of an interval: "reproduced" within [low, high], "not reproduced" outside; "undecided" across an end, or without
    an interval."""
    if None in ends:
        return "undecided"
    return ("reproduced" if low <= ends[0] and ends[1] <= high else
            "not reproduced" if ends[1] < low or high < ends[0] else "undecided")


def together(verdicts: list[str]) -> str:
    """Of a claim that needs several things."""
    return next((found for found in ("not reproduced", "undecided") if found in verdicts), "reproduced")


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
    measured, ends, paper = both["f1_macro"]["mean"], both["f1_macro"]["ci95"], both["paper"]
    found = verdict(ends, paper - MARGIN, paper + MARGIN)
    if found == "not reproduced":
        found = "not reproduced: lower" if measured < paper else "exceeded"
    return [f"Synthetic pairs give nearly the F1 of real ones: {paper:.4f} of it",
            f"{number(measured)} of the macro F1 ({interval(ends)})", found,
            f"the 95% interval lies within {MARGIN} of the paper’s ratio"]


def _divergence(results):
    kl, paper = results["kl"], results["paper"]
    keys = ("synthetic_real", "real_real")
    if None in [kl[key] for key in keys]:
        return None
    ranges = [kl["range"][key] for key in keys]
    found = together([verdict(ends, paper[f"kl_{key}"] / WITHIN, paper[f"kl_{key}"] * WITHIN)
                      for key, ends in zip(keys, ranges)])
    if found == "not reproduced" and None not in ranges[0] + ranges[1] and ranges[0][0] > ranges[1][1]:
        found = "in direction only"
    found = found if kl["n"] >= LEAST else "undecided"
    measured = " and ".join(f"{short(kl[key])} ({interval(ends, short)})" for key, ends in zip(keys, ranges))
    return [f"Synthetic and real grey levels differ by KL {short(paper['kl_synthetic_real'])}, halves of the real by "
            f"{short(paper['kl_real_real'])}", measured, found,
            f"both 95% ranges, of {LEAST} photographs a side or more, lie within a factor of {WITHIN} of the paper’s; "
            "direction: the first above the second"]


def statistics(results: dict) -> dict[str, str]:
    """The verdict on each statistic of masks, whether its mean and its spread are kept: {name: verdict}."""
    return {name: together([verdict(entry["shift"]["ci95"], -SHIFT, SHIFT),
                            verdict(entry["spread"]["ci95"], 1 / SPREAD, SPREAD)])
            for name, entry in results["masks"]["statistics"].items()}


def _distribution(results):
    verdicts = list(statistics(results).values())
    kept, changed = verdicts.count("reproduced"), verdicts.count("not reproduced")
    return ["Synthetic data keep the statistics of the real data",
            f"of {len(verdicts)} statistics of masks {kept} are kept, {changed} are not", together(verdicts),
            f"of each statistic the 95% intervals lie within: means, {SHIFT:g} interquartile ranges of the real masks; "
            f"standard deviations, a factor of {SPREAD}"]


def copies(nearest: dict) -> str:
    """The verdict on "generated masks are no nearer to the training masks than real ones"."""
    return verdict(nearest["share"]["ci95"], -inf, 0.5 + NEARER)


def _originals(results):
    nearest = results["nearest"]
    if nearest["share"]["mean"] is None:
        return None
    made, test = (f"{number(median(nearest[key]), 3)}, smallest {number(min(nearest[key]), 3)}"
                  for key in ("synthetic", "test"))
    return ["Generated masks are no copies of training masks",
            f"median distance {made}; of real test masks {test}; nearer in {percent(nearest['share']['mean'])} of the "
            f"pairs ({interval(nearest['share']['ci95'], percent)})",
            {"reproduced": "they lie no nearer than unseen real masks",
             "not reproduced": "they lie nearer than unseen real masks"}.get(copies(nearest), "undecided"),
            "of pairs of a generated and a real test mask, the generated one is the nearer to the training masks in at "
            f"most {percent(0.5 + NEARER)} (95% interval), which a few copies among many masks do not change"]


def _smaller(sets, key, *names):
    """Whether the first set's number is the smaller: (numbers, standard deviations, verdict); None where a set lacks
    it. `names` are of `sets`; only the first two are compared."""
    numbers, deviations = ([where.get(key) for where in each] for each in (
        [sets.get(name, {}) for name in names], [sets.get(name, {}).get("spread", {}) for name in names]))
    if None in numbers + deviations:
        return None
    difference, chance = numbers[0] - numbers[1], DEVIATIONS * hypot(*deviations[:2])
    return numbers, deviations, verdict([difference - chance, difference + chance], -inf, 0)


def _variety(results):
    compared = _smaller(results["distances"]["sets"], "ms_ssim", "synthetic", "real_real")
    if not compared:
        return None
    (synthetic, real), deviations, found = compared
    return ["The pipeline produces a wider variety of photographs than the original data",
            f"MS-SSIM within the synthetic set {number(synthetic, 3)} (SD {number(deviations[0], 3)}), within the real "
            f"one {number(real, 3)} (SD {number(deviations[1], 3)})", found,
            f"a lower MS-SSIM is more variety, by more than {DEVIATIONS} SD"]


def _single(results):
    compared = [_smaller(results["distances"][observer], "frechet", "synthetic", "single", "real_real")
                for observer in ("sets", "fixed")]
    if None in compared:
        return None
    measured = "; ".join(
        f"{observer}: " + ", ".join(f"{name} {short(distance)} (SD {short(deviation)})" for name, distance, deviation in
                                    zip(("two stages", "single GAN", "floor"), numbers, deviations))
        for observer, (numbers, deviations, _) in zip(("Fréchet distance by the U-Net", "by a fixed one"), compared))
    verdicts = {found for _, _, found in compared}
    return ["A single GAN draws worse photographs than two stages", measured,
            verdicts.pop() if len(verdicts) == 1 and results["distances"]["n"] >= LEAST else "undecided",
            f"by both networks the single GAN’s distance is the larger by more than {DEVIATIONS} SD over choices of "
            f"{LEAST} photographs or more"]


def _second(results):
    second = results["second"]
    return second and ["The pipeline works on a second data set", f"Figure 6, from {second['n_train']} pairs",
                       "shown, not measured", "a picture only, as in the paper"]

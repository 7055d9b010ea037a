"""The tables of report.html and results.md, made once: plain text, from what results.json holds."""
from __future__ import annotations

import re
from dataclasses import dataclass

from unet_eval.metrics import F1, LARGEST
from unet_eval.morphology import STATISTICS

FAMILIES = ("real", "real+synthetic", "rendered", "synthetic", "phantom")
METRICS = {"f1_vessel": "vessel F1", "f1_background": "background F1", "f1_macro": "macro F1",
           "sensitivity": "sensitivity", "specificity": "specificity", "accuracy": "accuracy", "auc": "AUC",
           "mcc": "MCC"}
SETS = {"real_real": "real (the floor)", "synthetic": "synthetic", "rendered": "rendered", "single": "single GAN",
        "phantom": "phantom"}
PIXELS = {"fov": "field of view", "all": "all"}


@dataclass(frozen=True)
class Table:
    """Cells are text; what follows a line break in a cell is an aside. `strong` is the row to stress, if any; `prose`
    says that cells are read rather than compared."""

    head: list[str]
    rows: list[list[str]]
    strong: int | None = None
    prose: bool = False


def number(value: float | None, digits: int = 4) -> str:
    """The number with a true minus sign, or a dash where it is not defined."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def short(value: float | None) -> str:
    """Four significant digits, for numbers of any size."""
    if value is None:
        return "–"
    return (f"{value:.3e}".replace("e-0", "e-") if 0 < abs(value) < 1e-3 else f"{value:.4g}").replace("-", "−")


def probability(value: float | None) -> str:
    """Of a test: three digits; a bootstrap's smallest is about 0.001."""
    return "–" if value is None else "≤ 0.001" if value <= 0.001 else f"{value:.3f}"


def interval(ends: list[float] | None, write=number) -> str:
    return "–" if not ends or None in ends else f"{write(ends[0])} to {write(ends[1])}"


def family(arm: str) -> tuple[str, int]:
    """"synthetic-100" -> ("synthetic", 100); 0 where the name has no number."""
    name, count = re.fullmatch(r"(.*?)(?:-(\d+))?", arm).groups()
    return name, int(count or 0)


def ordered(arms: dict) -> list[str]:
    """Names of arms: real first, phantom last, the synthetic ones by their number of pairs, then any other."""
    def place(arm):
        name, count = family(arm)
        return FAMILIES.index(name) if name in FAMILIES else len(FAMILIES), count

    return sorted(arms, key=place)


def ratio(results: dict) -> dict | None:
    """Synthetic over real arm of "f1_vessel" and "f1_macro", and the "paper"'s; "ci95" of the macro one.

    That interval is the one of the difference over the real arm's mean, or None where there is no difference.
    None where one of the arms is missing or the real one found no vessel.
    """
    arms, paper = results["arms"], results["paper"]
    if not {"real", "synthetic"} <= arms.keys() or not arms["real"]["fov"]["f1_vessel"]:
        return None
    real, synthetic = arms["real"]["fov"], arms["synthetic"]["fov"]
    ends = (arms["synthetic"].get("difference") or {}).get("f1_macro", {}).get("ci95")
    return {**{key: synthetic[key] / real[key] for key in ("f1_vessel", "f1_macro")},
            "paper": paper["f1_synthetic"] / paper["f1_real"],
            "ci95": ends and [1 + end / real["f1_macro"] for end in ends]}


def spread(arm: dict, key: str) -> float | None:
    """Standard deviation over seeds; None where there is one seed only."""
    return (arm.get("spread") or {}).get(key)


def headline(results: dict) -> Table:
    """What the paper reports beside what was measured."""
    arms, kl, paper, both = results["arms"], results["kl"], results["paper"], ratio(results)
    rows = []
    for key in ("f1_macro", "f1_vessel"):
        for name in (name for name in ("real", "synthetic", "real+synthetic") if name in arms):
            arm = arms[name]
            rows.append([f"{METRICS[key]}, {name}", number(paper.get(f"f1_{name}") if key == "f1_macro" else None),
                         f"{number(arm['fov'][key])}\n{interval(arm['ci95'][key])}", number(spread(arm, key))])
        if both:
            rows.append([f"{METRICS[key]}, synthetic / real", number(both["paper"] if key == "f1_macro" else None),
                         number(both[key]) + (f"\n{interval(both['ci95'])}" if key == "f1_macro" else ""), "–"])
    rows += [["KL, synthetic against real", short(paper["kl_synthetic_real"]), short(kl["synthetic_real"]), "–"],
             ["KL, halves of the real", short(paper["kl_real_real"]), short(kl["real_real"]), "–"]]
    return Table(["", "paper", "measured\n95% interval", "SD\nover seeds"], rows)


def arms(results: dict) -> Table:
    def f1(arm, key):
        return f"{number(arm['fov'][key])}\n{interval(arm['ci95'][key])}"

    rows = []
    for name in ordered(results["arms"]):
        arm = results["arms"][name]
        difference = (arm.get("difference") or {}).get("f1_vessel")
        rows.append([name, str(arm["n_train_pairs"]), str(len(arm.get("seeds") or [0])), f1(arm, "f1_vessel"),
                     number(spread(arm, "f1_vessel")), f1(arm, "f1_macro"), number(spread(arm, "f1_macro")),
                     f"{signed(difference['mean'])}\n{interval(difference['ci95'], signed)}" if difference else "–",
                     probability(difference["p"] if difference else None)])
    return Table(["arm", "pairs", "seeds", "vessel F1\n95% interval", "SD", "macro F1\n95% interval", "SD",
                  "vessel F1 − real\n95% interval", "p"], rows)


def contrasts(results: dict) -> Table:
    """Differences between arms that are trained on no real photographs."""
    rows = [[f"{of['arm']} − {of['less']}", *(cell for key in F1 for cell in (
        f"{signed(of[key]['mean'])}\n{interval(of[key]['ci95'], signed)}", probability(of[key]["p"])))]
        for of in results.get("contrasts") or []]
    return Table(["difference", "vessel F1\n95% interval", "p", "macro F1\n95% interval", "p"], rows)


def metrics(results: dict) -> Table:
    rows = [[f"{name}, {text}", number(results["arms"][name]["threshold"], 2),
             *(number(results["arms"][name][region].get(key)) for key in METRICS)]
            for name in ordered(results["arms"]) for region, text in (("fov", "field of view"), ("all", "all pixels"))]
    return Table(["arm, pixels", "threshold", *METRICS.values()], rows)


def seeds(results: dict) -> Table:
    rows = [[name, str(one["seed"]), number(one["threshold"], 2),
             *(number(one.get(key)) for key in ("f1_vessel", "f1_macro", "auc", "validation_f1"))]
            for name in ordered(results["arms"]) for one in results["arms"][name].get("seeds") or []]
    return Table(["arm", "seed", "threshold", "vessel F1", "macro F1", "AUC", "validation F1"], rows)


def images(results: dict, wanted: list[str]) -> Table:
    """Every test image, vessel F1 of the `wanted` arms."""
    of = [results["arms"][name]["per_image"] for name in wanted]
    return Table(["image", *wanted], [[image[0]["stem"], *(number(one["f1_vessel"]) for one in image)]
                                      for image in zip(*of)])


def cross(results: dict, other: str) -> Table:
    """The arms on the data set `other`."""
    tested = results["cross"][other]["arms"]
    rows = []
    for name in ordered(tested):
        arm = tested[name]
        rows.append([name, *(cell for key in F1 for cell in (
            f"{number(arm[key])}\n{interval(arm['ci95'][key])}", number(spread(arm, key))))])
    return Table(["arm", "vessel F1\n95% interval", "SD", "macro F1\n95% interval", "SD"], rows)


def divergences(results: dict) -> Table:
    """Every definition of KL that was tried; the paper's values last."""
    kl, paper = results["kl"], results["paper"]
    keys = ("synthetic_real", "real_synthetic", "real_real")
    rows = [[str(one["bins"]), "R, G, B" if one.get("channels") == "rgb" else "grey", PIXELS[one["pixels"]],
             f"{one['smoothing']:g}", *(short(one[key]) for key in keys)] for one in kl.get("definitions") or [kl]]
    rows.append(["paper", "–", "–", "–", short(paper["kl_synthetic_real"]), "–", short(paper["kl_real_real"])])
    return Table(["bins", "channels", "pixels", "smoothing", "KL(synthetic, real)", "KL(real, synthetic)",
                  "KL(real, real)"], rows, kl.get("nearest"))


def distances(results: dict) -> Table:
    sets = results["distances"]["sets"]
    rows = []
    for name, of in sorted(sets.items(), key=lambda item: [*SETS, item[0]].index(item[0])):
        apart = of["spread"]
        rows.append([SETS.get(name, name), f"{short(of['frechet'])}\nSD {short(apart['frechet'])}",
                     *(f"{number(of[key], 3)}\nSD {number(apart[key], 3)}" for key in ("precision", "recall")),
                     number(of["ms_ssim"], 3)])
    return Table(["set", "Fréchet distance", "precision", "recall", "MS-SSIM within"], rows)


def masks(results: dict) -> Table:
    of = results["masks"]
    return Table(["masks", "number", "vessel pixels, of all", f"in the {LARGEST} largest pieces, of vessel pixels"],
                 [[name, str(of[key]["n"]), number(of[key]["density"]), number(of[key]["largest_components"])]
                  for key, name in (("synthetic", "Stage-I"), ("real", "real training masks"))])


def statistic_name(name: str) -> str:
    """Label and unit of a statistic of masks."""
    return "\n".join(filter(None, STATISTICS.get(name, (name.replace("_", " "), ""))))


def mask_statistics(results: dict) -> Table:
    def summary(values):
        values = sorted(value for value in values if value is not None)
        if not values:
            return "–"
        low, middle, high = (values[round(share * (len(values) - 1))] for share in (0.25, 0.5, 0.75))
        return f"{short(middle)}\n{short(low)} to {short(high)}"

    return Table(["statistic", "synthetic: median\nquartiles", "real: median\nquartiles", "D", "p", "p, Holm"],
                 [[statistic_name(name), summary(of["synthetic"]), summary(of["real"]), number(of["statistic"], 3),
                   probability(of["p"]), probability(of["p_holm"])]
                  for name, of in results["masks"]["statistics"].items()])


def nearest(results: dict, count: int = 5) -> Table:
    """The generated masks that lie nearest to a training mask."""
    closest = sorted(results["nearest"]["matches"], key=lambda match: match["distance"])[:count]
    return Table(["generated mask", "training mask", "mirrored", "turned by", "shifted by, pixels", "distance"],
                 [[str(match["mask"]), match["stem"], "yes" if match["flip"] else "no", f"{match['degrees']}°",
                   ", ".join(number(step, 0) for step in match["shift"]), number(match["distance"])]
                  for match in closest])

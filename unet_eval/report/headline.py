"""The tables that answer the paper's question first."""
from __future__ import annotations

from unet_eval.arms import ordered
from unet_eval.report.tables import Table
from unet_eval.report.text import METRICS, interval, number, short, signed, with_interval


def ratio(results: dict) -> dict | None:
    """Synthetic over real arm of "f1_vessel" and "f1_macro", and the "paper"'s; "ci95" of the macro one.

    That interval is the one of the difference over the real arm's mean.
    None where one of the arms is missing or the real one found no vessel.
    """
    arms, paper = results["arms"], results["paper"]
    if not {"real", "synthetic"} <= arms.keys() or not arms["real"]["fov"]["f1_vessel"]:
        return None
    real, synthetic = arms["real"]["fov"], arms["synthetic"]["fov"]
    ends = arms["synthetic"]["difference"]["f1_macro"]["ci95"]
    return {**{key: synthetic[key] / real[key] for key in ("f1_vessel", "f1_macro")},
            "paper": paper["f1_synthetic"] / paper["f1_real"], "ci95": [1 + end / real["f1_macro"] for end in ends]}


def headline(results: dict) -> Table:
    """What the paper reports beside what was measured."""
    arms, kl, paper, both = results["arms"], results["kl"], results["paper"], ratio(results)
    rows = []
    for key in ("f1_macro", "f1_vessel"):
        for name in (name for name in ("real", "synthetic", "real+synthetic") if name in arms):
            arm = arms[name]
            rows.append([f"{METRICS[key]}, {name}", number(paper.get(f"f1_{name}") if key == "f1_macro" else None),
                         with_interval(arm["fov"][key], arm["ci95"][key]), number(arm["spread"][key])])
        if both:
            rows.append([f"{METRICS[key]}, synthetic / real", number(both["paper"] if key == "f1_macro" else None),
                         number(both[key]) + (f"\n{interval(both['ci95'])}" if key == "f1_macro" else ""), "–"])
    rows += [["KL, synthetic against real", short(paper["kl_synthetic_real"]), short(kl["synthetic_real"]), "–"],
             ["KL, halves of the real", short(paper["kl_real_real"]), short(kl["real_real"]), "–"]]
    return Table(["", "paper", "measured\n95% interval", "SD\nover seeds"], rows)


def summary(results: dict) -> Table:
    """The arms in the field of view, a line each, for the end of the log."""
    rows = []
    for name in ordered(results["arms"]):
        arm = results["arms"][name]
        difference = arm.get("difference", {}).get("f1_vessel")
        rows.append([name, str(arm["n_train_pairs"]), str(len(arm["seeds"])),
                     *(with_interval(arm["fov"][key], arm["ci95"][key]) for key in ("f1_vessel", "f1_macro")),
                     number(results["paper"].get(f"f1_{name}")),
                     with_interval(difference["mean"], difference["ci95"], signed) if difference else "–",
                     number(arm["fov"]["auc"])])
    both = ratio(results)
    if both:
        rows.append(["synthetic / real", "", "", number(both["f1_vessel"]), number(both["f1_macro"]),
                     number(both["paper"]), "", ""])
    return Table(["arm", "pairs", "seeds", "vessel F1\n95%", "macro F1\n95%", "paper", "vessel F1 - real\n95%", "AUC"],
                 rows)

"""The tables that answer the paper's question first."""
from __future__ import annotations

from data.errors import listed
from unet_eval.arms import ordered
from unet_eval.measures.metrics import F1
from unet_eval.measures.resampling import LEAST
from unet_eval.report.tables import Table
from unet_eval.report.text import METRICS, images, number, short, signed, training_name, with_interval


def ratio(results: dict) -> dict | None:
    """Synthetic over real arm of "f1_vessel" and "f1_macro", {"mean", "ci95"} each, and the "paper"'s.

    None where one of the arms is missing or the real one found no vessel.
    """
    paper, measured = results["paper"], results["arms"].get("synthetic", {}).get("ratio")
    if not measured or measured["f1_vessel"]["mean"] is None:
        return None
    return {**measured, "paper": paper["f1_synthetic"] / paper["f1_real"]}


def number_of_seeds(results: dict) -> int:
    """U-Nets of the arm that has most."""
    return max(len(arm["seeds"]) for arm in results["arms"].values())


def how_sure(results: dict) -> str:
    """What the intervals rest on, in sentences."""
    data, most = results["dataset"], number_of_seeds(results)
    fewest = min(len(arm["seeds"]) for arm in results["arms"].values())
    units, alone = (("patients and U-Nets", "") if most > 1 else
                    ("patients", " One U-Net an arm: what another seed would give is not in them."))
    if fewest < most:
        alone = f" Arms have {fewest} to {most} U-Nets" + (
            "; of a single one, what another seed would give is in no interval." if fewest == 1 else ".")
    held_out = " They are training images, held out: there are no masks of others." if data.get("held_out") else ""
    return (f"Measured on {images(data)}.{held_out} 95% intervals: jackknife over {units}, Student’s t.{alone}"
            f"{too_few(data)}{warm(results)}")


def trained_alike(results: dict) -> str:
    """What all U-Nets have in common, in sentences."""
    unlike, steps = results["run"]["unlike"], results["run"]["steps"]
    if unlike:
        return (f"The U-Nets were trained with different values of {listed(unlike)}: their scores are not to be "
                "compared as those of arms, which differ in their training images only.")
    if not steps:
        return ("Every arm has the same network and flags, and other training images. An epoch is one pass over an "
                "arm’s own pairs (--steps_per_epoch=0), so arms with more pairs are trained for more steps.")
    return f"Every arm has the same network, flags and number of steps, {steps[0]:,}, and other training images."


def warm(results: dict) -> str:
    """A sentence where trainings did not begin anew, else ""."""
    names = results.get("run", {}).get("warm_started")  # pooled folds are no run
    return (f" These began with the weights of another run (--warm_start): {'; '.join(map(training_name, names))}. Do "
            "not compare the scores with those of runs that began anew." if names else "")


def too_few(tested: dict) -> str:
    """A sentence where the test images are of too few patients for intervals, else ""."""
    return f" An interval takes {LEAST} patients or more." if tested["n_test_patients"] < LEAST else ""


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
                         with_interval(both[key]["mean"], both[key]["ci95"]), "–"])
    rows += [["KL, synthetic against real", short(paper["kl_synthetic_real"]), short(kl["synthetic_real"]), "–"],
             ["KL, real against real", short(paper["kl_real_real"]), short(kl["real_real"]), "–"]]
    return Table(["", "paper", "measured\n95% interval", "SD\nover seeds"], rows)


def summary(results: dict) -> Table:
    """The arms in the field of view, a line each, for the end of the log."""
    rows = []
    for name in ordered(results["arms"]):
        arm = results["arms"][name]
        difference = arm.get("difference", {}).get("f1_vessel")
        rows.append([name, str(arm["n_train_pairs"]), str(len(arm["seeds"])),
                     *(with_interval(arm["fov"][key], arm["ci95"][key]) for key in F1),
                     number(results["paper"].get(f"f1_{name}")),
                     with_interval(difference["mean"], difference["ci95"], signed) if difference else "–",
                     number(arm["fov"]["auc"])])
    both = ratio(results)
    if both:
        rows.append(["synthetic / real", "", "", *(with_interval(both[key]["mean"], both[key]["ci95"]) for key in F1),
                     number(both["paper"]), "", ""])
    return Table(["arm", "pairs", "seeds", "vessel F1\n95%", "macro F1\n95%", "paper", "vessel F1 - real\n95%", "AUC"],
                 rows)

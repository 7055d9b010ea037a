"""Which arms other than the real one are compared with each other, and what relabelling shows."""
from __future__ import annotations

from markupsafe import Markup

from unet_eval.report.blocks import Text
from unet_eval.report.text import interval, signed

# No GAN had a hand in these: what they gain by relabelling is the real arm's U-Net's.
CONTROLS = ("phantom-relabelled", "photos-relabelled", "real-relabelled")
# What Stage-I's masks lose, against real and against procedural ones; what both GANs, and Stage-II alone, are worth
# beside drawing; what relabelling gains, and what of it is the GANs'.
COMPARED = (("rendered", "synthetic"), ("phantom-rendered", "synthetic"), ("synthetic", "phantom"),
            ("phantom-rendered", "phantom"), ("synthetic-relabelled", "synthetic"),
            *(("synthetic-relabelled", control) for control in CONTROLS))
EXPLAINED = ("Between other arms: what Stage-I’s masks lose, against real and procedural ones; what the GANs are worth "
             "beside drawing; what relabelling gains; what more pairs are worth. Seeds that only one of two arms has "
             "are left out.")


def relabelling(contrasts: list[dict]) -> Text | None:
    """Whether the gain of relabelled synthetic pairs is to the credit of the GANs; None where no control was trained.
    `contrasts` as in results.json."""
    differences = {entry["less"]: entry["f1_vessel"] for entry in contrasts
                   if entry["arm"] == "synthetic-relabelled" and entry["less"] in CONTROLS}
    if not differences:
        return None
    lows, highs = zip(*(difference["ci95"] for difference in differences.values()))
    answer = ("too few patients" if None in lows else "it does" if min(lows) > 0 else
              "it does not" if min(highs) <= 0 else "undecided")
    shown = "; ".join(f"{control} {signed(difference['mean'])} ({interval(difference['ci95'], signed)})"
                      for control, difference in differences.items())
    return Text(Markup("What a U-Net knows passes through any pictures that it labels. What relabelled synthetic pairs "
                       "gain counts for the GANs only where it exceeds every relabelled control: "
                       "<strong>{}</strong>. Vessel F1 of synthetic-relabelled, less that of {}.").format(
                           answer, shown))

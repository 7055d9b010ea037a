"""How visible vessels are in renderings: their contrast, and how many of them a U-Net finds that entered no loss."""
from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from absl import logging
from matplotlib.figure import Figure as Chart

from data.fundus import View
from training.contrast import WIDTHS, mean_contrast
from unet_eval.inputs import pair_views
from unet_eval.measures.metrics import confusion
from unet_eval.report.blocks import Figure, Section, Text
from unet_eval.report.charts import BLUE, COLUMN, GREEN, ORANGE, SKY, YELLOW, chart, draw
from unet_eval.report.tables import Table
from unet_eval.report.text import number
from unet_eval.run import Run, without_held_out
from unet_eval.segment import Segmenter

NAME = "how visible the vessels are (of PAIRS of the retina)"
# Sets of pictures: title, and the photographs of the same masks, or for synthetic pairs of the masks learned from.
SETS = {"photographs": ("training photographs", None), "rendered": ("renderings of training masks", "photographs"),
        "held_out": ("held-out photographs", None), "rendered_held_out": ("renderings of held-out masks", "held_out"),
        "synthetic": ("synthetic pairs", "photographs")}
STYLES = {"photographs": (BLUE, "-"), "rendered": (ORANGE, "-"), "held_out": (SKY, "--"),
          "rendered_held_out": (YELLOW, "--"), "synthetic": (GREEN, ":")}
FOUND = 0.05     # recall and precision within this share of the photographs' are as they should be
CONTRAST = 0.20  # and contrast within this
THRESHOLD = 0.5
JUDGED = 20      # so many pictures of a set, the first, are segmented: half a second each on two AVX2 cores


def measure(run: Run) -> dict:
    """"visibility": None where the pictures are not of vessels."""
    if run.modality != "fundus":
        return {"visibility": None}
    logging.info("measuring how visible the vessels are")
    seen = {view.stem for view in run.learned}
    photographs = {"photographs": run.learned, "held_out": [view for view in run.training if view.stem not in seen]}
    stores = {"synthetic": run.stores["synthetic"], "rendered": run.stores.get("rendered"),
              "rendered_held_out": run.rendered_held_out}
    judge = judge_of(run, photographs["held_out"])
    measured = {}
    for name in SETS:
        if photographs.get(name):
            views = photographs[name]
            pictures = [(view.image, view.mask, view.fov) for view in views]
        elif stores.get(name):
            rows = range(min(run.count, len(stores[name])))
            views = pair_views(stores[name], rows)
            # As they are stored: brought to the scale of the views and back, they would lose texture.
            pictures = [tuple(stores[name][row][key].squeeze() for key in ("images", "masks", "fovs")) for row in rows]
        else:
            continue
        measured[name] = {"n": len(pictures), "contrast": mean_contrast(pictures),
                          **found(judge, islice(views, JUDGED))}
    return {"visibility": measured}


def judge_of(run: Run, held_out: list[View]) -> Segmenter | None:
    """The first U-Net of the real arm; None where there is none, where no photographs are held out, or where this U-Net
    learned from one of them: it finds more in such than in any other picture."""
    if "real" not in run.nets or not held_out:
        return None
    net = run.nets["real"][0]
    learned = without_held_out(run.config.pairs, net.validation, run.config.modality, held_out)
    return None if learned else net.segmenter


def found(judge: Segmenter | None, views: Iterable[View]) -> dict[str, float | None]:
    """Recall and precision of `judge` at THRESHOLD in the fields of view, pixels pooled; None without a judge."""
    if judge is None:
        return {"recall": None, "precision": None}
    hits, false, missed, _ = sum(confusion(view.mask > 0, judge.probability(view) >= THRESHOLD, view.fov > 0)
                                 for view in views).tolist()
    return {"recall": hits / (hits + missed) if hits + missed else None,
            "precision": hits / (hits + false) if hits + false else None}


def numbers(entry: dict) -> list[float | None]:
    """Contrast of thin, middle and wide vessels, recall, precision."""
    return [*(entry["contrast"][name] for name in WIDTHS), entry["recall"], entry["precision"]]


def ratios(measured: dict, name: str) -> list[float | None]:
    """`numbers` of the set `name` as multiples of those of its photographs; None where there is no such number, or the
    photographs' is not above 0."""
    own = measured.get(SETS[name][1])
    if own is None:
        return [None] * len(numbers(measured[name]))
    return [value / other if value is not None and (other or 0) > 0 else None
            for value, other in zip(numbers(measured[name]), numbers(own))]


def tables(results: dict) -> dict[str, Table]:
    measured, rows = results["visibility"] or {}, []
    for name, entry in measured.items():
        cells = [number(value, 2) + (f"\n{number(ratio, 2)}" if ratio is not None else "")
                 for value, ratio in zip(numbers(entry), ratios(measured, name))]
        rows.append([SETS[name][0], str(entry["n"]), *cells])
    kinds = [*(f"contrast, {name}" for name in WIDTHS), "recall", "precision"]
    head = ["pictures", "number", *(f"{kind}\nover photographs’" for kind in kinds)]
    return {"How visible the vessels are": Table(head, rows)} if rows else {}


def figures(folder: Path, results: dict, run: Run) -> None:
    if results["visibility"]:
        draw(folder / "visibility.png", contrast_chart, results["visibility"])


def contrast_chart(measured: dict) -> Chart:
    """Contrast over the width of vessels, a line a set of pictures."""
    figure, axes = chart(size=(COLUMN, 2.4))
    for name, entry in measured.items():
        title, photographs = SETS[name]
        values = [float("nan") if value is None else value for value in entry["contrast"].values()]
        axes.plot(list(WIDTHS), values, STYLES[name][1], color=STYLES[name][0], label=title, markersize=4,
                  marker="o" if photographs is None else "s")
    axes.set(xlabel="vessels", ylabel="contrast, standard deviations\nof the surroundings")
    axes.legend()
    return figure


def section(results: dict, folder: Path) -> Section | None:
    measured = results["visibility"]
    if not measured:
        return None
    return Section("visibility", "How visible the vessels are", [
        tables(results)["How visible the vessels are"],
        Text(verdict(measured), answer=True),
        Figure(folder / "visibility.png", "Contrast of thin vessels (up to 2 pixels wide), middle ones and wide ones "
               "(5 pixels and more), at 512 pixels across the field of view.", "chart"),
        Text("Contrast: how much darker the green channel is in the vessels of the mask than in a ring around them, in "
             "standard deviations of the ring; means over pictures. "
             f"Recall and precision: {judged(measured)}")])


def verdict(measured: dict) -> str:
    """How far renderings are from photographs, those of held-out masks where there are any, in what was measured."""
    name = next(name for name in ("rendered_held_out", "rendered", "synthetic") if name in measured)
    *contrasts, recall, precision = ratios(measured, name)
    # In photographs that the U-Net was trained on it finds too much to compare with.
    asked = {"recall": recall, "precision": precision} if SETS[name][1] == "held_out" else {}
    found = {what: ratio for what, ratio in asked.items() if ratio is not None}
    seen = {f"contrast of {width} vessels": ratio for width, ratio in zip(WIDTHS, contrasts) if ratio is not None}
    aims = ([f"contrast within {CONTRAST:.0%} of theirs"] * bool(seen)
            + [f"{' and '.join(found)} within {FOUND:.0%}"] * bool(found))
    if not aims:
        return f"How visible vessels in {SETS[name][0]} are beside those in photographs was not measured."
    off = [f"{what} {number(ratio, 2)}" for parts, within in ((seen, CONTRAST), (found, FOUND))
           for what, ratio in parts.items() if abs(ratio - 1) > within]
    result = f"outside of these lie {', '.join(off)}" if off else "all of these are met"
    unknown = " What has no share in the table was not measured." * (len(seen) + len(found) < len(WIDTHS) + len(asked))
    return (f"Vessels in {SETS[name][0]} should be as visible as in photographs: {', '.join(aims)}. As a share of the "
            f"photographs’ values, {result}.{unknown} This is a diagnosis, not a proof of F1.")


def judged(measured: dict) -> str:
    if measured["photographs"]["recall"] is None:
        return ("left out. They need the real arm’s U-Net, and photographs that no training has seen: in photographs "
                "that it was trained on, a U-Net finds more than in any others. --validation=N holds out N.")
    return (f"of the real arm’s U-Net at {THRESHOLD}, in the field of view, on the first {JUDGED} pictures of a set, "
            "pixels pooled. It entered no loss of the GANs. It was trained on the training photographs, so its values "
            "there are too high. The held-out ones (--validation), "
            f"{measured['held_out']['n']} here, no training has seen.")

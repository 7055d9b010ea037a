"""The first screen of the report, and the pictures of the run."""
from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from data.fundus import square
from data.layouts import title
from unet_eval.measures.metrics import F1
from unet_eval.report.blocks import Block, Figure, Section, Text
from unet_eval.report.charts import COLUMN
from unet_eval.report.grids import grid
from unet_eval.report.headline import headline, how_sure, number_of_seeds, ratio
from unet_eval.report.segmentations import ranked_images, segmentation
from unet_eval.report.text import against_zero, interval, number, percent, signed
from unet_eval.run import Run

COLUMNS = 6  # of the figures as wide as a page
SEGMENTED = ("real", "synthetic")  # arms whose answers the first screen shows


def figures(folder: Path, results: dict, run: Run) -> None:
    """Three pictures of the same shape for the first screen (glance_*.png), and Figures 1, 5 and 8."""
    rows = list(run.rows(4 * COLUMNS))
    images, masks = [row["images"] for row in rows], [row["masks"] for row in rows]
    for name, pictures in (("masks", masks), ("images", images)):
        grid(folder / f"glance_{name}.png", [pictures[start:start + 2] for start in (0, 2) if pictures[start:4]],
             width=COLUMN)
    order = ranked_images(results)
    median = order[len(order) // 2]
    view = run.tests[median].view
    answers = [segmentation(run, arm, median) for arm in SEGMENTED if arm in run.nets]
    grid(folder / "glance_test.png", [[view.image, view.mask], answers] if answers else [[view.image, view.mask]],
         width=COLUMN)

    first, count = run.training[0], min(COLUMNS // 2, len(run.training), len(rows))
    grid(folder / "figure_1.png", [[first.mask, first.image]], feet={0: ["(a)", "(b)"]}, width=COLUMN, pdf=True)
    real = run.training[:count]
    grid(folder / "figure_5.png", [[square(view.image, run.size) for view in real] + images[:count],
                                   [square(view.mask, run.size) for view in real] + masks[:count]],
         heads=[("(a) real", count), ("(b) synthesised", count)], pdf=True)
    grid(folder / "figure_8.png", [images[start:start + COLUMNS] for start in range(0, len(images), COLUMNS)], pdf=True)


def section(results: dict, folder: Path) -> Section:
    return Section("pictures", "Pictures of this run (Figures 1, 5 and 8)", [
        Figure(folder / "figure_1.png", "Figure 1. (a) A training mask, (b) its photograph.", "chart"),
        Figure(folder / "figure_5.png", "Figure 5. (a) Real photographs and masks, (b) synthesised ones."),
        Figure(folder / "figure_8.png", "Figure 8. Synthetic photographs.")])


def first_screen(results: dict, absent: list[str]) -> list[Block]:
    """Left of the three pictures: the question, the answer, the numbers; `absent` names what the run has not."""
    origin, seeds = results["origin"], number_of_seeds(results)
    photos = f", photographs without masks from {title(origin['photos'])}" if origin["photos"] else ""
    spread = f" SD: over seeds, {seeds} at most." if seeds > 1 else ""
    gans = (f"{results['run']['gans']} seeds have GANs of their own; all but the scores of the arms is of the first’s"
            if results["run"]["gans"] > 1 else "Both GANs were trained once")
    return [
        Text("Can synthetic images stand in for a small set of annotated ones? Stage-I draws masks, Stage-II turns "
             "each into a photograph; both are GANs. The same U-Net is then trained on real and on synthetic pairs, "
             "and measured on real test images that no training has seen. Annotated images are from "
             f"{title(origin['pairs'])}{photos}."),
        _answer(results), headline(results),
        Text(f"{how_sure(results)}{spread} All in the field of view, at the images’ own size. {gans}."),
        Text(Markup("Not in this run: {}. <code>make evidence</code> adds them.").format("; ".join(absent)))
        if absent else None]


def first_pictures(results: dict, folder: Path) -> list[Block]:
    arms = [name for name in SEGMENTED if name in results["arms"]]
    find = "finds" if len(arms) == 1 else "find"
    below = f"; below, what the {' and the '.join(arms)} arm {find}: orange is too much, blue is missed" if arms else ""
    return [Figure(folder / "glance_masks.png", "Masks that Stage-I drew.", "picture"),
            Figure(folder / "glance_images.png", "The photographs that Stage-II made of them.", "picture"),
            Figure(folder / "glance_test.png", f"The median test image and its reference{below}.", "picture")]


def _answer(results):
    arms, both = results["arms"], ratio(results)
    if not both:
        return None
    real, synthetic = arms["real"], arms["synthetic"]

    def difference(name):
        entry = arms[name]["difference"]["f1_vessel"]
        return (f"a difference of {signed(entry['mean'])} (95% interval {interval(entry['ci95'], signed)}; "
                f"{against_zero(entry['ci95'])})")

    mixed = (f" Synthetic pairs beside the real ones: {difference('real+synthetic')} in vessel F1."
             if "real+synthetic" in arms else "")
    vessel, macro = (Markup("<strong>{}</strong> ({})").format(
        percent(both[key]["mean"]), interval(both[key]["ci95"], percent)) for key in F1)
    return Text(Markup(
        "Trained on {} synthetic pairs alone, the U-Net reaches {} of the vessel F1 that {} real pairs give, {} "
        "against {}, {}, and {} of the macro F1. The paper reports {}, of an F1 that fits the macro F1.{}").format(
            synthetic["n_train_pairs"], vessel, real["n_train_pairs"], number(synthetic["fov"]["f1_vessel"]),
            number(real["fov"]["f1_vessel"]), difference("synthetic"), macro, percent(both["paper"]), mixed),
        answer=True)

"""All pictures of a report: the paper's figures, the charts, segmentations, and the curves of the trainings."""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util.tensor_util import make_ndarray

from unet_eval import charts, paper_figures
from unet_eval.canvas import COLOURS, COLUMN, LINES, PAGE, STYLE, chart, grid, plt, save
from unet_eval.material import Material
from unet_eval.tables import FAMILIES, ordered

HIT, FALSE_POSITIVE, FALSE_NEGATIVE, OUTSIDE = (240, 240, 240), (255, 122, 20), (64, 164, 244), (70, 70, 70)
STAGES = {"stage1": "Stage-I", "stage2": "Stage-II", "single": "single GAN"}
KINDS = {"losses": r"loss|^l1$|penalty", "outputs of D": r"^D\("}  # of what a GAN logs


def draw(folder: Path, run: Path, results: dict, material: Material) -> None:
    """All pictures of the run in `run` into `folder`: PNG, and PDF of the paper's figures."""
    paper_figures.draw(folder, results, material)
    charts.draw(folder, results)
    arms = [name for name in ordered(material.found) if name in FAMILIES]
    first = arms[0] if arms else next(iter(material.found))
    f1 = [image["f1_vessel"] for image in results["arms"][first]["per_image"]]
    ranked = sorted(range(len(f1)), key=lambda i: -f1[i])
    median = ranked[len(ranked) // 2]
    chosen = {ranked[0]: "best", median: "median", ranked[-1]: "worst"}
    segmentations(folder / "segmentations.png", [material.tests[i].view for i in chosen],
                  {arm: [material.found[arm][i] for i in chosen] for arm in arms or material.found},
                  [f"{rank}\n{material.tests[i].view.stem[:20]}" for i, rank in chosen.items()])
    glance(folder, material, material.tests[median].view,
           [material.found[arm][median] for arm in ("real", "synthetic") if arm in material.found])
    training(folder / "training.png", run)


def glance(folder: Path, material: Material, view, found: list[np.ndarray]) -> None:
    """Three pictures of the same shape for the first screen: masks, their photographs, and one test image."""
    made = paper_figures.rows(material.pairs, 4)
    for name in ("masks", "images"):
        grid(folder / f"glance_{name}.png", [[row[name] for row in made[start:start + 2]] for start in (0, 2)
                                             if made[start:]], width=COLUMN)
    pictures = [view.image, view.mask, *(agreement(view.mask > 0, mask, view.fov > 0) for mask in found)]
    grid(folder / "glance_test.png", [pictures[:2], pictures[2:]] if found else [pictures], width=COLUMN)


def agreement(truth: np.ndarray, found: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Reference and prediction, boolean (h, w), as colours: uint8 (h, w, 3)."""
    colours = np.zeros((*truth.shape, 3), np.uint8)
    colours[truth & found], colours[~truth & found] = HIT, FALSE_POSITIVE
    colours[truth & ~found] = FALSE_NEGATIVE
    colours[~within] = OUTSIDE
    return colours


def segmentations(path: Path, views: list, found: dict[str, list[np.ndarray]], labels: list[str]) -> None:
    """A row a test image: photograph, reference, then the agreement of each arm.

    `views` are data.fundus.View with masks, `found` is arm -> list of boolean (h, w), a view each,
    `labels` a text for each row.
    """
    rows = [[view.image, view.mask] + [agreement(view.mask > 0, masks[i], view.fov > 0) for masks in found.values()]
            for i, view in enumerate(views)]
    grid(path, rows, [(name, 1) for name in ("photograph", "reference", *found)], labels)


def scalars(folder: Path) -> dict[tuple[str, str], dict[int, float]]:
    """Scalars in the TensorBoard event files below a folder: (subfolder, tag) -> {step: value}.

    After a resume the later file's value of a step stands, as its training did.
    """
    series = {}
    for path in sorted(Path(folder).rglob("*tfevents*"), key=lambda file: file.name):
        tags = set()  # a file names the kind of a tag once, where the tag comes first
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    tags.add(value.tag)
                if value.tag in tags:
                    steps = series.setdefault((path.parent.relative_to(folder).as_posix(), value.tag), {})
                    steps[event.step] = float(make_ndarray(value.tensor))
    return series


def training_panels(run: Path) -> dict[str, dict[str, dict[int, float]]]:
    """What the trainings of a run logged: panel -> label -> {epoch from 0: value}; of an arm, its first seed."""
    panels = {}
    for stage, title in STAGES.items():
        logged = {re.sub("^epoch_", "", tag): steps for (_, tag), steps in scalars(run / stage / "logs").items()}
        for kind, pattern in KINDS.items():
            found = {name: logged[name] for name in sorted(logged) if re.search(pattern, name)}
            if found:
                panels[f"{title}, {kind}"] = found
    arms = {path.parent.name[len("unet-"):]: path for path in run.glob("unet-*/logs")
            if not re.search(r"\.\d+$", path.parent.name)}
    for arm in ordered(arms):
        logged = scalars(arms[arm])
        for key, title in ((("train", "epoch_loss"), "U-Net, loss"),
                           (("validation", "f1_vessel"), "U-Net, vessel F1 of held-out images")):
            if key in logged:
                panels.setdefault(title, {})[arm] = logged[key]
    return panels


def training(path: Path, run: Path) -> None:
    """The curves of all trainings of a run in one chart; none where the run has no logs."""
    panels = training_panels(run)
    if not panels:
        return
    columns = 2
    rows = -(-len(panels) // columns)
    with plt.rc_context(STYLE):
        figure, grid_of_axes = chart(columns, rows, (PAGE, 1.7 * rows), squeeze=False)
        for axes, (title, curves) in zip(grid_of_axes.flat, panels.items()):
            for i, (label, steps) in enumerate(curves.items()):
                order = sorted(steps)
                axes.plot([step + 1 for step in order], [steps[step] for step in order], label=label,
                          color=COLOURS[i % len(COLOURS)], linestyle=LINES[i // len(COLOURS) % len(LINES)],
                          marker="o" if len(order) == 1 else None, markersize=3)
            axes.set(title=title, xlabel="epoch")
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        for axes in grid_of_axes.flat[len(panels):]:
            axes.axis("off")
        save(figure, path)

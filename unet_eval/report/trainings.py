"""How long the trainings of a run took, and the curves that they logged."""
from __future__ import annotations

import re
from pathlib import Path

from matplotlib.figure import Figure as Chart
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util.tensor_util import make_ndarray

from unet_eval.arms import net_name, ordered
from unet_eval.report.blocks import Details, Figure, Section, Text
from unet_eval.report.charts import COLOURS, LINES, PAGE, chart, draw
from unet_eval.report.tables import Table
from unet_eval.report.text import number, training_name
from unet_eval.run import Run

GANS = {"stage1": "Stage-I", "stage2": "Stage-II", "single": "single GAN"}
KINDS = {"losses": r"loss|^l1$|penalty", "outputs of D": r"^D\("}  # of what a GAN logs


def figures(folder: Path, results: dict, run: Run) -> None:
    """training.png; none where the run has no logs."""
    shown = panels(run.folder, list(results["arms"]))
    if shown:
        draw(folder / "training.png", curves, shown)


def section(results: dict, folder: Path) -> Section:
    seconds = results["seconds"]
    rows = [[training_name(name), number(value, 0)] for name, value in seconds.items() if name != "total"]
    return Section("training", "Training", [
        Figure(folder / "training.png", "Losses of the GANs and of the U-Nets, what the discriminators say of real "
               "and drawn pictures, and the vessel F1 of held-out real images; first seeds.", "broad"),
        Text(f"Training took {number(seconds['total'] / 60, 0)} minutes in all, by the records that there are. "
             "Held-out images are those of the last patients, --validation images at least; where all stages hold out "
             "as many, as in the presets, no training has seen these patients."),
        Details("Seconds of each training", [Table(["training", "seconds"], rows)])])


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


def panels(run: Path, arms: list[str]) -> dict[str, dict[str, dict[int, float]]]:
    """What the trainings of a run logged: panel -> label -> {epoch from 0: value}; of an arm, its first seed."""
    shown = {}
    for folder, title in GANS.items():
        logged = {re.sub("^epoch_", "", tag): steps for (_, tag), steps in scalars(run / folder / "logs").items()}
        for kind, pattern in KINDS.items():
            matching = {name: logged[name] for name in sorted(logged) if re.search(pattern, name)}
            if matching:
                shown[f"{title}, {kind}"] = matching
    for arm in ordered(arms):
        logged = scalars(run / net_name(arm) / "logs")
        for key, title in ((("train", "epoch_loss"), "U-Net, loss"),
                           (("validation", "f1_vessel"), "U-Net, vessel F1 of held-out images")):
            if key in logged:
                shown.setdefault(title, {})[arm] = logged[key]
    return shown


def curves(shown: dict[str, dict[str, dict[int, float]]]) -> Chart:
    """All panels of `panels` in one chart."""
    columns = 2
    rows = -(-len(shown) // columns)
    figure, axes_grid = chart(columns, rows, (PAGE, 1.7 * rows), squeeze=False)
    for axes, (title, series) in zip(axes_grid.flat, shown.items()):
        for i, (label, steps) in enumerate(series.items()):
            order = sorted(steps)
            axes.plot([step + 1 for step in order], [steps[step] for step in order], label=label,
                      color=COLOURS[i % len(COLOURS)], linestyle=LINES[i // len(COLOURS) % len(LINES)],
                      marker="o" if len(order) == 1 else None, markersize=3)
        axes.set(title=title, xlabel="epoch")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    for axes in axes_grid.flat[len(shown):]:
        axes.axis("off")
    return figure

"""The figures of the report. Colours are Okabe and Ito's, told apart by colour-blind readers."""
from __future__ import annotations

import re
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util.tensor_util import make_ndarray

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  the backend has to be chosen first

BLUE, ORANGE, GREEN, PINK, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
HIT, FALSE_POSITIVE, FALSE_NEGATIVE, OUTSIDE = (240, 240, 240), (255, 122, 20), (64, 164, 244), (70, 70, 70)
COLUMNS = 5  # images in a row of a grid
TILE = 220  # pixels a side in a grid of images: eight photographs stay below 1 MB as PNG
STYLE = {"font.size": 8, "axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False,
         "axes.linewidth": 0.6, "lines.linewidth": 1.2, "legend.frameon": False, "axes.grid": True,
         "grid.linewidth": 0.4, "grid.alpha": 0.4, "savefig.dpi": 160}
PANELS = (("losses", r"loss|l1\b|penalty|adversarial"),
          ("discriminator", r"\bd\(|^d_|discriminator"),
          ("scores", r"f1|auc|precision|recall|sensitivity|specificity|accuracy|dice"))


def draw(folder, run, results, tests, masks, training, pairs, real, synthetic):
    """All figures of a report into `folder`.

    `tests` are measure.TestImage and `masks` arm -> their boolean masks on the working grid; `training` are real views,
    `pairs` a PairReader; `real` and `synthetic` are grey-level counts (images, bins).
    """
    made = [pairs[i] for i in range(min(len(pairs), 2 * COLUMNS))]
    shown = training[:COLUMNS]
    grid(folder / "masks.png", [[row["masks"] for row in made[k:k + COLUMNS]] for k in range(0, len(made), COLUMNS)]
         + [[view.mask for view in shown]], labels=["Stage-I"] * -(-len(made) // COLUMNS) + ["real"])
    grid(folder / "pairs.png", [[row["masks"] for row in made[:COLUMNS]], [row["images"] for row in made[:COLUMNS]],
                                [view.mask for view in shown], [view.image for view in shown]],
         labels=["Stage-I mask", "Stage-II rendering", "real mask", "real photograph"])
    f1 = [image["f1_vessel"] for image in next(iter(results["arms"].values()))["per_image"]]
    ranked = sorted(range(len(tests)), key=lambda i: -f1[i])
    chosen = {ranked[0]: "best", ranked[len(ranked) // 2]: "median", ranked[-1]: "worst"}
    segmentations(folder / "segmentations.png", [tests[i].view for i in chosen],
                  {arm: [found[i] for i in chosen] for arm, found in masks.items()},
                  [f"{rank}: {tests[i].view.stem}" for i, rank in chosen.items()])
    intensities(folder / "intensities.png", real.sum(0), synthetic.sum(0))
    arms(folder / "arms.png", results)
    training_curves(folder, run)


def _save(figure, path):
    figure.savefig(path, pil_kwargs={"optimize": True})
    plt.close(figure)


def _tile(image):
    """(h, w), (h, w, 1) or (h, w, 3) uint8 -> (TILE, TILE, 3), the whole image, centred on black."""
    image = image if image.ndim == 3 and image.shape[2] == 3 else np.repeat(image.reshape(*image.shape[:2], 1), 3, 2)
    scale = TILE / max(image.shape[:2])
    size = [max(1, round(side * scale)) for side in image.shape[:2]]
    image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile = np.zeros((TILE, TILE, 3), np.uint8)
    top, left = (TILE - size[0]) // 2, (TILE - size[1]) // 2
    tile[top:top + size[0], left:left + size[1]] = image
    return tile


def grid(path, rows, titles=None, labels=None):
    """Rows of images of any size as one picture.

    `rows` is a list of lists of uint8 images; `titles` stand above the columns, `labels` beside the rows.
    """
    columns = max(map(len, rows))
    # Inches of one tile such that its pixels are drawn one to one.
    inch, head, side = TILE / STYLE["savefig.dpi"], 0.22 if titles else 0.02, 0.25 if labels else 0.02
    gap = 0.03
    width, height = side + columns * (inch + gap), head + len(rows) * (inch + gap)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(width, height))
        for i, row in enumerate(rows):
            bottom = 1 - (head + (i + 1) * (inch + gap) - gap) / height
            for j, image in enumerate(row):
                left = (side + j * (inch + gap)) / width
                axes = figure.add_axes([left, bottom, inch / width, inch / height])
                axes.imshow(_tile(image), interpolation="nearest")
                axes.axis("off")
                if titles and i == 0:
                    axes.set_title(titles[j], pad=3)
            if labels:
                figure.text(0.12 / width, bottom + inch / height / 2, labels[i], rotation=90, ha="center",
                            va="center", fontsize=9)
        _save(figure, path)


def agreement(truth, found, within):
    """Reference and prediction, boolean (h, w), as colours: uint8 (h, w, 3)."""
    colours = np.zeros((*truth.shape, 3), np.uint8)
    colours[truth & found], colours[~truth & found] = HIT, FALSE_POSITIVE
    colours[truth & ~found] = FALSE_NEGATIVE
    colours[~within] = OUTSIDE
    return colours


def segmentations(path, views, found, labels):
    """A row a test image: photograph, reference, then the agreement of each arm.

    `views` are data.fundus.View with masks, `found` is arm -> list of boolean (h, w), a view each,
    `labels` a text for each row.
    """
    rows = [[view.image, view.mask] + [agreement(view.mask > 0, masks[i], view.fov > 0) for masks in found.values()]
            for i, view in enumerate(views)]
    grid(path, rows, ["photograph", "reference", *found], labels)


def intensities(path, real, synthetic):
    """The paper's Figure 3: how often each grey level occurs in real and in synthetic photographs."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 2.8), layout="constrained")
        for counts, label, colour in ((real, "real", BLUE), (synthetic, "synthetic", ORANGE)):
            share = np.asarray(counts) / max(np.sum(counts), 1)
            levels = (np.arange(len(share)) + 0.5) * 256 / len(share)
            axes.fill_between(levels, share, alpha=0.25, color=colour, linewidth=0)
            axes.plot(levels, share, color=colour, label=label)
        axes.set(xlabel="grey level", ylabel="share of pixels", xlim=(0, 256), ylim=(0, None))
        axes.legend()
        _save(figure, path)


def arms(path, results):
    """Vessel and macro F1 of every arm with 95 % intervals, and the paper's values as dotted lines."""
    names = list(results["arms"])
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 0.9 + 0.5 * len(names)), layout="constrained")
        for key, label, colour, offset in (("f1_vessel", "vessel F1", BLUE, -0.12),
                                           ("f1_macro", "macro F1", ORANGE, 0.12)):
            for i, name in enumerate(names):
                arm = results["arms"][name]
                axes.plot(arm["ci95"][key], [i + offset] * 2, color=colour, linewidth=2, alpha=0.6)
                axes.plot(arm["fov"][key], i + offset, "o", color=colour, markersize=5,
                          label=label if i == 0 else None)
        for i, name in enumerate(names):
            if f"f1_{name}" in results["paper"]:
                axes.plot([results["paper"][f"f1_{name}"]] * 2, [i - 0.3, i + 0.3], ":", color="black",
                          label="paper" if i == 0 else None)
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5),
                 xlabel="F1, in the field of view")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        _save(figure, path)


def scalars(folder):
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


def training_curves(folder, run):
    """Draws FOLDER/curves_STAGE_PANEL.png, a file a panel, from the logs of every stage of a run.

    The trainings log by epoch, counted from 0. Logs without a scalar give no panel.
    """
    for logs in sorted(Path(run).glob("*/logs")):
        panels = {}
        for (part, tag), steps in sorted(scalars(logs).items()):
            name = re.sub(r"^epoch_", "", tag)
            panel = next((title for title, pattern in PANELS if re.search(pattern, name, re.IGNORECASE)), name)
            label = f"{name} (validation)" if part == "validation" else name
            panels.setdefault(panel, []).append((label, steps))
        for panel, curves in sorted(panels.items()):
            path = Path(folder) / f"curves_{logs.parent.name}_{re.sub('[^A-Za-z0-9]+', '-', panel)}.png"
            _curves(path, panel, curves)


def _curves(path, title, curves):
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(3.6, 2.5), layout="constrained")
        for (label, steps), colour in zip(curves, (BLUE, ORANGE, GREEN, PINK, SKY, YELLOW) * len(curves)):
            order = sorted(steps)
            axes.plot([step + 1 for step in order], [steps[step] for step in order], color=colour, label=label,
                      marker="o" if len(order) == 1 else None)
        axes.set(title=title, xlabel="epoch")
        axes.legend()
        _save(figure, path)

"""The paper's figures, drawn from this run: figure_N.png and, as vectors, figure_N.pdf.

Figure 2 is a flowchart, which no run changes.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from data.fundus import View, square
from data.pairs import PairReader
from unet_eval.canvas import BLUE, COLUMN, ORANGE, PAGE, STYLE, chart, grid, plt, save
from unet_eval.material import Material

COLUMNS = 6  # of the figures as wide as a page
CELLS = ("bu_bil", "folder")  # layouts whose run may itself be the second data set of Figure 6


def draw(folder: Path, results: dict, material: Material) -> None:
    """Figures 1, 3, 4, 5, 6, 7 and 8 into `folder`, those that `material` has the pictures for."""
    size = material.pairs[0]["masks"].shape[0]
    made = rows(material.pairs, 4 * COLUMNS)
    real = squares(material.training[:COLUMNS], size)
    figure_1(folder / "figure_1.png", material.training[0])
    figure_3(folder / "figure_3.png", material.real_counts, material.synthetic_counts)
    if results.get("nearest") and material.nearest:
        figure_4(folder / "figure_4.png", made, material.nearest, results["nearest"]["matches"])
    figure_5(folder / "figure_5.png", real, made)
    if material.second:
        second = material.second
        of_second = rows(second.pairs, COLUMNS)
        figure_6(folder / "figure_6.png", squares(second.training[:COLUMNS], of_second[0]["masks"].shape[0]), of_second)
    elif results["dataset"]["pairs"] in CELLS:
        figure_6(folder / "figure_6.png", real, made)
    if material.single is not None and len(material.single):
        figure_7(folder / "figure_7.png", material.single, made)
    figure_8(folder / "figure_8.png", made)


def rows(pairs: PairReader, count: int) -> list[dict[str, np.ndarray]]:
    """The first rows of a store, `count` where it has so many."""
    return [pairs[i] for i in range(min(len(pairs), count))]


def squares(views: list[View], size: int) -> list[dict[str, np.ndarray]]:
    """Views as rows of a store: {"masks", "images"}, (size, size[, 3])."""
    return [{"masks": square(view.mask, size), "images": square(view.image, size)} for view in views]


def _pick(made: list[dict], name: str, count: int, start: int = 0) -> list[np.ndarray]:
    return [row[name] for row in made[start:start + count]]


def figure_1(path: Path, view: View) -> None:
    """A vessel tree, drawn by hand, and its photograph."""
    grid(path, [[view.mask, view.image]], feet={0: ["(a)", "(b)"]}, width=COLUMN, pdf=True)


def figure_3(path: Path, real: np.ndarray, synthetic: np.ndarray) -> None:
    """How often each grey level occurs in real and in synthetic photographs; counts are (images, bins)."""
    with plt.rc_context(STYLE):
        figure, axes = chart(size=(COLUMN, 2.2))
        for counts, label, colour, line in ((real, "real", BLUE, "-"), (synthetic, "synthetic", ORANGE, "--")):
            share = counts.sum(0) / max(counts.sum(), 1)
            levels = (np.arange(len(share)) + 0.5) * 256 / len(share)
            axes.fill_between(levels, share, alpha=0.2, color=colour, linewidth=0)
            axes.plot(levels, share, line, color=colour, label=label)
        axes.set(xlabel="grey level", ylabel="share of pixels", xlim=(0, 256), ylim=(0, None))
        axes.legend()
        save(figure, path, pdf=True)


def figure_4(path: Path, made: list[dict], nearest: list[np.ndarray], matches: list[dict]) -> None:
    """Generated masks, below each its nearest training mask, and their distance."""
    distances = {match["mask"]: match["distance"] for match in matches}
    count = min(len(made), len(nearest))
    pictures, feet = [], {}
    for start in range(0, count, COLUMNS):
        stop = min(start + COLUMNS, count)
        pictures += [_pick(made, "masks", stop - start, start), nearest[start:stop]]
        feet[len(pictures) - 1] = [f"{distances[i]:.3f}" if i in distances else "" for i in range(start, stop)]
    grid(path, pictures, labels=["generated", "nearest"] * (len(pictures) // 2), feet=feet, pdf=True)


def figure_5(path: Path, real: list[dict], made: list[dict]) -> None:
    """Real photographs and masks on the left, synthesised ones on the right."""
    count = min(COLUMNS // 2, len(real), len(made))
    grid(path, [_pick(real, name, count) + _pick(made, name, count) for name in ("images", "masks")],
         heads=[("(a) real", count), ("(b) synthesised", count)], pdf=True)


def figure_6(path: Path, real: list[dict], made: list[dict]) -> None:
    """The second data set: photographs with their segmentations, the real ones above the synthesised ones."""
    count = min(COLUMNS, len(real), len(made))
    grid(path, [_pick(of, name, count) for of in (real, made) for name in ("images", "masks")],
         labels=["original", "segmentation", "synthesised", "segmentation"], pdf=True)


def figure_7(path: Path, single: np.ndarray, made: list[dict]) -> None:
    """Photographs drawn by one GAN above those of the dual pipeline, at the same size."""
    count = min(COLUMNS, len(single), len(made))
    grid(path, [_pick(made, "images", count), list(single[:count])][::-1], labels=["single GAN", "dual GAN"], pdf=True)


def figure_8(path: Path, made: list[dict]) -> None:
    """Synthetic photographs, four rows of six."""
    grid(path, [_pick(made, "images", COLUMNS, start) for start in range(0, len(made), COLUMNS)], width=PAGE, pdf=True)

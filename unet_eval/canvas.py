"""What all figures share: style, colours, saving, and grids of pictures."""
from __future__ import annotations

import logging
from pathlib import Path

import cv2
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  the backend has to be chosen first

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every table of every font in a PDF

# Okabe and Ito's colours, told apart by colour-blind readers.
BLUE, ORANGE, GREEN, PINK, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, YELLOW)
LINES = ("-", "--", "-.", ":")
COLUMN, PAGE = 3.4, 7.0  # inches, of one column and of two in common journals
MOST = 2.0  # inches of a picture in a grid
LEAST_DPI, DPI = 200, 300
STYLE = {"font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
         "legend.fontsize": 7, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6,
         "lines.linewidth": 1.2, "legend.frameon": False, "axes.grid": True, "grid.linewidth": 0.4, "grid.alpha": 0.4,
         "axes.axisbelow": True, "pdf.fonttype": 42, "figure.constrained_layout.use": True, "savefig.dpi": DPI}


def chart(columns: int = 1, rows: int = 1, size: tuple[float, float] = (COLUMN, 2.4), **options):
    """plt.subplots of `size` in inches; call it, and draw, within plt.rc_context(STYLE)."""
    return plt.subplots(rows, columns, figsize=size, **options)


def save(figure, path: Path, dpi: float | str = "figure", pdf: bool = False) -> None:
    """Writes `path`, a PNG, and with `pdf` a PDF of the same name with embedded TrueType fonts."""
    figure.savefig(path, dpi=DPI if dpi == "figure" else dpi, pil_kwargs={"optimize": True})
    if pdf:
        figure.savefig(path.with_suffix(".pdf"), dpi=DPI if dpi == "figure" else dpi)
    plt.close(figure)


def tile(picture: np.ndarray, side: int) -> np.ndarray:
    """(h, w), (h, w, 1) or (h, w, 3) uint8 -> (side, side, 3), the whole picture, centred on black."""
    if picture.ndim == 2 or picture.shape[2] == 1:
        picture = np.repeat(picture.reshape(*picture.shape[:2], 1), 3, 2)
    scale = side / max(picture.shape[:2])
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    if scale != 1:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    square = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top:top + height, left:left + width] = picture
    return square


def grid(path: Path, rows: list[list[np.ndarray]], heads: list[tuple[str, int]] = (), labels: list[str] = (),
         feet: dict[int, list[str]] | None = None, width: float = PAGE, pdf: bool = False) -> None:
    """Rows of pictures, uint8 of any size, `width` inches wide at most, pixels one to one where 200 to 300 dpi allow.

    `heads` are (text, columns) above groups of columns, which stand a little apart; `labels` stand beside the rows,
    `feet` (row -> a text a column) below them.
    """
    feet, columns = feet or {}, max(map(len, rows))
    gap, apart, margin, text = 0.03, 0.09, 0.0, 0.2
    if labels:
        margin = 0.22 + 0.12 * max(label.count("\n") for label in labels)
    starts, column = set(), 0
    for _, count in heads:
        starts.add(column)
        column += count
    inch = min(MOST, (width - margin - gap * (columns - 1) - (apart - gap) * max(len(starts) - 1, 0)) / columns)
    dpi = float(np.clip(max(rows[0][0].shape[:2]) / inch, LEAST_DPI, DPI))
    side = round(inch * dpi)
    lefts, left = [], margin
    for column in range(columns):
        left += (apart - gap) if column in starts and column else 0
        lefts.append(round(left * dpi))
        left += inch + gap
    tops, top = [], text if heads else 0.0
    for row in range(len(rows)):
        tops.append(round(top * dpi))
        top += inch + (text if row in feet else gap)
    across, down = lefts[-1] + side, tops[-1] + side + (round(text * dpi) if len(rows) - 1 in feet else 0)
    with plt.rc_context({**STYLE, "figure.constrained_layout.use": False}):
        figure = plt.figure(figsize=(across / dpi, down / dpi))

        def write(x, y, words, **options):
            figure.text(x / across, 1 - y / down, words, ha="center", va="center", **options)

        for i, row in enumerate(rows):
            for j, picture in enumerate(row):
                box = [lefts[j] / across, 1 - (tops[i] + side) / down, side / across, side / down]
                axes = figure.add_axes(box)
                axes.imshow(tile(picture, side), interpolation="none")
                axes.axis("off")
                if i in feet:
                    write(lefts[j] + side / 2, tops[i] + side + 0.09 * dpi, feet[i][j], fontsize=7)
            if labels:
                write((margin - 0.05) / 2 * dpi, tops[i] + side / 2, labels[i], rotation=90)
        column = 0
        for words, count in heads:
            write((lefts[column] + lefts[column + count - 1] + side) / 2, 0.1 * dpi, words)
            column += count
        save(figure, path, dpi, pdf)

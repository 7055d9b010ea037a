"""Grids of pictures with text beside them."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from data.files import readable
from data.fundus import square
from unet_eval.report.charts import DPI, PAGE, STYLE, plt, save

MOST = 2.0  # inches of a picture
LEAST_DPI = 200
GAP, GROUP_GAP, LINE = 0.03, 0.09, 0.2  # inches between pictures, between groups of columns, and of a line of text


def tile(picture: np.ndarray, side: int) -> np.ndarray:
    """(h, w), (h, w, 1) or (h, w, 3) uint8 -> (side, side, 3), the whole picture, centred on black."""
    picture = picture.reshape(*picture.shape[:2], -1)
    return square(np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture, side)


def grid(path: Path, rows: list[list[np.ndarray]], heads: list[tuple[str, int]] = (), labels: list[str] = (),
         feet: dict[int, list[str]] | None = None, width: float = PAGE, pdf: bool = False) -> None:
    """Rows of pictures, uint8 of any size, `width` inches wide at most, pixels one to one where 200 to 300 dpi allow.

    `heads` are (text, columns) above groups of columns, which stand a little apart; `labels` stand beside the rows,
    `feet` (row -> a text a column) below them.
    """
    feet, columns = feet or {}, max(map(len, rows))
    margin = 0.22 + 0.12 * max(label.count("\n") for label in labels) if labels else 0.0
    group_ends = np.cumsum([count for _, count in heads])
    across = [GROUP_GAP if column in group_ends else GAP for column in range(1, columns)]
    down = [LINE if row in feet else GAP for row in range(len(rows))]
    inch = min(MOST, (width - margin - sum(across)) / columns)
    dpi = float(np.clip(max(rows[0][0].shape[:2]) / inch, LEAST_DPI, DPI))
    side = round(inch * dpi)
    lefts = [round((margin + column * inch + sum(across[:column])) * dpi) for column in range(columns)]
    tops = [round(((LINE if heads else 0) + row * inch + sum(down[:row])) * dpi) for row in range(len(rows))]
    height = tops[-1] + side + (round(LINE * dpi) if len(rows) - 1 in feet else 0)
    sheet = np.full((height, lefts[-1] + side, 3), 255, np.uint8)
    for top, row in zip(tops, rows):
        for left, picture in zip(lefts, row):
            sheet[top:top + side, left:left + side] = tile(picture, side)

    with plt.rc_context({**STYLE, "figure.constrained_layout.use": False}):
        figure = plt.figure(figsize=(sheet.shape[1] / dpi, height / dpi))
        axes = figure.add_axes([0, 0, 1, 1])
        axes.imshow(sheet, interpolation="none", aspect="auto")
        axes.axis("off")

        def write(x, y, words, **options):
            # A name may hold a $, which begins no formula.
            figure.text(x / sheet.shape[1], 1 - y / height, readable(words), ha="center", va="center",
                        parse_math=False, **options)

        for row, texts in feet.items():
            for left, words in zip(lefts, texts):
                write(left + side / 2, tops[row] + side + 0.09 * dpi, words, fontsize=7)
        for top, words in zip(tops, labels):
            write((margin - 0.05) / 2 * dpi, top + side / 2, words, rotation=90)
        for (words, count), end in zip(heads, group_ends):
            write((lefts[end - count] + lefts[end - 1] + side) / 2, 0.1 * dpi, words)
        save(figure, path, dpi, pdf)

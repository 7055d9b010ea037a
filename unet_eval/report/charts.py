"""What all figures share: style, colours, sizes, saving."""
from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  the backend has to be chosen first

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it logs every table of every font in a PDF

# Okabe and Ito's colours, which colour-blind readers can distinguish.
BLUE, ORANGE, GREEN, PINK, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, YELLOW)
LINES = ("-", "--", "-.", ":")
COLUMN, PAGE = 3.4, 7.0  # inches, of one column and of two in common journals
DPI = 300
COMPRESSION = 4  # of PNG files; 6, which is usual, takes twice as long for 1 % less
STYLE = {"font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
         "legend.fontsize": 7, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6,
         "lines.linewidth": 1.2, "legend.frameon": False, "axes.grid": True, "grid.linewidth": 0.4, "grid.alpha": 0.4,
         "axes.axisbelow": True, "pdf.fonttype": 42, "figure.constrained_layout.use": True, "savefig.dpi": DPI}


def chart(columns: int = 1, rows: int = 1, size: tuple[float, float] = (COLUMN, 2.4), **options):
    """plt.subplots of `size` in inches."""
    return plt.subplots(rows, columns, figsize=size, **options)


def draw(path: Path, figure: Callable, *arguments, pdf: bool = False) -> None:
    """Saves the chart that `figure(*arguments)` draws, in the project's style."""
    with plt.rc_context(STYLE):
        save(figure(*arguments), path, pdf=pdf)


def save(figure, path: Path, dpi: float = DPI, pdf: bool = False) -> None:
    """Writes `path`, a PNG, and with `pdf` a PDF of the same name with embedded TrueType fonts."""
    figure.savefig(path, dpi=dpi, pil_kwargs={"compress_level": COMPRESSION})
    if pdf:
        figure.savefig(path.with_suffix(".pdf"), dpi=dpi)
    plt.close(figure)

"""Photographs of a single GAN, without masks, beside those of the two stages (paper, Section 13 and Figure 7)."""
from __future__ import annotations

from pathlib import Path

from unet_eval.report.blocks import Figure, Section, Text
from unet_eval.report.grids import grid
from unet_eval.report.tables import Table
from unet_eval.report.text import number, short
from unet_eval.run import Run

NAME = "the single GAN"
COLUMNS = 6


def measure(run: Run) -> dict:
    return {"single": None if run.single is None else {"n": len(run.single)}}


def tables(results: dict) -> dict[str, Table]:
    """None: its distances stand with those of the other sets of photographs."""
    return {}


def figures(folder: Path, results: dict, run: Run) -> None:
    if run.single is not None:
        dual = [row["images"] for row in run.rows(min(COLUMNS, len(run.single)))]
        grid(folder / "figure_7.png", [list(run.single[:len(dual)]), dual], labels=["single GAN", "dual GAN"], pdf=True)


def section(results: dict, folder: Path) -> Section | None:
    if not results["single"]:
        return None
    single, synthetic = (results["distances"]["sets"][name] for name in ("single", "synthetic"))
    return Section("single", "A single GAN (Section 13, Figure 7)", [
        Text("Stage-I’s DCGAN, trained on the colour photographs instead of masks. Its Fréchet distance to the real "
             f"photographs is {short(single['frechet'])}, that of the two stages {short(synthetic['frechet'])}; recall "
             f"{number(single['recall'], 3)} and {number(synthetic['recall'], 3)}."),
        Figure(folder / "figure_7.png", "Figure 7. Photographs of the single GAN, and below of the two stages, at the "
               "same size.")])

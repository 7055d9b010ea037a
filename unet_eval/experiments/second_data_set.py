"""Both stages trained on a second data set: a picture only (paper, Section 12 and Figure 6)."""
from __future__ import annotations

from pathlib import Path

from data.fundus import square
from data.layouts import title
from unet_eval.report.blocks import Figure, Section, Text
from unet_eval.report.grids import grid
from unet_eval.report.tables import Table
from unet_eval.run import Run, first_rows

NAME = "the second data set"
COLUMNS = 6


def measure(run: Run) -> dict:
    second = run.second
    return {"second": second and {"pairs": second.pairs, "photos": second.photos or None, "run": second.name,
                                  "n_train": len(second.learned)}}


def tables(results: dict) -> dict[str, Table]:
    """None: nothing is measured on it."""
    return {}


def figures(folder: Path, results: dict, run: Run) -> None:
    """A run of anything but retinas is its own second data set."""
    if run.second:
        training, store = run.second.training, run.second.store
    elif run.modality != "fundus":
        training, store = run.training, run.stores["synthetic"]
    else:
        return
    rows = list(first_rows(store, min(COLUMNS, len(training))))
    size = rows[0]["masks"].shape[0]
    grid(folder / "figure_6.png", [[square(view.image, size) for view in training[:len(rows)]],
                                   [square(view.mask, size) for view in training[:len(rows)]],
                                   [row["images"] for row in rows], [row["masks"] for row in rows]],
         labels=["original", "segmentation", "synthesised", "segmentation"], pdf=True)


def section(results: dict, folder: Path) -> Section | None:
    second, drawn = results["second"], folder / "figure_6.png"
    if not drawn.exists():
        return None
    origins, count = (second, second["n_train"]) if second else (results["origin"], results["run"]["learned"])
    pairs, photos = f"{count} pairs of {title(origins['pairs'])}", origins["photos"]
    trained = (f"Stage-I trained on {pairs}, Stage-II with photographs of {title(photos)}" if photos else
               f"Both stages trained on {pairs}, with nothing else")
    said = "Nothing is measured on them here, as in the paper" if second else "This report measures the arms on them"
    return Section("second", "A second data set (Section 12, Figure 6)", [
        Text(f"{trained}. {said}."),
        Figure(drawn, "Figure 6. Photographs of the data set with their segmentations; below, synthesised.")])

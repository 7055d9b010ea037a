"""results.md: the report's tables in GitHub's Markdown, to paste."""
from __future__ import annotations

from pathlib import Path

from unet_eval import tables
from unet_eval.claims import claims
from unet_eval.tables import Table


def write(path: Path, results: dict) -> None:
    """Writes every table that `results` has the numbers for."""
    parts = [("The paper beside what was measured", tables.headline(results)), ("Claims", claims(results)),
             ("Arms", tables.arms(results))]
    if results.get("contrasts"):
        parts.append(("Between other arms", tables.contrasts(results)))
    parts += [(f"Arms on {name}", tables.cross(results, name)) for name in results.get("cross") or {}]
    parts.append(("KL divergence", tables.divergences(results)))
    if results.get("distances"):
        parts.append(("Distances to the real photographs", tables.distances(results)))
    parts.append(("Masks", tables.masks(results)))
    if results["masks"].get("statistics"):
        parts.append(("Statistics of masks", tables.mask_statistics(results)))
    if results.get("nearest"):
        parts.append(("Nearest training masks", tables.nearest(results)))
    path.write_text("\n".join(f"## {title}\n\n{render(of)}\n" for title, of in parts), encoding="utf-8")


def render(of: Table) -> str:
    """A table in GitHub's Markdown: asides in brackets, the strong row bold, columns of numbers to the right."""
    def line(cells, mark=""):
        return "| " + " | ".join(f"{mark}{_cell(cell)}{mark}" for cell in cells) + " |"

    return "\n".join([line(of.head), "|---" + ("|---" if of.prose else "|---:") * (len(of.head) - 1) + "|",
                      *(line(row, "**" if i == of.strong else "") for i, row in enumerate(of.rows))])


def _cell(text):
    first, *asides = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split("\n")
    return first + "".join(f" ({aside})" for aside in asides)

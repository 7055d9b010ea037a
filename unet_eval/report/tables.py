"""A table of text, and its three renderings: plain text, Markdown, and HTML (templates/blocks.html)."""
from __future__ import annotations

from dataclasses import dataclass

ASCII = str.maketrans({"−": "-", "–": "-", "≤": "<="})  # not every terminal can show the others


@dataclass(frozen=True)
class Table:
    """Cells are text; what follows a line break in a cell is an aside. `strong` is the row to stress, if any; `prose`
    says that cells are read rather than compared."""

    head: list[str]
    rows: list[list[str]]
    strong: int | None = None
    prose: bool = False

    def plain(self) -> str:
        """Aligned columns, asides in brackets, for a terminal."""
        lines = [[_with_asides(cell).translate(ASCII) for cell in row] for row in (self.head, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)

    def markdown(self) -> str:
        """GitHub's: asides in brackets, the strong row bold, columns of numbers to the right."""
        def line(cells, mark=""):
            escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in cells)
            return "| " + " | ".join(f"{mark}{_with_asides(cell)}{mark}" for cell in escaped) + " |"

        return "\n".join([line(self.head), "|---" + ("|---" if self.prose else "|---:") * (len(self.head) - 1) + "|",
                          *(line(row, "**" if i == self.strong else "") for i, row in enumerate(self.rows))])


def _with_asides(cell: str) -> str:
    first, *asides = cell.split("\n")
    return first + "".join(f" ({aside})" for aside in asides)

"""What a section of the report is made of. Text is plain text or markupsafe.Markup; templates/blocks.html renders all.

A block that is None is left out, so that a condition can stand where the block does.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Union

from unet_eval.report.tables import Table


@dataclass(frozen=True)
class Text:
    """A paragraph; an answer is stressed."""

    text: str
    answer: bool = False


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Bullets:
    items: list[str]


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Figure:
    """A picture with its caption, left out where there is no such file.

    kind: "wide" or "broad", which small screens scroll, "chart", a column wide, or "picture", as wide as its place.
    """

    path: Path
    caption: str
    kind: str = "wide"


@dataclass(frozen=True)
class Pair:
    """Two figures side by side, where the screen is wide enough."""

    figures: tuple[Figure, Figure]


@dataclass(frozen=True)
class Legend:
    """What colours (red, green, blue), 0 to 255, mean."""

    meanings: dict[str, tuple[int, int, int]]


@dataclass(frozen=True)
class Details:
    """Folded until it is asked for."""

    title: str
    blocks: list[Block]


Block = Union[Text, Heading, Bullets, Code, Figure, Pair, Legend, Details, Table, None]


@dataclass(frozen=True)
class Section:
    """`anchor` is the name that links lead to."""

    anchor: str
    title: str
    blocks: list[Block]

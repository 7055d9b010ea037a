"""index.html of a release: all pairs to look at, in one file that asks no other server for anything."""
from __future__ import annotations

import json
from html import escape
from pathlib import Path

from data.synthmed.formats import SHEET
from data.synthmed.terms import Terms

SCORES = ("agreement", "sharpness", "mask_distance", "photograph_distance")


def page(terms: Terms, metadata: list[dict], size: tuple[int, int]) -> str:
    """The HTML. terms: of it name, license and url are shown. metadata: a dict a pair, in the order of the thumbnails;
    a score that no pair has, as in a demo, is left out. size: (width, height) of an image."""
    scores = [name for name in SCORES if any(pair[name] is not None for pair in metadata)]
    data = {"size": size, "sheet": SHEET, "scores": scores,
            "pairs": [[pair["id"], *(pair[name] for name in scores)] for pair in metadata]}
    html = (Path(__file__).parent / "templates/gallery.html").read_text(encoding="utf-8")
    script = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # "</script>" would end the script
    for mark, text in (("NAME", escape(terms.name)), ("LICENSE", escape(terms.license)), ("URL", escape(terms.url)),
                       ("DATA", script)):
        html = html.replace("{{" + mark + "}}", text)
    return html

"""HTML pieces of the report: one page, with its style and its pictures inside it."""
from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2

from data.images import read_image
from unet_eval.tables import Table

PICTURE_BYTES = 500_000  # a larger picture is inlined as JPEG, so that the report stays below 8 MB
PICTURE_WIDTH = 1600
CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; color: #1c2430; background: #fff; font: 16px/1.55 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0.5rem 0 0.75rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 0.5rem; padding-top: 0.75rem; border-top: 1px solid #d5dbe3; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 0.25rem; }
a { color: #005a8f; }
p, ul, ol { max-width: 46rem; }
.answer { font-size: 1.125rem; border-left: 4px solid #0072b2; padding-left: 1rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.35rem 0.75rem; border-bottom: 1px solid #e3e8ee; vertical-align: top; }
th { font-weight: 600; background: #f4f6f9; }
th:first-child, td:first-child { text-align: left; }
.scroll td:first-child { min-width: 5.5em; }
td:not(:first-child) { white-space: nowrap; }
.prose { min-width: 44rem; }
.prose th, .prose td { text-align: left; white-space: normal; }
.strong td { background: #fff6d6; }
th small { font-weight: 400; }
td small, th small { display: block; color: #5a6675; white-space: nowrap; }
figure { margin: 1.25rem 0; }
figure .scroll { margin: 0; }
figure img { display: block; max-width: 100%; height: auto; }
.chart img { width: 27rem; }
.broad img { width: 52rem; }
figcaption { color: #4a5563; font-size: 0.9rem; max-width: 46rem; margin-top: 0.4rem; }
.first { display: grid; grid-template-columns: minmax(0, 1fr) 16.5rem; gap: 0 2rem; }
.first figure { margin: 0 0 0.75rem; }
.first img { width: 100%; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 0 1.5rem; }
nav ol { columns: 2; column-gap: 2rem; padding-left: 1.25rem; margin: 1.5rem 0 0; }
nav li { break-inside: avoid; padding-bottom: 0.2rem; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; max-width: none; }
.key { display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.4em; border: 1px solid #888;
       vertical-align: -0.1em; }
details { margin: 0.5rem 0; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; background: #f4f6f9; padding: 0.75rem; font-size: 0.8rem; line-height: 1.4; }
@media (max-width: 48rem) {
  main { padding: 0.75rem 0.875rem 3rem; }
  table { font-size: 0.8rem; }
  th, td { padding: 0.3rem 0.25rem; }
  .scroll td:first-child { min-width: 4.5em; }
  .first { grid-template-columns: minmax(0, 1fr); }
  .first img { max-width: 22rem; }
  nav ol { columns: 1; }
  .wide img, .broad img { max-width: none; width: 44rem; }
  .broad + figcaption::before, .wide + figcaption::before {
    content: "Scroll the picture sideways. "; font-style: italic;
  }
}
"""


@dataclass(frozen=True)
class Section:
    """A heading (text) with what stands under it (HTML), and the name that links lead to."""

    anchor: str
    title: str
    html: str


def section(anchor: str, title: str, *parts: str) -> Section | None:
    """None where all `parts`, HTML, are empty."""
    html = "\n".join(part for part in parts if part)
    return Section(anchor, title, html) if html else None


def render(sections: list[Section]) -> list[str]:
    """HTML: links to the sections, then the sections."""
    links = "".join(f'<li><a href="#{one.anchor}">{escape(one.title)}</a></li>' for one in sections)
    return [f"<nav><ol>{links}</ol></nav>"] + [
        f'<section id="{one.anchor}">\n<h2>{escape(one.title)}</h2>\n{one.html}\n</section>' for one in sections]


def details(summary: str, html: str) -> str:
    """Folded until it is asked for; `summary` is text."""
    return f"<details><summary>{escape(summary)}</summary>\n{html}\n</details>"


def page(title: str, body: list[str]) -> str:
    """A whole document; `title` is text, `body` HTML."""
    return "\n".join(["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
                      '<meta name="viewport" content="width=device-width, initial-scale=1">',
                      f"<title>{escape(title)}</title>", f"<style>{CSS}</style>", "</head>", "<body>", "<main>",
                      *body, "</main>", "</body>", "</html>", ""])


def image(path: Path, alt: str) -> str:
    """An img element that holds the picture itself, as PNG where that is small; `alt` is HTML."""
    content, kind = path.read_bytes(), "png"
    picture = read_image(path)
    height, width = picture.shape[:2]
    if len(content) > PICTURE_BYTES:
        if width > PICTURE_WIDTH:
            height, width = round(height * PICTURE_WIDTH / width), PICTURE_WIDTH
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        content, kind = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes(), "jpeg"
    return (f'<img src="data:image/{kind};base64,{base64.b64encode(content).decode()}" width="{width}" '
            f'height="{height}" alt="{alt}">')


def figure(path: Path, caption: str, kind: str = "wide") -> str:
    """The picture with its caption (HTML), "wide" or a "chart"; nothing where there is no such file."""
    if not path.exists():
        return ""
    return (f'<figure><div class="scroll {kind}">{image(path, caption)}</div>'
            f"<figcaption>{caption}</figcaption></figure>")


def table(of: Table) -> str:
    def cell(text, tag, scope=""):
        first, *aside = escape(text).split("\n")
        return f"<{tag}{scope}>{first}{''.join(f'<small>{line}</small>' for line in aside)}</{tag}>"

    lines = ["<tr>" + "".join(cell(text, "th", ' scope="col"') for text in of.head) + "</tr>"]
    for i, row in enumerate(of.rows):
        strong = ' class="strong"' if i == of.strong else ""
        lines.append(f"<tr{strong}>" + "".join(cell(text, "td") for text in row) + "</tr>")
    prose = ' class="prose"' if of.prose else ""
    return f'<div class="scroll"><table{prose}>\n' + "\n".join(lines) + "\n</table></div>"

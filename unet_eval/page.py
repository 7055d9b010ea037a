"""HTML pieces of the report: one page, with its style and its pictures inside it."""
from __future__ import annotations

import base64
from html import escape
from pathlib import Path

import cv2

from data.images import read_image

PICTURE_BYTES = 500_000  # a larger picture is inlined as JPEG, so that the report stays below 8 MB
PICTURE_WIDTH = 1600
CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; color: #1c2430; background: #fff; font: 16px/1.55 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0.5rem 0 0.75rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 0.5rem; padding-top: 0.75rem; border-top: 1px solid #d5dbe3; }
p, ul { max-width: 46rem; }
.answer { font-size: 1.125rem; border-left: 4px solid #0072b2; padding-left: 1rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.35rem 0.75rem; border-bottom: 1px solid #e3e8ee; vertical-align: top; }
th { font-weight: 600; background: #f4f6f9; }
th:first-child, td:first-child { text-align: left; }
.scroll td:first-child { min-width: 5.5em; }
td small { display: block; color: #5a6675; white-space: nowrap; }
figure { margin: 1.25rem 0; }
figure img { display: block; max-width: 100%; height: auto; }
.chart img { width: 34rem; }
figcaption { color: #4a5563; font-size: 0.9rem; max-width: 46rem; margin-top: 0.4rem; }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 0.5rem; }
.curves img { width: 100%; height: auto; }
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
  .wide img { max-width: none; width: 44rem; }
  .wide + figcaption::before { content: "Scroll the picture sideways. "; font-style: italic; }
}
"""


def page(title: str, body: list[str]) -> str:
    """A whole document; `title` is text, `body` HTML."""
    return "\n".join(["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
                      '<meta name="viewport" content="width=device-width, initial-scale=1">',
                      f"<title>{escape(title)}</title>", f"<style>{CSS}</style>", "</head>", "<body>", "<main>",
                      *body, "</main>", "</body>", "</html>", ""])


def image(path: Path) -> str:
    """An img element that holds the picture itself, as PNG where that is small."""
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
            f'height="{height}" alt="{escape(path.stem)}">')


def figure(path: Path, caption: str, kind: str = "wide") -> str:
    """The picture with its caption (HTML), "wide" or a "chart"; nothing where there is no such file."""
    if not path.exists():
        return ""
    return (f'<figure><div class="scroll {kind}">{image(path)}</div>'
            f"<figcaption>{caption}</figcaption></figure>")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Cells are HTML."""
    lines = ["<tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return '<div class="scroll"><table>\n' + "\n".join(lines) + "\n</table></div>"

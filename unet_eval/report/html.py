"""The report as one HTML file that loads nothing: its style and its pictures are inside it."""
from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import cv2
from jinja2 import Environment, PackageLoader, StrictUndefined

from data.files import readable
from data.images import read_image
from unet_eval.report import closing, overview, trainings
from unet_eval.report.claims import claims
from unet_eval.run import Run

PICTURE_BYTES = 500_000  # a larger picture is inlined as JPEG, so that the report stays below 8 MB
PICTURE_WIDTH = 1600


def inline(path: Path) -> dict:
    """A picture as a data URL, "source", PNG where that is small, else JPEG; with its "width" and "height"."""
    content, kind = path.read_bytes(), "png"
    picture = read_image(path)
    height, width = picture.shape[:2]
    if len(content) > PICTURE_BYTES:
        if width > PICTURE_WIDTH:
            height, width = round(height * PICTURE_WIDTH / width), PICTURE_WIDTH
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        content, kind = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes(), "jpeg"
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return {"source": source, "width": width, "height": height}


@lru_cache(None)
def environment() -> Environment:
    """Jinja2's: everything that is put into a template is escaped, a name that is not given is an error."""
    jinja = Environment(loader=PackageLoader("unet_eval.report"), autoescape=True, undefined=StrictUndefined,
                        trim_blocks=True, lstrip_blocks=True)
    jinja.filters["inline"] = inline
    jinja.filters["kind"] = lambda block: type(block).__name__
    return jinja


def document(results: dict, experiments: Iterable[ModuleType], folder: Path, run: Run) -> str:
    """The whole report. `experiments` are modules as unet_eval.experiments describes, `folder` holds the pictures."""
    sections = {experiment.NAME: experiment.section(results, folder) for experiment in experiments}
    absent = [name for name, section in sections.items() if not section]
    first, *others = filter(None, sections.values())
    return readable(environment().get_template("report.html").render(
        title=f"Synthetic training images: {run.name}", first_screen=overview.first_screen(results, absent),
        first_pictures=overview.first_pictures(results, folder), claims=claims(results),
        sections=[first, closing.which_f1(results), *others, overview.section(results, folder),
                  trainings.section(results, folder), closing.limits(results), closing.repeat(results, run)]))

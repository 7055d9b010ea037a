"""The pairs of a SynthMed release in the place of the training images of a data set, release-at-FOLDER:SPEC.

It tests on the images of SPEC, from which the release was made. Networks that learn from a release know no more of
SPEC's training images than the release shows. This module imports the standard library only.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

NAME = "release"
PREFIX = re.compile(rf"{NAME}(?:-at-([^:]+))?:")  # `origin` of data.layouts leaves out the folder


@dataclass(frozen=True)
class Release:
    """The release that lies in `folder`."""

    folder: str | None

    name = NAME

    @property
    def spec(self) -> str:
        """Its pairs as a data set of their own."""
        return f"folder:{self.folder}"


def parse_release(spec: str) -> tuple[Release | None, str]:
    """"release-at-FOLDER:SPEC" -> (Release, SPEC), any other spec -> (None, spec). SPEC may be a fold."""
    match = PREFIX.match(spec)
    return (Release(match[1]), spec[match.end():]) if match else (None, spec)

"""Lists image files and pairs those with the same stem: what every layout in data/layouts.py is put together from."""
from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError

FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF",
           ".ppm": "PPM", ".pgm": "PPM", ".bmp": "BMP"}  # suffix -> Pillow's name of the format


@dataclass(frozen=True)
class Sample:
    """One photograph, and the files drawn on its pixel grid.

    patient: images of one person have the same, within a data set. modality: one of data.layouts.MODALITIES.
    foreground: levels or colours of the mask that are its foreground; none where that is the brighter of two levels.
    """

    stem: str
    image: Path
    mask: Path | None = None
    fov: Path | None = None
    patient: str = ""
    modality: str = "other"
    foreground: tuple[str, ...] = ()


def list_images(folder: Path, ending: str = "", recursive: bool = False) -> dict[str, Path]:
    """Image files by stem; where a stem has the given ending, without it.

    Raises UserError: no such folder, it cannot be listed, empty files, the same stem twice.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; data/README.md shows how this layout lies on disk")
    try:
        paths = sorted(path for path in (folder.rglob("*") if recursive else folder.iterdir())
                       if path.suffix.lower() in FORMATS and path.is_file()
                       # .DS_Store, ._copies of a Mac, our own unfinished files
                       and not any(part.startswith(".") for part in path.relative_to(folder).parts))
        empty = [str(path.relative_to(folder)) for path in paths if path.stat().st_size == 0]
    except OSError as error:
        raise UserError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    if empty:
        raise UserError(f"{folder}: empty files (0 bytes): {', '.join(empty)}; copy them again")
    by_stem: dict[str, Path] = {}
    for path in paths:
        # A Mac stores an accent as a character of its own; the same name from elsewhere has to be equal to it.
        stem = unicodedata.normalize("NFC", path.stem)
        stem = stem[:-len(ending)] if ending and stem.endswith(ending) else stem
        if stem in by_stem:
            both = f"{by_stem[stem].relative_to(folder)} and {path.relative_to(folder)}"
            raise UserError(f"{folder}: {both} have the same stem '{stem}'; rename or remove one of them")
        by_stem[stem] = path
    return by_stem


def list_optional(folder: Path, ending: str = "") -> dict[str, Path] | None:
    """As `list_images`, None where there is no such folder."""
    return list_images(folder, ending) if folder.is_dir() else None


def pair(root: Path, images: dict[str, Path], masks: dict[str, Path] | None,
         fovs: dict[str, Path] | None = None) -> list[Sample]:
    """Samples sorted by stem. masks or fovs None: the samples have none.

    Raises UserError that names every image without its mask or field of view, and the other way round.
    """
    orphans = []
    for role, others in (("mask", masks), ("field of view", fovs)):
        if others is None:
            continue
        for problem, stems in ((f"image without {role}", images.keys() - others.keys()),
                               (f"{role} without image", others.keys() - images.keys())):
            if stems:
                orphans.append(f"{problem}: {', '.join(sorted(stems))}")
    if orphans:
        raise UserError(f"{root}: {'; '.join(orphans)}; add or remove these files")
    return [Sample(stem, images[stem], masks and masks[stem], fovs and fovs[stem]) for stem in sorted(images)]


def every_fifth(samples: list[Sample], split: str) -> list[Sample]:
    """Where the makers of a data set gave no split: the 5th, 10th, ... by stem is for testing."""
    return [sample for index, sample in enumerate(samples) if (index % 5 == 4) == (split == "test")]

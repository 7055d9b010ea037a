"""Lists image files and pairs them by their names: what every layout in data/registry.py is put together from."""
from __future__ import annotations

import logging
import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from data.errors import UserError, listed
from data.files import RECORD

FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF",
           ".ppm": "PPM", ".pgm": "PPM", ".bmp": "BMP"}  # suffix -> Pillow's name of the format
MEDICAL = {".dcm": "DICOM", ".dicom": "DICOM", ".nii": "NIfTI", ".nii.gz": "NIfTI"}  # read with the extra `medical`
HELD_OUT = 5  # where nobody gave a split, one patient of so many tests


@dataclass(frozen=True)
class Sample:
    """One photograph, and the files drawn on its pixel grid.

    patient: images of one person have the same, within a data set. modality: one of data.layouts.MODALITIES.
    foreground: levels or colours of the mask that are its foreground; none where that is the brighter of two levels.
    table: that names the files; None where they are found in folders.
    """

    stem: str
    image: Path
    mask: Path | None = None
    fov: Path | None = None
    patient: str = ""
    modality: str = "other"
    foreground: tuple[str, ...] = ()
    table: Path | None = None


class NoFolder(UserError):
    """A folder that the layout has is absent."""


def suffix(path: Path) -> str:
    """In small letters; of two where the file is compressed."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


@cache
def say(line: str) -> None:
    """Logs how a data set was understood, once a process. absl's handler, which scripts have, shows it."""
    logging.getLogger(__name__).info(line)


def list_images(folder: Path, ending: str = "", recursive: bool = False) -> dict[str, Path]:
    """Image files by stem; where a stem has the given ending, without it. Links are followed.

    Raises UserError: no such folder (NoFolder), it cannot be listed, empty files, the same stem twice.
    """
    if not folder.is_dir():
        raise NoFolder(f"{folder}: no such folder; data/README.md shows how this layout lies on disk")
    paths, left_out = [], []
    try:
        for path in sorted(_files(folder, recursive)):
            is_image = suffix(path) in (*FORMATS, *MEDICAL) and not path.name.startswith(".") and path.is_file()
            if path.name != RECORD:
                (paths if is_image else left_out).append(path)
        empty = [path.relative_to(folder) for path in paths if path.stat().st_size == 0]
    except OSError as error:
        raise UserError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    if left_out:
        say(f"{folder}: {len(left_out)} left out, by their suffix, as hidden, as folders or as links to nothing: "
            f"{listed(path.relative_to(folder) for path in left_out)}")
    if empty:
        raise UserError(f"{folder}: empty files (0 bytes): {listed(empty)}; copy them again")
    by_stem: dict[str, Path] = {}
    for path in paths:
        # A Mac stores an accent as a character of its own; the same name from elsewhere has to be equal to it.
        stem = unicodedata.normalize("NFC", path.name[:len(path.name) - len(suffix(path))])
        stem = stem[:-len(ending)] if ending and stem.endswith(ending) else stem
        if stem in by_stem:
            both = f"{by_stem[stem].relative_to(folder)} and {path.relative_to(folder)}"
            raise UserError(f"{folder}: {both} have the same stem '{stem}'; rename or remove one of them")
        by_stem[stem] = path
    return by_stem


def _files(folder: Path, recursive: bool) -> Iterator[Path]:
    """What lies in a folder, and, with `recursive`, in those inside it that are not hidden. Each is visited once, so
    that links may lead around."""
    if not recursive:
        yield from folder.iterdir()
        return
    visited = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        visited.add(os.path.realpath(place))
        folders[:] = sorted(name for name in folders if not name.startswith(".")
                            and os.path.realpath(os.path.join(place, name)) not in visited)
        yield from (Path(place, name) for name in names)


def _raise(error: OSError) -> None:
    raise error


def list_optional(folder: Path, ending: str = "") -> dict[str, Path] | None:
    """As `list_images`, None where there is no such folder."""
    return list_images(folder, ending) if folder.is_dir() else None


def pair(root: Path, images: dict[str, Path], masks: dict[str, Path] | None,
         fovs: dict[str, Path] | None = None, patient: Callable[[str], str] = str) -> list[Sample]:
    """Samples sorted by stem, which is that of the image. masks or fovs None: the samples have none. patient: whose
    image it is, by its stem; without it each image is of a person of its own.

    Raises UserError that names every image without its mask or field of view, and the other way round.
    """
    orphans, found = [], {}
    for role, others in (("mask", masks), ("field of view", fovs)):
        if others is None:
            continue
        names = found[role] = _match(root, role, [*images], [*others])
        for problem, stems in ((f"image without {role}", images.keys() - names.keys()),
                               (f"{role} without image", others.keys() - {*names.values()})):
            if stems:
                orphans.append(f"{problem}: {listed(sorted(stems))}")
    if orphans:
        raise UserError(f"{root}: {'; '.join(orphans)}; add or remove these files")
    return [Sample(stem, images[stem], masks and masks[found["mask"][stem]],
                   fovs and fovs[found["field of view"][stem]], patient(stem)) for stem in sorted(images)]


def _match(root: Path, role: str, images: list[str], others: list[str]) -> dict[str, str]:
    """Image stem -> stem of its mask or field of view: the same, or if that pairs more, the same without an ending or a
    beginning that all of them share, or in another case of letters. Which rule it was is said."""
    best = {stem: stem for stem in images if stem in others}
    rule = ""
    # A single image has nothing in common with others: eye_1 and eye_2 are two eyes.
    shared = [ends for ends in _ends(images) if not (ends[0][-1:] + ends[1][:1]).isalnum()] \
        if len(images) > 1 else [("", "")]
    for other_case, of_images, of_others in product((False, True), shared, _ends(others)):
        if len(best) == len(images):
            break
        by_name = [{}, {}]
        for stems, (head, tail), names in ((images, of_images, by_name[0]), (others, of_others, by_name[1])):
            for stem in stems:
                name = stem[len(head):len(stem) - len(tail)]
                names[name.casefold() if other_case else name] = stem
        both = by_name[0].keys() & by_name[1].keys()
        distinct = len(by_name[0]) == len(images) and len(by_name[1]) == len(others)
        if distinct and len(both) > len(best):
            best = {by_name[0][name]: by_name[1][name] for name in both}
            rule = ", ".join(filter(None, [
                of_others[0] and f"but for its beginning '{of_others[0]}'",
                of_others[1] and f"but for its ending '{of_others[1]}'",
                any(of_images) and f"but for the image's '{''.join(of_images)}'",
                other_case and "in any case of letters"]))
    if rule:
        stem = min(best)
        say(f"{root}: a {role} has the name of its image, {rule}: {best[stem]} for {stem}")
    return best


def _ends(stems: list[str]) -> list[tuple[str, str]]:
    """(beginning, ending), of which one is "", that all stems have in common. They leave a name of each, and cut no
    number in two, or the mask of eye 1 might be that of eye 11."""
    rest = min((len(stem) for stem in stems), default=1) - 1
    head = os.path.commonprefix(stems)[:rest]
    tail = os.path.commonprefix([stem[::-1] for stem in stems])[:rest][::-1]
    found = [("", tail[len(tail) - length:]) for length in range(len(tail) + 1)]
    found += [(head[:length], "") for length in range(1, len(head) + 1)]

    def cuts_a_number(stem, head, tail):
        at = len(head) or len(stem) - len(tail)
        return stem[at - 1:at].isdigit() and stem[at:at + 1].isdigit()

    return [ends for ends in found if not any(cuts_a_number(stem, *ends) for stem in stems)]


def every_fifth(samples: list[Sample], split: str, count: int = HELD_OUT) -> list[Sample]:
    """Where the makers of a data set gave no split: the 5th, 10th, ... patient by name is for testing; 5 is `count`."""
    tested = {*sorted({sample.patient or sample.stem for sample in samples})[count - 1::count]}
    return [sample for sample in samples if ((sample.patient or sample.stem) in tested) == (split == "test")]

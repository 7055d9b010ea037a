"""The registry of data sets: how each lies on disk, what it shows, whom to cite. README.md draws the folders.

This module imports the standard library only, so that the scripts that plan a run can read it in any Python.
"""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data import tables
from data.errors import listed
from data.finding import HELD_OUT, NoFolder, Sample, every_fifth, list_images, list_optional, pair, say

RESEARCH = "terms for research and education; its images may not be passed on"
DRAWN = "Apache 2.0, as this program"  # terms of what it draws itself


@dataclass(frozen=True)
class DataSet:
    """One layout.

    title, citation: for the report; no citation where there is nothing to cite. modality: one of MODALITIES, None where
    the user's files decide. find(root, split, masks): the samples of split "train" or "test", without their masks where
    `masks` is False. annotated: False where there are photographs only, all of them for training.
    has_fov(root): whether the user's files have fields of view, where these decide on the modality. held_out(root):
    whether the test images are training images, for there are no masks of others. terms: under which its makers give
    it out, where they say so in public.
    """

    title: str
    citation: str
    modality: str | None
    find: Callable[[Path, str, bool], list[Sample]]
    annotated: bool = True
    has_fov: Callable[[Path], bool] = lambda root: False
    held_out: Callable[[Path], bool] = lambda root: False
    terms: str = "the terms of its makers"


def _drive_has_no_test_masks(root: Path) -> bool:
    return not list_optional(root / "test" / "1st_manual")


def _drive(root: Path, split: str, masks: bool) -> list[Sample]:
    if masks and _drive_has_no_test_masks(root):
        drawn = _drive_part(root / "training", masks)
        parts = {part: every_fifth(drawn, part, min(HELD_OUT, len(drawn) or 1)) for part in ("train", "test")}
        say(f"{root}: no test/1st_manual, as DRIVE is given out today, so training images are held out and test: "
            f"{listed(sample.stem for sample in parts['test'])}; `make folds` tests each of them")
        return parts[split]
    return _drive_part(root / {"train": "training", "test": "test"}[split], masks)


def _drive_part(part: Path, masks: bool) -> list[Sample]:
    long = part.name
    return pair(part, list_images(part / "images", f"_{long}"),
                list_images(part / "1st_manual", "_manual1") if masks else None,
                list_optional(part / "mask", f"_{long}_mask"))


def _messidor(root: Path, split: str, masks: bool) -> list[Sample]:
    return pair(root, list_images(root, recursive=True), None) if split == "train" else []


def _bu_bil(root: Path, split: str, masks: bool) -> list[Sample]:
    folders = [root] if (root / "RawImages").is_dir() else sorted(root.glob("BU-BIL_Dataset*"))
    cells = [sample for folder in folders for sample in
             pair(folder, list_images(folder / "RawImages"), list_images(folder / "GoldStandard") if masks else None)]
    return every_fifth(sorted(cells, key=lambda sample: sample.stem), split)


def _chase_db1(root: Path, split: str, masks: bool) -> list[Sample]:
    files = list_images(root)
    first_observer = {stem[:-len("_1stHO")]: path for stem, path in files.items() if stem.endswith("_1stHO")}
    images = {stem: path for stem, path in files.items() if not stem.endswith("HO")}
    eyes = pair(root, images, first_observer if masks else None, patient=_chase_db1_patient)
    return eyes[:20] if split == "train" else eyes[20:]


def _chase_db1_patient(stem: str) -> str:
    """Image_01L and Image_01R are the eyes of child 01."""
    eye = re.fullmatch(r"Image_(\d+)[LR]", stem)
    return eye[1] if eye else stem


def _hrf(root: Path, split: str, masks: bool) -> list[Sample]:
    """The first five of each category (dr, g, h) train."""
    eyes = pair(root, list_images(root / "images"), list_images(root / "manual1") if masks else None,
                list_optional(root / "mask", "_mask"))
    number: Counter[str] = Counter()  # of each category so far
    chosen = []
    for sample in eyes:
        category = sample.stem.rpartition("_")[2]
        number[category] += 1
        if (number[category] <= 5) == (split == "train"):
            chosen.append(sample)
    return chosen


def _stare(root: Path, split: str, masks: bool) -> list[Sample]:
    eyes = pair(root, list_images(root / "stare-images"), list_images(root / "labels-ah", ".ah") if masks else None)
    return eyes[:-10] if split == "train" else eyes[-10:]


def _folder(root: Path, split: str, masks: bool) -> list[Sample]:
    """images/ and masks/, in train/ and test/ or not; where no masks are asked for, any folder of photographs."""
    parts = _parts(root)
    if not masks and not any(_child(part, "images") for part in (root, *parts.values())):
        return _messidor(root, split, masks)
    if not parts:
        return every_fifth(_pairs(root, masks), split)
    return _pairs(parts[split], masks) if split in parts else []


def _pairs(part: Path, masks: bool) -> list[Sample]:
    images, drawn, fov = (_child(part, name) or part / name for name in ("images", "masks", "fov"))
    return pair(part, list_images(images), list_images(drawn) if masks else None, list_optional(fov))


def _parts(root: Path) -> dict[str, Path]:
    """The folders of the splits that are there."""
    parts = {"train": _child(root, "train", "training"), "test": _child(root, "test", "testing")}
    return {split: part for split, part in parts.items() if part}


def _child(root: Path, *names: str) -> Path | None:
    """The folder in `root` that has one of the names, in any case of letters."""
    folders = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir()} if root.is_dir() else {}
    return next((folders[name] for name in names if name in folders), None)


def _folder_has_fov(root: Path) -> bool:
    """A folder that is not there, or may not be opened, has none."""
    try:
        return any(_child(part, "fov") for part in (root, *_parts(root).values()))
    except OSError:
        return False


def _phantom(root: Path, split: str, masks: bool) -> list[Sample]:
    part, find = (root / "DRIVE", _drive) if masks else (root / "MESSIDOR", _messidor)
    if not part.is_dir():
        raise NoFolder(f"{part}: no such folder; call `make data`, which draws the phantoms")
    return find(part, split, masks)


DATA_SETS = {
    "drive": DataSet("DRIVE", "Staal et al., Ridge-based vessel segmentation in color images of the retina, "
                     "IEEE TMI 23(4), 2004", "fundus", _drive, held_out=_drive_has_no_test_masks, terms=RESEARCH),
    "messidor": DataSet("MESSIDOR", "Decencière et al., Feedback on a publicly distributed image database: the "
                        "Messidor database, Image Analysis & Stereology 33(3), 2014", "fundus", _messidor,
                        annotated=False, terms=RESEARCH),
    "bu_bil": DataSet("BU-BIL", "Gurari et al., How to collect segmentations for biomedical images?, WACV 2015",
                      "cells", _bu_bil, terms="its makers' terms; its images may not be passed on"),
    "chase_db1": DataSet("CHASE_DB1", "Fraz et al., An ensemble classification-based approach applied to retinal "
                         "blood vessel segmentation, IEEE TBME 59(9), 2012", "fundus", _chase_db1, terms="CC BY 4.0"),
    # Its makers describe 15 healthy, 15 diabetic and 15 glaucoma patients: 01_h, 01_dr and 01_g are three people.
    "hrf": DataSet("HRF", "Budai et al., Robust vessel segmentation in fundus images, Int. J. Biomedical Imaging, "
                   "2013", "fundus", _hrf, terms="CC BY 4.0"),
    "stare": DataSet("STARE", "Hoover et al., Locating blood vessels in retinal images by piecewise threshold "
                     "probing of a matched filter response, IEEE TMI 19(3), 2000", "fundus", _stare),
    "folder": DataSet("folder", "", None, _folder, has_fov=_folder_has_fov),
    "csv": DataSet("table", "", None, tables.find, has_fov=tables.has_fov),
    "phantom": DataSet("phantom", "drawn by this project’s own program; no photograph of a patient is in it",
                       "fundus", _phantom, terms=DRAWN),
}

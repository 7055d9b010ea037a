"""The registry of data sets: how each lies on disk, what it shows, whom to cite. README.md draws the folders.

This module imports the standard library only, so that the scripts that plan a run can read it in any Python.
"""
from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from data.few import parse_few, whole
from data.finding import Sample, every_fifth, list_images, list_optional, pair
from data.folds import parse_fold

DATA_ROOT = Path("data/raw")  # in the working folder, where a user's data lies with an installed package, too
MODALITIES = ("fundus", "cells", "other")
RESEARCH = "terms for research and education; its images may not be passed on"
DRAWN = "Apache 2.0, as this program"  # terms of what it draws itself


@dataclass(frozen=True)
class DataSet:
    """One layout.

    title, citation: for the report; no citation where there is nothing to cite. modality: one of MODALITIES, None where
    the user's files decide. find(root, split, masks): the samples of split "train" or "test", without their masks where
    `masks` is False. patient(stem): images of one person have the same. annotated: False where there are photographs
    only, all of them for training. terms: under which its makers give it out, where they say so in public.
    """

    title: str
    citation: str
    modality: str | None
    find: Callable[[Path, str, bool], list[Sample]]
    patient: Callable[[str], str] = str  # the stem: each image is of a person of its own
    annotated: bool = True
    terms: str = "the terms of its makers"


def samples(spec: str, split: str = "all", masks: bool = True, modality: str = "") -> list[Sample]:
    """The samples of a data set, sorted by stem, paired by stem.

    Args:
      spec: "layout:path", or "phantom" alone; "fold-K-of-N:" before it is one of N splits of all its samples,
        "few-N-of-draw-D:" a few of its training samples.
      split: "train", "test" or "all".
      masks: False lists photographs only and asks for no mask (for PHOTOS).
      modality: as `modality_of`.
    Raises:
      UserError: unknown layout, missing folder, no samples in it, images without mask or masks without image
        (all named), stems that occur twice, empty files; as data.folds, where the spec is a fold, and data.few.
    """
    if split not in ("train", "test", "all"):
        raise ValueError(f"split '{split}' is not train, test or all")
    few, inner = parse_few(spec)
    if few:
        train = few.of(samples(inner, "train", masks, modality)) if split != "test" else []
        test = samples(inner, "test", masks, modality) if split != "train" else []
        return sorted(train + test, key=lambda sample: sample.stem)
    fold, inner = parse_fold(spec)
    if fold:
        return fold.of(samples(inner, "all", masks, modality), split)
    name, root = _parse(spec)
    if not os.path.isdir(root):
        remedy = "call `make data`, which draws the phantoms" if name == "phantom" else "mend the path"
        raise UserError(f"'{spec}': no folder {root}; {remedy}")
    data_set, modality = DATA_SETS[name], modality_of(spec, modality)
    parts = ("train", "test") if split == "all" else (split,)
    all_samples = [dataclasses.replace(sample, patient=data_set.patient(sample.stem), modality=modality)
                   for part in parts for sample in data_set.find(root, part, masks)]
    repeated = sorted(stem for stem, count in Counter(sample.stem for sample in all_samples).items() if count > 1)
    if repeated:
        raise UserError(f"{root}: stems that occur twice: {', '.join(repeated)}; rename one of each")
    may_be_empty = split == "test" and not (data_set.annotated and masks)
    if not all_samples and not may_be_empty:
        raise UserError(f"{root}: no {'samples' if split == 'all' else split + ' samples'} in this folder; "
                        f"data/README.md shows how the layout '{name}' lies on disk")
    return sorted(all_samples, key=lambda sample: sample.stem)


def training(spec: str, validation: int, modality: str = "") -> tuple[list[Sample], list[Sample]]:
    """The training split as (what is trained on, what is held out, on which choices are made).

    Whole patients are held out, the last by stem, until these have at least `validation` images. Every stage holds out
    the same ones, so that no arm's validation F1 is of a patient that a GAN has seen. Raises UserError as `samples`,
    and where no patient is left.
    """
    all_samples = samples(spec, "train", modality=modality)
    patients: set[str] = set()
    held_out: list[Sample] = []
    for last in reversed(all_samples):
        if len(held_out) >= validation:
            break
        patients.add(last.patient)
        held_out = [sample for sample in all_samples if sample.patient in patients]
    if len(held_out) == len(all_samples):
        raise UserError(f"--validation={validation} leaves no patient of {len(all_samples)} training images to train "
                        "on: lower it")
    return [sample for sample in all_samples if sample.patient not in patients], held_out


def modality_of(spec: str, modality: str = "") -> str:
    """What the images of "layout:path" show, one of MODALITIES.

    The layout says so. Only of `folder` it does not: a folder fov/ tells fundus photographs, else `modality` is
    believed, else it is "other". The data set need not be there.
    """
    name, root = _parse(whole(spec))
    if DATA_SETS[name].modality:
        return DATA_SETS[name].modality
    has_fov = any((root / part / "fov").is_dir() for part in ("", "train", "test"))
    return "fundus" if has_fov else modality or "other"


def checksum(samples: list[Sample]) -> str:
    """sha256 (hex) over stems and the bytes of their files; where they lie does not matter."""
    digest = hashlib.sha256()
    for sample in samples:
        for role in ("image", "mask", "fov"):
            path = getattr(sample, role)
            if path is not None:
                digest.update(f"{sample.stem}\0{role}\0".encode("utf-8", "surrogateescape"))
                with open(path, "rb") as file:
                    for block in iter(lambda: file.read(1 << 20), b""):
                        digest.update(block)
    return digest.hexdigest()


def origin(spec: str) -> str:
    """Whose images "layout:path" has: the layout, but for what data/phantom drew into a folder `phantom`, which lies
    as the data sets of others do and is none of them: "phantom_cells" where these are cells, else "phantom". Of a fold,
    or of a few images, it begins with their name and a colon."""
    for part, inner in (parse_few(spec), parse_fold(spec)):
        if part:
            return f"{part.name}:{origin(inner)}"
    name, _, path = spec.partition(":")
    if name == "folder" or "phantom" not in Path(path).parts:
        return name
    return "phantom_cells" if modality_of(spec) == "cells" else "phantom"


def title(origin: str) -> str:
    """A name for readers, of what the function `origin` returns; an unknown origin is its own title."""
    few, inner = parse_few(origin)
    if few:
        return f"{few.title} of {title(inner)}"
    fold, name = parse_fold(origin)
    named = _CREDITS.get(name, (name, ""))[0]
    return f"fold {fold.number} of {fold.count} of {named}" if fold else named


def citation(origin: str) -> str:
    """The publication, or "" where there is none to cite."""
    name = whole(origin)
    return _CREDITS.get(name, (name, ""))[1]


def terms(origin: str) -> str:
    """Under which its makers give it out, for readers."""
    name = whole(origin)
    return DATA_SETS[name].terms if name in DATA_SETS else DRAWN


def _parse(spec: str) -> tuple[str, Path]:
    """Layout and folder; UserError where the layout is unknown or the folder not given."""
    name, _, path = spec.partition(":")
    if name not in DATA_SETS:
        raise UserError(f"'{spec}': unknown layout '{name}'; write layout:path, layout being one of "
                        f"{', '.join(DATA_SETS)}")
    if not path and name != "phantom":
        raise UserError(f"'{spec}': no folder given; write {name}:path")
    return name, Path(path).expanduser() if path else DATA_ROOT / "phantom"


def _drive(root: Path, split: str, masks: bool) -> list[Sample]:
    long = {"train": "training", "test": "test"}[split]
    part = root / long
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
    eyes = pair(root, images, first_observer if masks else None)
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
    has_split = (root / "train").is_dir() or (root / "test").is_dir()
    part = root / split if has_split else root
    pairs = pair(part, list_images(part / "images"), list_images(part / "masks") if masks else None,
                 list_optional(part / "fov"))
    return pairs if has_split else every_fifth(pairs, split)


def _phantom(root: Path, split: str, masks: bool) -> list[Sample]:
    part, find = (root / "DRIVE", _drive) if masks else (root / "MESSIDOR", _messidor)
    if not part.is_dir():
        raise UserError(f"{part}: no such folder; call `make data`, which draws the phantoms")
    return find(part, split, masks)


DATA_SETS = {
    "drive": DataSet("DRIVE", "Staal et al., Ridge-based vessel segmentation in color images of the retina, "
                     "IEEE TMI 23(4), 2004", "fundus", _drive, terms=RESEARCH),
    "messidor": DataSet("MESSIDOR", "Decencière et al., Feedback on a publicly distributed image database: the "
                        "Messidor database, Image Analysis & Stereology 33(3), 2014", "fundus", _messidor,
                        annotated=False, terms=RESEARCH),
    "bu_bil": DataSet("BU-BIL", "Gurari et al., How to collect segmentations for biomedical images?, WACV 2015",
                      "cells", _bu_bil, terms="its makers' terms; its images may not be passed on"),
    "chase_db1": DataSet("CHASE_DB1", "Fraz et al., An ensemble classification-based approach applied to retinal "
                         "blood vessel segmentation, IEEE TBME 59(9), 2012", "fundus", _chase_db1, _chase_db1_patient,
                         terms="CC BY 4.0"),
    # Its makers describe 15 healthy, 15 diabetic and 15 glaucoma patients: 01_h, 01_dr and 01_g are three people.
    "hrf": DataSet("HRF", "Budai et al., Robust vessel segmentation in fundus images, Int. J. Biomedical Imaging, "
                   "2013", "fundus", _hrf, terms="CC BY 4.0"),
    "stare": DataSet("STARE", "Hoover et al., Locating blood vessels in retinal images by piecewise threshold "
                     "probing of a matched filter response, IEEE TMI 19(3), 2000", "fundus", _stare),
    "folder": DataSet("folder", "", None, _folder),
    "phantom": DataSet("phantom", "drawn by this project’s own program; no photograph of a patient is in it",
                       "fundus", _phantom, terms=DRAWN),
}
_CREDITS = {**{name: (data_set.title, data_set.citation) for name, data_set in DATA_SETS.items()},
            "phantom_cells": ("procedural cells", "drawn by this project’s own program, in the place of BU-BIL")}

"""The samples of a data set "layout:path"; data/registry.py has the layouts.

This module imports the standard library only, so that the scripts that plan a run can read it in any Python.
"""
from __future__ import annotations

import dataclasses
import hashlib
import os
from collections import Counter
from pathlib import Path

from data.errors import UserError, listed
from data.few import parse_few, whole
from data.finding import HELD_OUT, NoFolder, Sample
from data.folds import parse_fold
from data.registry import DATA_SETS, DRAWN
from data.released import parse_release

DATA_ROOT = Path("data/raw")  # in the working folder, where a user's data lies with an installed package, too
MODALITIES = ("fundus", "cells", "other")


def samples(spec: str, split: str = "all", masks: bool = True, modality: str = "",
            foreground: tuple[str, ...] = ()) -> list[Sample]:
    """The samples of a data set, sorted by stem, paired by stem.

    Args:
      spec: "layout:path", or "phantom" alone; "fold-K-of-N:" before it is one of N splits of all its samples,
        "few-N-of-draw-D:" a few of its training samples; "release-at-FOLDER:" has the pairs of a release in the place
        of its training samples.
      split: "train", "test" or "all".
      masks: False lists photographs only and asks for no mask (for PHOTOS).
      modality: as `modality_of`.
      foreground: as in `Sample`.
    Raises:
      UserError: unknown layout, missing folder, no samples in it, images without mask or masks without image
        (all named), stems that occur twice, empty files, folders that may not be opened; as data.folds, where the spec
        is a fold, and data.few.
    """
    if split not in ("train", "test", "all"):
        raise ValueError(f"split '{split}' is not train, test or all")
    few, inner = parse_few(spec)
    if few:
        train = few.of(samples(inner, "train", masks, modality, foreground)) if split != "test" else []
        test = samples(inner, "test", masks, modality, foreground) if split != "train" else []
        return sorted(train + test, key=lambda sample: sample.stem)
    release, inner = parse_release(spec)
    if release:
        if not release.folder:
            raise UserError(f"'{spec}': no folder of the release; write release-at-FOLDER:{inner}")
        shown = modality_of(inner, modality)
        train = samples(release.spec, "train", masks, shown) if split != "test" else []
        test = samples(inner, "test", masks, modality, foreground) if split != "train" else []
        return sorted(train + test, key=lambda sample: sample.stem)
    fold, inner = parse_fold(spec)
    if fold:
        return fold.of(samples(inner, "all", masks, modality, foreground), split)
    name, root = _parse(spec)
    if not os.path.exists(root):
        remedy = "call `make data`, which draws the phantoms" if name == "phantom" else "mend the path"
        raise UserError(f"'{spec}': no {'file' if name == 'csv' else 'folder'} {root}; {remedy}")
    data_set, modality = DATA_SETS[name], modality_of(spec, modality)
    parts = ("train", "test") if split == "all" else (split,)
    try:
        all_samples = [dataclasses.replace(sample, patient=sample.patient or sample.stem, modality=modality,
                                           foreground=foreground)
                       for part in parts for sample in data_set.find(root, part, masks)]
    except NoFolder as error:
        inner = _inner(name, root, masks)
        raise UserError(f"'{spec}': it lies deeper, write {name}:{inner}") if inner else error from None
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be opened ({error.strerror}); check its permissions") from error
    repeated = sorted(stem for stem, count in Counter(sample.stem for sample in all_samples).items() if count > 1)
    if repeated:
        raise UserError(f"{root}: stems that occur twice: {listed(repeated)}; rename one of each")
    may_be_empty = split == "test" and not (data_set.annotated and masks)
    if not all_samples and not may_be_empty:
        inner = _inner(name, root, masks)
        if inner:
            raise UserError(f"'{spec}': it lies deeper, write {name}:{inner}")
        which = "samples" if split == "all" else f"{split} samples"
        few = (". Test images lie in test/, or a table says so; where there is no split every fifth patient tests, so "
               f"that {HELD_OUT} are needed; a folder val/ is not read" if not data_set.modality else "")
        few += ". `make folds` needs no test images"
        raise UserError(f"{root}: no {which}; data/README.md shows how the layout '{name}' lies on disk"
                        f"{few if split == 'test' else ''}")
    return sorted(all_samples, key=lambda sample: sample.stem)


def training(spec: str, validation: int, modality: str = "",
             foreground: tuple[str, ...] = ()) -> tuple[list[Sample], list[Sample]]:
    """The training split as (what is trained on, what is held out, on which choices are made).

    Whole patients are held out, the last by stem, until these have at least `validation` images. Every stage holds out
    the same ones, so that no arm's validation F1 is of a patient that a GAN has seen. Raises UserError as `samples`,
    and where no patient is left.
    """
    all_samples = samples(spec, "train", True, modality, foreground)
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


def same_names(train: list[Sample], test: list[Sample]) -> set[str]:
    """Stems that a training and a test image of a data set have that names no patients: they are of two people, though
    the patient of both is called by the stem."""
    trained = {sample.stem for sample in train}
    return {sample.stem for sample in test if sample.patient == sample.stem in trained}


def original(spec: str) -> str:
    """The data set that a release was made from; any other spec itself."""
    release, inner = parse_release(parse_few(spec)[1])
    return inner if release else spec


def modality_of(spec: str, modality: str = "", otherwise: str = "other") -> str:
    """What the images of "layout:path" show, one of MODALITIES.

    The layout says so. Only of `folder` and `csv` it does not: `modality` is believed, else fields of view tell fundus
    photographs, else it is `otherwise`. The data set need not be there.
    """
    name, root = _parse(whole(spec))
    known = DATA_SETS[name].modality or modality  # pairs of a release have fields of view, whatever they show
    return known or ("fundus" if DATA_SETS[name].has_fov(root) else otherwise)


def folder_of(spec: str) -> Path:
    """Where "layout:path" lies."""
    return _parse(whole(spec))[1]


def tests_are_held_out(spec: str) -> bool:
    """Whether the test images of "layout:path" are training images of its makers, who gave no masks of others."""
    name, root = _parse(whole(spec))
    return DATA_SETS[name].held_out(root)


def foreground_of(spec: str, foreground: tuple[str, ...]) -> tuple[str, ...]:
    """That of a data set beside PAIRS: masks of a known one are its makers', others are read like those of PAIRS."""
    return () if DATA_SETS[_parse(whole(spec))[0]].modality else foreground


def photographs(spec: str, pairs: str, modality: str = "", labels: str = "") -> list[Sample]:
    """All samples of PHOTOS, none where `spec` is empty; their masks are STEM.png in the folder `labels`, where a U-Net
    writes them, none where that is empty. Where neither `modality` nor their files say what they show, it is what
    `pairs` shows. Raises UserError as `samples`; the masks need not be there."""
    if not spec:
        return []
    found = samples(spec, "all", masks=False, modality=modality_of(spec, modality, modality_of(pairs)))
    if not labels:
        return found
    return [dataclasses.replace(sample, mask=Path(labels) / f"{sample.stem}.png") for sample in found]


def _inner(name: str, root: Path, masks: bool) -> Path | None:
    """The only folder in `root`, or in that, and so on, where the data set lies: it was unpacked too deep."""
    try:
        folders = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
    except OSError:  # it is a file, or may not be opened
        return None
    if len(folders) != 1:
        return None
    try:
        found = DATA_SETS[name].find(folders[0], "train", masks)
    except (UserError, OSError):
        found = None
    return folders[0] if found else _inner(name, folders[0], masks)


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
    """Whose images "layout:path" has: the layout, but for what `make data` drew into data/raw/phantom, which lies as
    the data sets of others do and is none of them: "phantom_cells" where these are cells, else "phantom". Of a fold, a
    few images or a release, it begins with their name and a colon."""
    for part, inner in (parse_few(spec), parse_release(spec), parse_fold(spec)):
        if part:
            return f"{part.name}:{origin(inner)}"
    name, _, path = spec.partition(":")
    # No other folder counts, whatever its name: patients' images must not be given out as drawn ones.
    place = Path(os.path.realpath(os.path.expanduser(path)))
    if name in ("folder", "csv") or Path(os.path.realpath(DATA_ROOT / "phantom")) not in place.parents:
        return name
    return "phantom_cells" if modality_of(spec) == "cells" else "phantom"


def title(origin: str) -> str:
    """A name for readers, of what the function `origin` returns; an unknown origin is its own title."""
    few, inner = parse_few(origin)
    if few:
        return f"{few.title} of {title(inner)}"
    release, inner = parse_release(origin)
    if release:
        return f"synthetic pairs made from {title(inner)}"
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
    return name, Path(os.path.expanduser(path)) if path else DATA_ROOT / "phantom"


_CREDITS = {**{name: (data_set.title, data_set.citation) for name, data_set in DATA_SETS.items()},
            "phantom_cells": ("procedural cells", "drawn by this project’s own program, in the place of BU-BIL")}

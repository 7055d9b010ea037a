"""How each data set lies on disk -> a list of Sample. Trees and splits are drawn in README.md."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from data.images import FORMATS, DataError, check_sample

DATA_ROOT = Path(__file__).parent / "raw"


@dataclass(frozen=True)
class Sample:
    """One photograph, and the files drawn on its pixel grid."""

    stem: str
    image: Path
    mask: Path | None = None
    fov: Path | None = None


def samples(spec: str, split: str = "all", masks: bool = True) -> list[Sample]:
    """The samples of a data set, sorted by stem, paired by stem.

    Args:
      spec: "layout:path", or "phantom" alone.
      split: "train", "test" or "all".
      masks: False lists photographs only and asks for no mask (for PHOTOS).
    Raises:
      DataError: unknown layout, missing folder, no samples in it, images without mask or masks without image
        (all named), stems that occur twice, empty files.
    """
    if split not in ("train", "test", "all"):
        raise ValueError(f"split '{split}' is not train, test or all")
    name, root = _parse(spec)
    layout = LAYOUTS[name]
    parts = ("train", "test") if split == "all" else (split,)
    found = [sample for part in parts for sample in layout(root, part, masks)]
    twice = sorted(stem for stem, count in Counter(sample.stem for sample in found).items() if count > 1)
    if twice:
        raise DataError(f"{root}: stems that occur twice: {', '.join(twice)}; rename one of each")
    if not found and not (split == "test" and (layout is _messidor or not masks)):
        raise DataError(f"{root}: no {'samples' if split == 'all' else split + ' samples'} in this folder; "
                        f"data/README.md shows how the layout '{name}' lies on disk")
    return sorted(found, key=lambda sample: sample.stem)


def training(spec: str, validation: int) -> tuple[list[Sample], list[Sample]]:
    """The training split as (what is trained on, the last `validation` samples, on which choices are made).

    Every stage holds out the same ones, so that no arm's validation F1 is of an image that a GAN has seen. By stem the
    two eyes of a patient are neighbours: an even number holds out whole patients of CHASE_DB1.
    """
    found = samples(spec, "train")
    if validation >= len(found):
        raise DataError(f"--validation={validation} leaves none of {len(found)} training images: lower it")
    cut = len(found) - validation
    return found[:cut], found[cut:]


def check(found: list[Sample]) -> None:
    """Open every file, before anything is trained on them; one line says what was found.

    Raises:
      DataError: the first file that cannot be used, and how many others there are.
    """
    def examine(sample: Sample):
        try:
            return check_sample(sample)
        except DataError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes without holding Python's lock
        results = list(pool.map(examine, found))
    errors = [result for result in results if isinstance(result, DataError)]
    if errors:
        more = f" (and {len(errors) - 1} more samples with errors)" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}")
    sizes = Counter(shape for shape, _ in results)
    warnings = 0
    for remark in ("cut at half", "all background"):
        stems = [sample.stem for sample, (_, remarks) in zip(found, results) if remark in remarks]
        warnings += len(stems)
        if stems:
            logging.warning("masks %s, %d of %d: %s", remark, len(stems), len(found), ", ".join(stems))
    shown = ", ".join(f"{width} x {height} ({count})" for (height, width), count in sizes.most_common(5))
    logging.info("%d images checked, pixels %s, %d warnings", len(found), shown, warnings)


def checksum(found: list[Sample]) -> str:
    """sha256 (hex) over stems and the bytes of their files; where they lie does not matter."""
    digest = hashlib.sha256()
    for sample in found:
        for role in ("image", "mask", "fov"):
            path = getattr(sample, role)
            if path is not None:
                digest.update(f"{sample.stem}\0{role}\0".encode("utf-8", "surrogateescape"))
                with open(path, "rb") as file:
                    for block in iter(lambda: file.read(1 << 20), b""):
                        digest.update(block)
    return digest.hexdigest()


def origin(spec: str) -> str:
    """Whose images "layout:path" has: the layout, but for what data/phantom.py drew into a folder `phantom`, which lies
    as the data sets of others do and is none of them: "phantom_cells" in BU-BIL's layout, "phantom" in the others."""
    layout, _, path = spec.partition(":")
    if layout == "folder" or "phantom" not in Path(path).parts:
        return layout
    return "phantom_cells" if layout == "bu_bil" else "phantom"


def _parse(spec: str) -> tuple[str, Path]:
    name, _, path = spec.partition(":")
    if name not in LAYOUTS:
        raise DataError(f"'{spec}': unknown layout '{name}'; write layout:path, layout being one of "
                        f"{', '.join(LAYOUTS)}")
    if not path and name != "phantom":
        raise DataError(f"'{spec}': no folder given; write {name}:path")
    root = Path(path).expanduser() if path else DATA_ROOT / "phantom"
    if not os.path.isdir(root):
        remedy = "call `make data`, which draws the phantoms" if name == "phantom" else "mend the path"
        raise DataError(f"'{spec}': no folder {root}; {remedy}")
    return name, root


def _files(folder: Path, ending: str = "", recursive: bool = False) -> dict[str, Path]:
    """Image files by stem; where a stem has the given ending, without it."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; data/README.md shows how this layout lies on disk")
    try:
        paths = sorted(path for path in (folder.rglob("*") if recursive else folder.iterdir())
                       if path.suffix.lower() in FORMATS and path.is_file()
                       # .DS_Store, ._copies of a Mac, our own unfinished files
                       and not any(part.startswith(".") for part in path.relative_to(folder).parts))
        empty = [str(path.relative_to(folder)) for path in paths if path.stat().st_size == 0]
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    if empty:
        raise DataError(f"{folder}: empty files (0 bytes): {', '.join(empty)}; copy them again")
    found: dict[str, Path] = {}
    for path in paths:
        # A Mac writes an accent as a letter of its own; the same name from elsewhere has to be its equal.
        stem = unicodedata.normalize("NFC", path.stem)
        stem = stem[:-len(ending)] if ending and stem.endswith(ending) else stem
        if stem in found:
            both = f"{found[stem].relative_to(folder)} and {path.relative_to(folder)}"
            raise DataError(f"{folder}: {both} have the same stem '{stem}'; rename or remove one of them")
        found[stem] = path
    return found


def _optional(folder: Path, ending: str = "") -> dict[str, Path] | None:
    return _files(folder, ending) if folder.is_dir() else None


def _pair(root: Path, images: dict, masks: dict | None, fovs: dict | None = None) -> list[Sample]:
    """Samples sorted by stem. masks or fovs None: the samples have none."""
    orphans = []
    for role, others in (("mask", masks), ("field of view", fovs)):
        if others is None:
            continue
        for what, stems in ((f"image without {role}", images.keys() - others.keys()),
                            (f"{role} without image", others.keys() - images.keys())):
            if stems:
                orphans.append(f"{what}: {', '.join(sorted(stems))}")
    if orphans:
        raise DataError(f"{root}: {'; '.join(orphans)}; add or remove these files")
    return [Sample(stem, images[stem], masks and masks[stem], fovs and fovs[stem]) for stem in sorted(images)]


def _every_fifth(found: list[Sample], split: str) -> list[Sample]:
    """Where the makers gave no split: the 5th, 10th, ... by stem is for testing."""
    return [sample for index, sample in enumerate(found) if (index % 5 == 4) == (split == "test")]


def _drive(root: Path, split: str, masks: bool) -> list[Sample]:
    long = {"train": "training", "test": "test"}[split]
    part = root / long
    return _pair(part, _files(part / "images", f"_{long}"),
                 _files(part / "1st_manual", "_manual1") if masks else None,
                 _optional(part / "mask", f"_{long}_mask"))


def _messidor(root: Path, split: str, masks: bool) -> list[Sample]:
    return _pair(root, _files(root, recursive=True), None) if split == "train" else []


def _bu_bil(root: Path, split: str, masks: bool) -> list[Sample]:
    folders = [root] if (root / "RawImages").is_dir() else sorted(root.glob("BU-BIL_Dataset*"))
    found = []
    for folder in folders:
        found += _pair(folder, _files(folder / "RawImages"),
                       _files(folder / "GoldStandard") if masks else None)
    return _every_fifth(sorted(found, key=lambda sample: sample.stem), split)


def _chase_db1(root: Path, split: str, masks: bool) -> list[Sample]:
    files = _files(root)
    first = {stem[:-len("_1stHO")]: path for stem, path in files.items() if stem.endswith("_1stHO")}
    images = {stem: path for stem, path in files.items() if not stem.endswith("HO")}
    found = _pair(root, images, first if masks else None)
    return found[:20] if split == "train" else found[20:]


def _hrf(root: Path, split: str, masks: bool) -> list[Sample]:
    """The first five of each category (dr, g, h) train."""
    found = _pair(root, _files(root / "images"), _files(root / "manual1") if masks else None,
                  _optional(root / "mask", "_mask"))
    seen: Counter[str] = Counter()
    chosen = []
    for sample in found:
        category = sample.stem.rpartition("_")[2]
        seen[category] += 1
        if (seen[category] <= 5) == (split == "train"):
            chosen.append(sample)
    return chosen


def _stare(root: Path, split: str, masks: bool) -> list[Sample]:
    found = _pair(root, _files(root / "stare-images"), _files(root / "labels-ah", ".ah") if masks else None)
    return found[:-10] if split == "train" else found[-10:]


def _folder(root: Path, split: str, masks: bool) -> list[Sample]:
    official = (root / "train").is_dir() or (root / "test").is_dir()
    part = root / split if official else root
    found = _pair(part, _files(part / "images"), _files(part / "masks") if masks else None,
                  _optional(part / "fov"))
    return found if official else _every_fifth(found, split)


def _phantom(root: Path, split: str, masks: bool) -> list[Sample]:
    part, layout = (root / "DRIVE", _drive) if masks else (root / "MESSIDOR", _messidor)
    if not part.is_dir():
        raise DataError(f"{part}: no such folder; call `make data`, which draws the phantoms")
    return layout(part, split, masks)


LAYOUTS = {"drive": _drive, "messidor": _messidor, "bu_bil": _bu_bil, "chase_db1": _chase_db1, "hrf": _hrf,
           "stare": _stare, "folder": _folder, "phantom": _phantom}

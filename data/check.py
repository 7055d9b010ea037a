"""Opens every file of the data sets, so that a bad one is reported before anything is trained.

    python -m data.check --pairs=drive:data/raw/DRIVE --photos=messidor:data/raw/MESSIDOR
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import app, flags, logging

from data.copies import copies, refuse_copies, warn_of_look_alikes, warn_of_twins
from data.decode import TURNED
from data.errors import UserError, listed
from data.fundus import find_field_of_view
from data.images import image_and_notes
from data.layouts import MODALITIES, Sample, foreground_of, photographs, same_names, samples
from data.masks import Mask, NoMask, decode_mask

LEAST_SIDE = 32  # pixels
MOSTLY = 0.75  # share of foreground in all masks of a folder that cells, cut out one by one, do not reach
OUTSIDE = 0.01  # share of a mask's foreground that may lie out of the field of view before it is named
EMPTY, MOSTLY_ON, OUT = "all background", "over half of which is foreground", "partly out of the field of view"


@dataclass(frozen=True)
class Finding:
    """What is worth knowing of a sample. shape: (H, W). share: of foreground in its mask, whose levels these are.

    levels: as in `data.masks.Mask`.
    """

    shape: tuple[int, int]
    remarks: tuple[str, ...]
    share: float = 0.0
    levels: tuple[str, ...] = ()


def check_sample(sample: Sample) -> Finding:
    """Opens every file of a sample.

    Raises UserError: a file cannot be used, the image has a side of less than LEAST_SIDE, a mask or field of view
    differs from it in size, or a field of view is empty or inverted.
    """
    image, notes = image_and_notes(sample.image)
    remarks = [f"images {note}" for note in notes]
    height, width = image.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise UserError(f"{sample.image}: {width} x {height} pixels are too few: {LEAST_SIDE} a side are needed")
    if image.min() == image.max():
        remarks.append("images of one grey only")
    fov = None
    if sample.fov:
        try:
            fov = _on_grid(sample, "field of view", sample.fov, decode_mask(sample.fov), image).pixels
        except NoMask as error:  # which says --foreground, and that is of the masks
            raise UserError(f"{sample.fov}: a field of view has two levels; paint white what shows the eye, and all "
                            "else black") from error
        _check_field_of_view(sample, fov, image)
    if not sample.mask:
        return Finding((height, width), tuple(remarks))
    mask = _on_grid(sample, "mask", sample.mask, decode_mask(sample.mask, sample.foreground), image)
    remarks += [f"masks {note}" for note in mask.notes]
    if TURNED in notes and TURNED not in mask.notes:
        remarks.append("masks taken as drawn on the upright view, for they have no orientation tag and their images do")
    share = float((mask.pixels > 0).mean())
    if not share:
        remarks.append(f"masks {EMPTY}")
    elif share > 0.5:
        remarks.append(f"masks {MOSTLY_ON}")
    elif sample.modality == "fundus":
        fov = find_field_of_view(image) if fov is None else fov
        if (mask.pixels[fov == 0] > 0).sum() > OUTSIDE * share * fov.size:
            remarks.append(f"masks {OUT}")
    return Finding((height, width), tuple(remarks), share, mask.levels)


def _on_grid(sample: Sample, role: str, path: Path, mask: Mask, image: np.ndarray) -> Mask:
    if mask.pixels.shape != image.shape[:2]:
        (height, width), (tall, wide) = mask.pixels.shape, image.shape[:2]
        turned = ("; one of them has an orientation tag (EXIF), and both are shown upright: save them without it"
                  if (height, width) == (wide, tall) else "")
        raise UserError(f"{path}: the {role} is {width} x {height} pixels, its image {sample.image} is {wide} x {tall}"
                        f"; both have to lie on the same grid{turned}")
    return mask


def _check_field_of_view(sample: Sample, fov: np.ndarray, image: np.ndarray) -> None:
    if not fov.any():
        raise UserError(f"{sample.fov}: the field of view is empty; paint it white or remove the file")
    bright = image.max(axis=2)
    if not fov.all() and bright[fov == 0].mean() > bright[fov > 0].mean():
        raise UserError(f"{sample.fov}: the field of view looks inverted, for {sample.image} is brighter outside; "
                        "paint white what shows the eye")


def check(samples: list[Sample]) -> list[Finding]:
    """Open every file; one line of the log says how many there are, and of which sizes.

    Raises:
      UserError: the first file that cannot be used, and how many others there are.
    """
    def examine(sample: Sample):
        try:
            return check_sample(sample)
        except UserError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes without holding Python's lock
        results = list(pool.map(examine, samples))
    errors = [result for result in results if isinstance(result, UserError)]
    if errors:
        more = f" (and {len(errors) - 1} more samples with errors)" if len(errors) > 1 else ""
        raise UserError(f"{errors[0]}{more}")
    sizes = Counter(result.shape for result in results)
    remarks = [remark for result in results for remark in result.remarks]
    for remark in dict.fromkeys(remarks):
        stems = [sample.stem for sample, result in zip(samples, results) if remark in result.remarks]
        logging.warning("%s, %d of %d: %s", remark, len(stems), len(samples), listed(stems))
    shown = ", ".join(f"{width} x {height} ({count})" for (height, width), count in sizes.most_common(5))
    logging.info("%d images checked, pixels %s, %d warnings", len(samples), shown, len(remarks))
    return results


def check_pairs(samples: list[Sample]) -> None:
    """As `check`, and that the masks, which somebody drew, are all of one kind.

    Raises UserError: as `check`; in a folder or table all masks are empty; more than MOSTLY of them is foreground, or
    half where they are of the fundus, as where background is white; or masks of two levels have other levels than
    others.
    """
    folders = defaultdict(list)
    for sample, finding in zip(samples, check(samples)):
        if sample.mask:
            # The masks of a table are of one kind wherever they lie, for example in a folder for each patient.
            folders[sample.table or sample.mask.parent].append((sample, finding))
    for folder, found in folders.items():
        _check_shares(folder, found)
        if not found[0][0].foreground:
            _check_levels(folder, found)


def _name(sample: Sample) -> str:
    return str(sample.mask) if sample.table else sample.mask.name


def _check_shares(folder: Path, found: list[tuple[Sample, Finding]]) -> None:
    foreground = found[0][0].foreground
    share = float(np.mean([finding.share for _, finding in found]))
    if not share:
        there = listed(dict.fromkeys(level for _, finding in found for level in finding.levels))
        raise UserError(f"{folder}: each of {len(found)} masks " + (
            f"has none of --foreground={','.join(foreground)}: there are {there}" if foreground
            else "is all background: paint the foreground white, or say which level it is with --foreground=LEVEL"))
    if share == 1 and not foreground:
        only = ",".join(dict.fromkeys(level for _, finding in found for level in finding.levels))
        raise UserError(f"{folder}: 100% of the pixels of {len(found)} masks are foreground, which have no other level "
                        f"than {only}: paint the background black; or, if it is right, give --foreground={only}")
    mostly_on = [_name(sample) for sample, finding in found if finding.share > 0.5]
    if foreground or not mostly_on:
        return
    fundus = found[0][0].modality == "fundus"
    levels = next((finding.levels for _, finding in found if len(finding.levels) == 2), ("0", "255"))
    if share > 0.5:
        line = (f"{folder}: {share:.0%} of the pixels of {len(found)} masks are foreground, as where they are black on "
                f"white; if the dark pixels are the foreground, give --foreground={levels[0]}, and if "
                f"it is right, --foreground={levels[1]}")
        if fundus or share > MOSTLY:
            raise UserError(line)
        logging.warning("%s", line)
    elif fundus:
        raise UserError(f"{folder}: more than half of {listed(mostly_on)} is foreground, and less of the other masks, "
                        f"as where some are black on white: invert them; or, if it is right, give "
                        f"--foreground={levels[1]}")


def _check_levels(folder: Path, found: list[tuple[Sample, Finding]]) -> None:
    """Masks of 0 and 1, and of 0 and 255, may be two kinds of masks, or labels of which each has two."""
    examples = {finding.levels: _name(sample) for sample, finding in reversed(found) if finding.levels}
    levels = sorted({level for found_levels in examples for level in found_levels}, key=int)
    if len(levels) > 2:
        shown = listed(f"{name} has {' and '.join(of)}" for of, name in examples.items())
        raise UserError(f"{folder}: the masks have {len(levels)} levels between them ({shown}); say which are the "
                        f"foreground, with commas between, for example --foreground={','.join(levels[1:])}")


def check_unseen(spec: str, pairs: str, modality: str = "") -> None:
    """UserError where test images of `spec` are copies of training images of `pairs`."""
    found = copies(samples(spec, "test", modality=modality), samples(pairs, "train", modality=modality))
    if found:
        stems = listed(dict.fromkeys(test.stem for test, _ in found))
        raise UserError(f"--test={spec} holds training images of --pairs={pairs} ({stems}): give a data set that no "
                        "arm was trained on")


def main(pairs: str, photos: str, modality: str, foreground: tuple[str, ...] = (), tests: tuple[str, ...] = ()) -> None:
    """Checks data sets, "layout:path": pairs, photographs, which may be "", and others on whose test images the arms
    will be measured. Ends the process where a file is bad, or where a test image is among those that trainings see."""
    logging.set_verbosity(logging.INFO)
    logging.get_absl_handler().setFormatter(None)
    try:
        train, test = (samples(pairs, split, True, modality, foreground) for split in ("train", "test"))
        check_pairs(train + test)
        refuse_copies(test, train, pairs)
        warn_of_twins(train)
        shared = {sample.patient for sample in train} & {sample.patient for sample in test}
        shared -= same_names(train, test)
        if shared:
            logging.warning("patients with training and with test images, so that the test is easier than one on other "
                            "patients: %s", listed(sorted(shared)))
        others = photographs(photos, pairs, modality)
        if others:
            check(others)
            refuse_copies(test, others, photos)
        warn_of_look_alikes(test, train + others)
        for spec in tests:  # or hours of training would come before the error
            check_pairs(samples(spec, "test", True, modality, foreground_of(spec, foreground)))
            check_unseen(spec, pairs, modality)
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("data: interrupted; call again")


if __name__ == "__main__":
    PAIRS = flags.DEFINE_string("pairs", None, "Images with masks, layout:path.", required=True)
    PHOTOS = flags.DEFINE_string("photos", "", "Photographs without masks, layout:path.")
    MODALITY = flags.DEFINE_enum("modality", "", ["", *MODALITIES], "What a data set of the layout `folder` shows.")
    FOREGROUND = flags.DEFINE_list("foreground", [], "Levels or colours of the masks that are the foreground.")
    TESTS = flags.DEFINE_multi_string("test", [], "Other data sets on which the arms will be measured, layout:path.")
    app.run(lambda _: main(PAIRS.value, PHOTOS.value, MODALITY.value, tuple(FOREGROUND.value), tuple(TESTS.value)))

"""Opens every file of the data sets, so that a bad one is reported before anything is trained.

    python -m data.check --pairs=drive:data/raw/DRIVE --photos=messidor:data/raw/MESSIDOR
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from absl import app, flags, logging

from data.copies import refuse_copies, warn_of_look_alikes
from data.errors import UserError
from data.images import check_sample
from data.layouts import MODALITIES, Sample, samples


def check(samples: list[Sample]) -> None:
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
    sizes = Counter(shape for shape, _ in results)
    warnings = 0
    for remark in ("cut at half", "all background"):
        stems = [sample.stem for sample, (_, remarks) in zip(samples, results) if remark in remarks]
        warnings += len(stems)
        if stems:
            logging.warning("masks %s, %d of %d: %s", remark, len(stems), len(samples), ", ".join(stems))
    shown = ", ".join(f"{width} x {height} ({count})" for (height, width), count in sizes.most_common(5))
    logging.info("%d images checked, pixels %s, %d warnings", len(samples), shown, warnings)


def main(pairs: str, photos: str, modality: str) -> None:
    """Checks both data sets, "layout:path"; `photos` may be empty. Ends the process where a file is bad, or where a
    test image is among those that trainings see."""
    logging.set_verbosity(logging.INFO)
    logging.get_absl_handler().setFormatter(None)
    try:
        train, test = (samples(pairs, split, modality=modality) for split in ("train", "test"))
        others = samples(photos, "all", masks=False, modality=modality) if photos else []
        for part in (train, test, *([others] if photos else [])):
            check(part)
        refuse_copies(test, train, pairs)
        refuse_copies(test, others, photos)
        warn_of_look_alikes(test, train + others)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    PAIRS = flags.DEFINE_string("pairs", None, "Images with masks, layout:path.", required=True)
    PHOTOS = flags.DEFINE_string("photos", "", "Photographs without masks, layout:path.")
    MODALITY = flags.DEFINE_enum("modality", "", ["", *MODALITIES], "What a data set of the layout `folder` shows.")
    app.run(lambda _: main(PAIRS.value, PHOTOS.value, MODALITY.value))

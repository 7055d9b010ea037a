"""Opens every file of the data sets, so that what is wrong with them is told before anything is trained.

    python -m data.check --pairs=drive:data/raw/DRIVE --photos=messidor:data/raw/MESSIDOR
"""

from __future__ import annotations

import sys

from absl import app, flags, logging

from data.images import DataError
from data.layouts import check, samples


def main(_):
    logging.set_verbosity(logging.INFO)
    logging.get_absl_handler().setFormatter(None)
    try:
        for split in ("train", "test"):
            check(samples(flags.FLAGS.pairs, split))
        if flags.FLAGS.photos:
            check(samples(flags.FLAGS.photos, "all", masks=False))
    except DataError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    flags.DEFINE_string("pairs", None, "Images with masks, layout:path.", required=True)
    flags.DEFINE_string("photos", "", "Photographs without masks, layout:path.")
    app.run(main)

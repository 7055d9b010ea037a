"""Procedural data sets, written as real files in the layouts of the real ones.

DRIVE: 20 training and 20 test photographs with vessels and field of view, the test ones by two annotators.
MESSIDOR: 40 larger photographs without masks. BU-BIL: 35 smooth muscle cells.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import cv2
import numpy as np

from data.files import write_error
from data.images import write_image
from data.phantom import cells, retina
from data.unfinished import unfinished_folder

COUNTS = {"DRIVE": 40, "MESSIDOR": 40, "BU-BIL": 35}


def make_phantoms(out: Path, seed: int, counts: dict[str, int] = COUNTS) -> bool:
    """Draws the data sets under the folder `out`, which appears complete or not at all.

    The same seed gives the same bytes; picture i of a set depends on (seed, set, i) only.

    Args:
      counts: pictures of each set; the first half of DRIVE's, rounded up, is for training.
    Returns:
      False if `out` was there already; it is left alone then.
    Raises:
      UserError: `out` cannot be written.
    """
    if out.exists():
        return False
    try:
        with unfinished_folder(out) as partial:
            root = partial / out.name
            _draw_all([(root, seed, name, number, counts) for name in counts for number in range(counts[name])])
            root.rename(out)
    except OSError as error:
        if out.exists():
            return False  # another process was faster
        raise write_error(out, error) from error
    return True


def _draw_all(jobs: list[tuple]) -> None:
    workers = min(os.cpu_count() or 1, 1 + len(jobs) // 16)  # starting one takes as long as drawing some
    if workers == 1:
        for job in jobs:
            _draw(job)
        return
    # spawn: TensorFlow's threads, where the caller has them, do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(workers, _start_worker) as pool:
        for _ in pool.imap_unordered(_draw, jobs):
            pass


def _start_worker():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    cv2.setNumThreads(1)


def _draw(job: tuple[Path, int, str, int, dict[str, int]]) -> None:
    root, seed, name, number, counts = job
    rng = np.random.default_rng([seed, list(COUNTS).index(name), number])
    DRAWERS[name](root / name, rng, number, counts[name])


def _drive(root, rng, number, count):
    training = (count + 1) // 2
    # DRIVE's training photographs are 21 to 40, its test photographs 01 to 20.
    part, stem = ("training", number + 21) if number < training else ("test", number - training + 1)
    eye = retina.fundus(rng, (584, 565), 540)
    write_image(root / part / "images" / f"{stem:02d}_{part}.tif", eye.image)
    write_image(root / part / "mask" / f"{stem:02d}_{part}_mask.gif", eye.fov)
    write_image(root / part / "1st_manual" / f"{stem:02d}_manual1.gif", eye.vessels)
    if part == "test":
        write_image(root / part / "2nd_manual" / f"{stem:02d}_manual2.gif", eye.second)


def _messidor(root, rng, number, count):
    eye = retina.fundus(rng, (960, 1440), 910, variety=1.6)
    base = "Base11" if number < count / 2 else "Base12"
    write_image(root / base / f"20051020_{43000 + number}_0100_PP.tif", eye.image)


def _bu_bil(root, rng, number, count):
    image, mask = cells.cell(rng)
    write_image(root / "BU-BIL_Dataset1" / "RawImages" / f"cell{number + 1:02d}.png", image)
    write_image(root / "BU-BIL_Dataset1" / "GoldStandard" / f"cell{number + 1:02d}.png", mask)


DRAWERS = {"DRIVE": _drive, "MESSIDOR": _messidor, "BU-BIL": _bu_bil}

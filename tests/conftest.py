"""Tiny data sets of real files: discs with lines for vessels, in the layouts of DRIVE and MESSIDOR."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from configs.running import thread_limits
from data.fundus import load_views
from data.images import write_image
from data.layouts import samples
from unet_eval.config import UnetConfig

FAULT = re.compile(r"`([\w/]+\.py::\w+)`")  # a test, as tests/README.md names it
SHARED = Path(__file__).parents[2] / "shared" / "data"

# The processes of pytest-xdist share the cores, as those of `make -jN` do.
os.environ.update(thread_limits(f"-j{os.environ.get('PYTEST_XDIST_WORKER_COUNT', 0)}", os.cpu_count() or 1))


def pytest_collection_modifyitems(items):
    """The tests in the table of tests/README.md inject faults: they get the marker `fault`."""
    named = set(FAULT.findall((Path(__file__).parent / "README.md").read_text(encoding="utf-8")))
    for item in items:
        if f"{item.path.relative_to(Path(__file__).parent).as_posix()}::{item.originalname}" in named:
            item.add_marker(pytest.mark.fault)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """pytest-xdist sends reports as UTF-8, and what tests print may have file names that are not UTF-8."""
    report = yield
    report.sections = [(title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections]
    return report


def draw_eye(seed, shape=(584, 565), diameter=540, noise=6.0):
    """(image uint8 (H, W, 3), mask uint8 (H, W), field of view uint8 (H, W)); dark noise outside the field of view."""
    random = np.random.default_rng(seed)
    height, width = shape
    fov = cv2.circle(np.zeros(shape, np.uint8), (width // 2, height // 2), diameter // 2, 255, cv2.FILLED)
    mask = np.zeros(shape, np.uint8)
    scale = diameter / 540
    disc = np.array([width * 0.3, height * 0.5])
    for angle in np.linspace(-1.2, 1.2, 7) + random.normal(0, 0.1, 7):
        way = angle + np.cumsum(random.normal(0, 0.12, 24))
        steps = 20 * scale * np.stack([np.cos(way), np.sin(way)], axis=1)
        points = np.round(disc + np.cumsum(steps, axis=0)).astype(np.int32)
        cv2.polylines(mask, [points], False, 255, max(1, round(scale * random.uniform(3, 7))))
    mask = np.minimum(mask, fov)
    image = np.float32([180, 95, 50]) * random.uniform(0.8, 1.1) * np.linspace(0.8, 1.1, width)[None, :, None]
    image = np.where(mask[..., None] > 0, image * [0.8, 0.5, 0.6], image)
    cv2.circle(image, tuple(disc.astype(int).tolist()), round(30 * scale), (230, 190, 120), cv2.FILLED)
    image = np.where(fov[..., None] > 0, image + noise * random.standard_normal((height, width, 3)),
                     np.abs(noise / 3 * random.standard_normal((height, width, 3))))
    return np.clip(image, 0, 255).astype(np.uint8), mask, fov


@pytest.fixture(scope="session")
def eye():
    return draw_eye


@pytest.fixture(scope="session")
def drive(tmp_path_factory):
    """"drive:FOLDER" of 3 training and 2 test eyes, in a folder with a space and an accent."""
    root = tmp_path_factory.mktemp("kleine Bilder für Tests") / "DRIVE"
    for part, stems in (("training", (21, 22, 23)), ("test", (1, 2))):
        for stem in stems:
            image, mask, fov = draw_eye(stem)
            write_image(root / part / "images" / f"{stem:02d}_{part}.tif", image)
            write_image(root / part / "1st_manual" / f"{stem:02d}_manual1.gif", mask)
            write_image(root / part / "mask" / f"{stem:02d}_{part}_mask.gif", fov)
    return f"drive:{root}"


@pytest.fixture(scope="session")
def messidor(tmp_path_factory):
    """"messidor:FOLDER" of 3 larger photographs without masks."""
    root = tmp_path_factory.mktemp("photos") / "MESSIDOR"
    for number in range(3):
        write_image(root / f"photo {number}.png", draw_eye(50 + number, (620, 840), 600)[0])
    return f"messidor:{root}"


@pytest.fixture(scope="session")
def views(drive):
    """The three training views."""
    return load_views(drive, "train")


@pytest.fixture(scope="session")
def pairs(drive, tmp_path_factory):
    """The three training views as Stage-II's pairs of 64 pixels."""
    from stage2_pix2pix.preparation import prepared  # TensorFlow takes long to import, and not all tests need it

    return prepared(samples(drive, "train"), 64, tmp_path_factory.mktemp("stage2") / "pairs.h5", {})


@pytest.fixture(scope="session")
def chase():
    if not (SHARED / "CHASE_DB1").is_dir():
        pytest.skip("CHASE_DB1 does not lie in ../shared/data")
    return SHARED / "CHASE_DB1"


@pytest.fixture(scope="session")
def hrf():
    if not (SHARED / "HRF").is_dir():
        pytest.skip("HRF does not lie in ../shared/data")
    return SHARED / "HRF"


@pytest.fixture
def unet_config(drive, tmp_path):
    """unet_config(**changes): the options of a U-Net that trains on `drive` in a second or two."""
    def config(**changes):
        return UnetConfig(**{"pairs": drive, "out": str(tmp_path / "unet-real"), "base": 4, "poolings": 2, "crop": 32,
                             "batch_size": 2, "epochs": 1, "steps_per_epoch": 2, "validation": 0,
                             "precision": "float32", "strategy": "one", **changes})
    return config


@pytest.fixture(autouse=True)
def float32():
    """A training sets Keras's number format for the whole process; each test begins with float32."""
    yield
    if "tensorflow" in sys.modules:
        from tensorflow import keras

        keras.mixed_precision.set_global_policy("float32")


@pytest.fixture
def bfloat16():
    """Networks built within the test multiply bfloat16; skips where the processor cannot."""
    from tensorflow import keras

    from training.precision import computes_bfloat16

    if not computes_bfloat16():
        pytest.skip("this processor cannot compute in bfloat16")
    keras.mixed_precision.set_global_policy("mixed_bfloat16")


@pytest.fixture(scope="session")
def python_with(tmp_path_factory):
    """python_with(package): the Python of a new environment; skips where the package cannot be installed."""
    def make(package):
        folder = tmp_path_factory.mktemp("environment")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        answer = subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", package, "pillow"],
                                capture_output=True, text=True)
        if answer.returncode:
            pytest.skip(f"{package} cannot be installed here: {answer.stderr.strip().splitlines()[-1]}")
        return folder / "bin/python"
    return make

"""Drawn eyes as records of an audit; the eyes of tests/conftest.py have too few vessels to be told apart."""
from __future__ import annotations

import numpy as np
import pytest

from data import layouts
from data.images import write_image
from data.members import write_members
from data.pairs import PairWriter
from training.provenance import seen
from unet_eval.audit import controls
from unet_eval.audit.records import from_samples
from unet_eval.config import AuditConfig

TRAINING, TEST = range(6), range(6, 12)


@pytest.fixture(scope="session")
def eyes():
    """eyes(numbers): Records of drawn eyes, each a patient of its own."""
    drawn, _ = controls.eyes_twice(14, seed=99)
    return drawn.take


@pytest.fixture(scope="module")
def fresh():
    """Six drawn eyes of others."""
    return controls.eyes_twice(6, seed=77)[0]


@pytest.fixture(scope="session")
def eyes_folder(eyes):
    """eyes_folder(root, parts): "folder:ROOT" of the eyes with these numbers in each part."""
    def write(root, parts):
        for part, numbers in parts.items():
            drawn = eyes(numbers)
            for name, images in (("images", drawn.photographs), ("masks", drawn.masks), ("fov", drawn.fovs)):
                for number, image in zip(numbers, images):
                    write_image(root / part / name / f"{number:02d}.png", image)
        return f"folder:{root}"
    return write


@pytest.fixture(scope="module")
def real(eyes_folder, tmp_path_factory):
    """"folder:ROOT" of six training and six test eyes."""
    return eyes_folder(tmp_path_factory.mktemp("real"), {"train": TRAINING, "test": TEST})


@pytest.fixture
def make_run(real, tmp_path):
    """make_run(records): the config of an audit of a run with these synthetic pairs. by_heart: whether the control's
    Stage-I learned its masks by heart. checksum: of what the GANs learned from, if it was something else. photos:
    photographs without masks that Stage-II learned from, with add_pairs beside the pairs."""
    def make(records, by_heart=True, checksum=None, pairs=real, photos=None, add_pairs=False):
        training, test = (layouts.samples(pairs, part) for part in ("train", "test"))
        spec, masks = "", tmp_path / "photo_masks"
        if photos:
            spec = f"folder:{tmp_path / 'photos'}"
            for row, name in enumerate(photos.names):
                write_image(tmp_path / "photos" / f"{name}.png", photos.photographs[row])
                write_image(masks / f"{name}.png", np.zeros_like(photos.masks[row]))
        flags = {"pairs": pairs, "validation": 0, "photos": ""}
        stage1, stage2 = (
            {"flags": given, "data": {"checksum": checksum or layouts.checksum(seen(given, pairs, spec))}}
            for given in (flags, {**flags, "photos": spec, "photo_masks": str(masks), "add_pairs": add_pairs}))
        with PairWriter(tmp_path / "synthetic.h5", {"stage1": {"stage1": stage1}, "stage2": stage2}) as writer:
            for row in range(len(records)):
                writer.append(masks=records.masks[row][..., None], images=records.photographs[row],
                              fovs=records.fovs[row][..., None])
        few = f"few-{min(5, len(training))}-of-draw-1:{layouts.original(pairs)}"
        learned = from_samples(layouts.samples(few, "train"))
        (tmp_path / "audit").mkdir(exist_ok=True)
        with PairWriter(tmp_path / "audit/overtrained.h5", {"stage1": {"flags": {"pairs": few}}}) as writer:
            for mask in (controls.altered(learned, 7) if by_heart else records).masks:
                writer.append(masks=mask[..., None])
        write_members(tmp_path / "audit/stage1.json", training, test,
                      lambda samples: {"D of Stage-I": [float(sample in training) for sample in samples]})
        write_members(tmp_path / "audit/stage2.json", training, test, lambda samples: {
            "D of Stage-II": [float(number % 2) for number in range(len(samples))], "unscored": []})
        return AuditConfig(store=str(tmp_path / "synthetic.h5"), run=str(tmp_path), pairs=pairs, photos=spec,
                           out=str(tmp_path / "reports/audit"))
    return make

"""A photograph, a mask, a store of pairs, and a tiny run with its release."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from absl import logging

from data.files import checksum, write_json
from data.pairs import PairWriter
from data.synthmed.release import release
from data.synthmed.source import AUDIT_VERSION
from data.synthmed.terms import Terms
from tests.data.examples import row

LEFT_OUT = 2


class Run:
    """A run's folder with `count` pairs, an audit that passed but for row LEFT_OUT, and scores."""

    def __init__(self, folder: Path, count: int = 5, size: int = 40):
        self.folder, self.store = folder, folder / "synthetic.h5"
        folder.mkdir()
        for stage in ("stage1", "stage2"):
            (folder / stage).mkdir()
            (folder / stage / "generator.h5").write_bytes(f"weights of {stage}".encode())
        (folder / "stage2" / "pairs.h5").write_bytes(b"the real pairs, as Stage-II prepared them")
        random = np.random.default_rng(0)
        trained = {"data": {"pairs": "chase_db1:/secret/place", "photos": "hrf:/secret/place"}}
        own = {stage: checksum(folder / stage / "generator.h5") for stage in ("stage1", "stage2")}
        made = {"seed": 7, "stage1": {"stage1": trained, "weights": own["stage1"], "vary": 1.0}, "stage2": trained,
                "weights": {"generator": own["stage2"]}}
        with PairWriter(self.store, made) as writer:
            for _ in range(count):
                fov = np.full((size, size, 1), 255, np.uint8)
                fov[:3] = 0
                image = random.integers(0, 256, (size, size, 3)).astype(np.uint8)
                writer.append(masks=np.where(random.random((size, size, 1)) < 0.2, fov, 0), images=image, fovs=fov)
        self.audit = {"passed": True, "refused": [], "controls_passed": True, "pairs_sha256": checksum(self.store),
                      "made_from": {"version": AUDIT_VERSION},
                      "left_out": [LEFT_OUT] if count > LEFT_OUT else [],
                      "distances": {"mask": np.linspace(0.1, 0.5, count).tolist(),
                                    "photograph": np.linspace(0.6, 0.8, count).tolist()},
                      "table": [["nearest | masks", "0.5\npair 3", "0.6", "passed"]]}
        self.write()
        write_json(folder / "agreement.json", {"pairs_sha256": checksum(self.store),
                                               "f1_vessel": [None, *np.linspace(0.6, 0.9, count - 1)]})

    def write(self, **changes) -> None:
        """audit.json, with changes."""
        write_json(self.folder / "audit.json", {**self.audit, **changes})

    def release(self, out: Path, license: str = "CC-BY-4.0", generators: Path | None = None) -> Path:
        """Makes the release `out`."""
        release(out, Terms("tiny", license, ("Ada O'Neil", "Ben \"B\" Öz")), self.folder, self.store,
                self.folder / "audit.json", self.folder / "agreement.json", generators)
        return out


@pytest.fixture(scope="session")
def run_of():
    """run_of(folder, count): a Run."""
    return Run


@pytest.fixture
def released(tmp_path):
    """The folder of a release."""
    return Run(tmp_path / "run").release(tmp_path / "out" / "tiny")


@pytest.fixture
def photograph():
    """Smooth noise, uint8 (40, 50, 3)."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


@pytest.fixture
def vessels():
    """bool (240, 260): a thin tree on 7 % of the picture."""
    mask = np.zeros((240, 260), np.uint8)
    for x in range(20, 250, 60):
        cv2.line(mask, (130, 235), (x, 5), 1, 3)
    return mask > 0


@pytest.fixture
def warnings(monkeypatch):
    """The lines that have been logged as warnings."""
    lines = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: lines.append(text % values))
    return lines


@pytest.fixture
def store(tmp_path):
    """The path of a store of five pairs."""
    path = tmp_path / "synthetic.h5"
    with PairWriter(path, {"seed": 3, "pairs": "drive:Bilder für Ärzte"}) as writer:
        for number in range(5):
            writer.append(**row(number))
    return path

"""A report's ingredients: plausible results of the whole evidence, and small pictures to go with them."""
from __future__ import annotations

import copy
import json
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data.fundus import View
from data.images import write_image
from data.pairs import PairReader, PairWriter
from unet_eval.material import Material, Second
from unet_eval.measure import TestImage
from unet_eval.morphology import STATISTICS

SIZE = 72
STEMS = ["01", "02", "03 <b>&|"]
ARMS = {"real": (0.80, 19), "synthetic": (0.73, 50), "phantom": (0.55, 50), "synthetic-100": (0.74, 100),
        "synthetic-10": (0.68, 10), "rendered": (0.76, 20), "real+synthetic": (0.81, 69)}
METRICS = ("f1_vessel", "f1_background", "f1_macro", "sensitivity", "specificity", "accuracy", "auc", "mcc")


class Page(HTMLParser):
    """Checks that elements are closed in order; collects text, tags, ids and what is linked."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.sources, self.tags, self.ids = [], "", [], set(), []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset")]
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def retina(seed):
    """A photograph, its mask and its field of view, uint8, which do not fill the picture."""
    random = np.random.default_rng(seed)
    mask, fov = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(fov, (SIZE // 2, SIZE // 2), SIZE // 2 - 8, 255, -1)
    for end in random.integers(0, SIZE, (6, 2)):
        cv2.line(mask, (SIZE // 2, SIZE // 2), tuple(map(int, end)), 255, 2)
    grey = 120 - mask[..., None] / 4.0 + random.normal(0, 8, (SIZE, SIZE, 3))
    return np.where(fov[..., None] > 0, grey, 0).astype(np.uint8), mask, fov


def write_pairs(path, count):
    with PairWriter(path, {"seed": 1}) as writer:
        for seed in range(count):
            photograph, mask, fov = retina(seed)
            writer.append(images=photograph, masks=mask[..., None], fovs=fov[..., None])


def write_logs(folder, *tags):
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in range(3):
            for tag in tags:
                tf.summary.scalar(tag, step + 0.5, step=step)
            tf.summary.image("samples", np.zeros((1, 4, 4, 3), np.uint8), step=step)
    writer.close()


def view(stem, seed):
    photograph, mask, fov = retina(seed)
    return View(stem, photograph, mask, fov, (0, 0, SIZE, SIZE), (SIZE, SIZE))


def arm_entry(f1, pairs, stems, random, seeds=3):
    """An arm's entry; vessel F1 `f1`, macro F1 half of that and half of 0.98."""
    both = {"f1_vessel": f1, "f1_macro": f1 / 2 + 0.49}
    scores = {**dict.fromkeys(METRICS, 0.9), **both, "auc": f1 / 5 + 0.8}
    each = [{"seed": seed, "threshold": 0.5, **{key: value + 0.004 * (seed - 1) for key, value in both.items()},
             "auc": 0.97, "validation_f1": None if seed else f1 + 0.01} for seed in range(seeds)]
    return {"n_train_pairs": pairs, "threshold": 0.5, "fov": scores, "all": {**scores, "f1_vessel": f1 - 0.02},
            "ci95": {key: [value - 0.0123, value + 0.0117] for key, value in both.items()},
            "per_image": [{"stem": stem, **{key: value + random.normal(0, 0.02) for key, value in both.items()}}
                          for stem in stems],
            "seeds": each, "spread": {key: 0.004 if seeds > 1 else None for key in both}}


def evidence(stems=STEMS, rows=30, arms=ARMS, size=SIZE):
    """results.json of a whole evidence."""
    random = np.random.default_rng(0)
    entries = {name: arm_entry(f1, pairs, stems, random) for name, (f1, pairs) in arms.items()}
    for name, entry in entries.items():
        if name != "real":
            apart = {key: entry["fov"][key] - entries["real"]["fov"][key] for key in ("f1_vessel", "f1_macro")}
            entry["difference"] = {key: {"mean": mean, "ci95": [mean - 0.0151, mean + 0.0149],
                                         "p": 0.47 if name == "real+synthetic" else 0.0009995}
                                   for key, mean in apart.items()}
    kl = {"synthetic_real": 0.0283, "real_synthetic": 0.0312, "real_real": 0.0513}
    kinds = [{"bins": bins, "channels": channels, "pixels": pixels, "smoothing": smoothing}
             for pixels in ("fov", "all") for channels in ("grey", "rgb")
             for bins, smoothing in ((16, 1.0), (64, 1.0), (256, 1.0), (256, 0.001), (256, 0.0))]
    statistics = {name: {"synthetic": (place + random.normal(0, 0.1, rows)).tolist(),
                         "real": (place + random.normal(0.05, 0.1, 19)).tolist(), "statistic": 0.31, "p": 0.012,
                         "p_holm": 0.04 if name == "length" else 0.5} for place, name in enumerate(STATISTICS)}
    statistics["branching"].update(synthetic=[None, 1.0, 2.0], p_holm=None, p=0.0004)
    sets = {name: {"frechet": frechet, "precision": 0.9 - frechet / 10, "recall": 0.95 - frechet / 9,
                   "ms_ssim": 0.31 + frechet / 40,
                   "spread": {"frechet": 0.0321, "precision": 0.02, "recall": 0.03}}
            for name, frechet in (("real_real", 0.61), ("synthetic", 1.83), ("rendered", 1.52), ("single", 3.91),
                                  ("phantom", 4.4))}
    near, test = random.normal(0.42, 0.05, rows).tolist(), random.normal(0.45, 0.05, len(stems)).tolist()
    return {
        "dataset": {"pairs": "chase_db1", "photos": "hrf", "n_test": len(stems), "n_train": 20},
        "origin": {"pairs": "chase_db1", "photos": "hrf"}, "arms": entries,
        "contrasts": [{"arm": "rendered", "less": "synthetic",
                       "f1_vessel": {"mean": 0.0321, "ci95": [0.0123, 0.0456], "p": 0.002},
                       "f1_macro": {"mean": 0.0161, "ci95": [0.0062, 0.0228], "p": 0.002}}],
        "cross": {"hrf": {"spec": "hrf", "n_test": 30, "seen": 30, "arms": {
            name: {**{key: entries[name]["fov"][key] - 0.1 for key in ("f1_vessel", "f1_macro")},
                   "ci95": {key: [0.6, 0.7] for key in ("f1_vessel", "f1_macro")},
                   "spread": {"f1_vessel": 0.002, "f1_macro": 0.001}} for name in ("synthetic", "real")}}},
        "kl": {**kl, **kinds[2], "nearest": 6, "definitions": [
            {**kind, **{key: None if not kind["smoothing"] else value * (1 + i / 3) for key, value in kl.items()}}
            for i, kind in enumerate(kinds)]},
        "distances": {"sets": sets, "n": 10, "k": 3, "repeats": 20, "tiles": 4},
        "masks": {"size": size, "synthetic": {"n": rows, "density": 0.1021, "largest_components": 0.8973},
                  "real": {"n": 19, "density": 0.1034, "largest_components": 0.9651},
                  "statistics": statistics, "test": "Kolmogorov-Smirnov",
                  "widths": {"pixels": [1, 2, 3], "synthetic": [0.5, 0.3, 0.2], "real": [0.6, 0.3, 0.1]}},
        "nearest": {"synthetic": near, "test": test, "p": 0.23, "matches": [
            {"mask": row, "training": row % 3, "stem": stems[row % len(stems)], "flip": row % 2 == 0,
             "degrees": 15 * (row % 24), "shift": [-4, 2], "distance": near[row]} for row in range(rows)]},
        "second": {"pairs": "bu_bil", "run": "run-cells", "n_train": 35}, "single": {"n": 8},
        "paper": {"f1_real": 0.8988, "f1_synthetic": 0.8877, "kl_synthetic_real": 4.759, "kl_real_real": 4.212e-4},
        "seconds": {"stage1": 60.0, "stage2": None, "unet-real": 120.0, "unet-real.1": 121.0, "total": 301.0},
        "run": {"name": "run", "command": ["make evidence RUN=run PAIRS='chase_db1:a<b'"], "seeds": 3}}


def plain(results):
    """What is left of them by `make eval`: two arms, one seed, no further experiment."""
    few = {key: copy.deepcopy(results[key]) for key in ("dataset", "origin", "kl", "masks", "paper", "seconds")}
    few["arms"] = {name: {**copy.deepcopy(results["arms"][name]), "spread": None} for name in ("real", "synthetic")}
    for arm in few["arms"].values():
        arm["seeds"] = arm["seeds"][:1]
    del few["masks"]["statistics"], few["masks"]["widths"]
    return {**few, "cross": None, "single": None, "second": None}


@pytest.fixture
def results():
    return evidence()


@pytest.fixture
def few(results):
    return plain(results)


@pytest.fixture(scope="session")
def page_of():
    """HTML text -> Page."""
    return Page


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run's folder as trainings leave it, without weights: logs, configs and made pairs."""
    run = tmp_path_factory.mktemp("Größe & <b>") / "run <b>&"
    for number, name in enumerate(("stage1", "unet-real", "unet-real.1", "unet-synthetic")):
        config = {"flags": {"seed": 0, "repeat": int(name.endswith(".1")), "note": "<script>alert(1)</script>"},
                  "data": {"checksum": f"f00d{number}"}, "git": "abc1", "versions": {"tensorflow": "2.14.1"}}
        (run / name).mkdir(parents=True)
        (run / name / "config.json").write_text(json.dumps(config))
        write_logs(run / name / "logs" / "train", "epoch_loss")
    write_logs(run / "stage1" / "logs" / "train", "epoch_d_loss", "epoch_g_loss", "epoch_D(x)", "epoch_D(G(z))",
               "epoch_learning_rate")
    write_logs(run / "unet-real" / "logs" / "validation", "f1_vessel")
    write_pairs(run / "synthetic.h5", 30)
    write_pairs(run / "cells.h5", 4)
    write_image(run / "masks.png", np.random.default_rng(0).integers(0, 256, (900, 1800, 3)).astype(np.uint8))
    return run


@pytest.fixture
def material(trained):
    """Pictures for `results`."""
    random = np.random.default_rng(0)
    tests = [view(stem, 100 + i) for i, stem in enumerate(STEMS)]
    training = [view(f"t{i}", 200 + i) for i in range(7)]
    counts = random.integers(1, 1000, (2, 5, 256))
    with PairReader(trained / "synthetic.h5") as pairs, PairReader(trained / "cells.h5") as cells:
        yield Material([TestImage(one, one.mask > 0, one.fov > 0) for one in tests],
                       {arm: [one.mask > 0 for one in tests] for arm in ARMS}, training, pairs, pairs,
                       random.integers(0, 256, (8, 60, 60, 3)).astype(np.uint8),
                       Second("bu_bil", training[:4], cells), [one.mask for one in training[:6]] * 2,
                       counts[0], counts[1])

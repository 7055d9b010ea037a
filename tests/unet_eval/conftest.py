"""A tiny run of real files with untrained networks, and what `evaluate` makes of it."""
from __future__ import annotations

import copy
import shutil
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data.files import write_file, write_json
from data.images import write_image
from data.layouts import checksum
from data.pairs import PairWriter
from training.provenance import seen
from training.weights import save_weights
from unet_eval.arms import of_seed, parse_arm
from unet_eval.config import EvaluateConfig, UnetConfig
from unet_eval.evaluate import evaluate
from unet_eval.networks import unet
from unet_eval.run import Run

SIZE = 72
BASE, POOLINGS = 2, 2
FIXTURES = {"config", "few_config", "net_folder"}  # networks; what most tests use is made of them
STEMS = ("01", "02 \udce4", "03 <b>&|$5_{x$y")  # of the test images; \udce4 is a byte that is no UTF-8


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


def draw_retina(seed):
    """A photograph, its mask and its field of view, uint8, which do not fill the picture."""
    random = np.random.default_rng(seed)
    mask, fov = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(fov, (SIZE // 2, SIZE // 2), SIZE // 2 - 8, 255, -1)
    for end in random.integers(0, SIZE, (6, 2)):
        cv2.line(mask, (SIZE // 2, SIZE // 2), tuple(map(int, end)), 255, 2)
    grey = 120 - mask[..., None] / 4.0 + random.normal(0, 8, (SIZE, SIZE, 3))
    return np.where(fov[..., None] > 0, grey, 0).astype(np.uint8), mask, fov


def draw_drive(root, training, test):
    """"drive:ROOT" of images with these stems."""
    for split, stems in (("training", training), ("test", test)):
        for stem in stems:
            photograph, mask, fov = draw_retina(int(stem[:2]))
            write_image(root / split / "images" / f"{stem}_{split}.tif", photograph)
            write_image(root / split / "1st_manual" / f"{stem}_manual1.gif", mask)
            write_image(root / split / "mask" / f"{stem}_{split}_mask.gif", fov)
    return f"drive:{root}"


def draw_pairs(path, count):
    with PairWriter(path, {"seed": 1}) as writer:
        for seed in range(count):
            photograph, mask, fov = draw_retina(seed)
            writer.append(images=photograph, masks=mask[..., None], fovs=fov[..., None])


def write_net(folder, drive, arm, pairs, repeat=0, seed=0, **data):
    """The folder of a U-Net with random weights."""
    store = parse_arm(arm).kind.store
    config = UnetConfig(pairs=drive, out=str(folder), arm=arm, seed=repeat, base=BASE, poolings=POOLINGS,
                        synthetic=f"{of_seed(store, repeat)}.h5" if store else "")
    folder.mkdir(parents=True)
    write_json(folder / "config.json", {
        "version": 2, "flags": config.to_json(), "resolved": {}, "git": "abc1", "versions": {"tensorflow": "2.14.1"},
        "data": {"n_train_pairs": pairs, "checksum": checksum(seen(config.to_json(), drive, "")),
                 "note": "<script>alert(1)</script>", **data}})
    tf.keras.utils.set_random_seed(seed)
    save_weights(unet(BASE, POOLINGS), folder / "weights.h5")


def write_logs(folder, *tags):
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in range(3):
            for tag in tags:
                tf.summary.scalar(tag, step + 0.5, step=step)
            tf.summary.image("samples", np.zeros((1, 4, 4, 3), np.uint8), step=step)
    writer.close()


def write_stage1(run, drive):
    """The record of a training of Stage-I, by an earlier version, that held out one image."""
    (run / "stage1").mkdir(parents=True)
    write_json(run / "stage1" / "config.json", {"flags": {"validation": 1, "seed": 7}, "data": {"pairs": drive}})


def write_run(run, drive):
    """All that `make evidence` leaves, tiny."""
    write_stage1(run, drive)
    for seed, (folder, arm, pairs, repeat) in enumerate((
            ("unet-real", "real", 3, 0), ("unet-real.1", "real", 3, 1), ("unet-synthetic", "synthetic", 7, 0),
            ("unet-synthetic-5", "synthetic-5", 5, 0), ("unet-synthetic-3", "synthetic-3", 3, 0),
            ("unet-rendered", "rendered", 4, 0), ("unet-real+synthetic", "real+synthetic", 10, 0))):
        write_net(run / folder, drive, arm, pairs, repeat, seed)
    write_json(run / "unet-real.1" / "validation.json", {"f1_vessel": 0.25, "epoch": 3})
    write_json(run / "stage1" / "seconds.json", {"seconds": 12.5})
    write_json(run / "unet-real" / "seconds.json", {"seconds": 7.5})
    write_file(run / "settings", b"CONFIG=tiny PAIRS=drive:a<b PHOTOS= FLAGS=--seed=3 --base=2\n")
    write_logs(run / "stage1" / "logs" / "train", "epoch_d_loss", "epoch_g_loss", "epoch_D(x)", "epoch_D(G(z))",
               "epoch_learning_rate")
    for name in ("unet-real", "unet-real.1", "unet-synthetic"):
        write_logs(run / name / "logs" / "train", "epoch_loss")
    write_logs(run / "unet-real" / "logs" / "validation", "f1_vessel")
    draw_pairs(run / "synthetic.h5", 7)
    draw_pairs(run / "rendered.h5", 4)
    draw_pairs(run / "rendered_held_out.h5", 2)
    with PairWriter(run / "single.h5", {"seed": 1}) as writer:
        for seed in range(3):
            writer.append(images=draw_retina(50 + seed)[0])


def pytest_collection_modifyitems(items):
    """What needs an evaluation is left out of `make test-fast`: making one takes longer than all tests of it. It comes
    first, so that of several processes one makes it."""
    def needs_one(item):
        return Path(__file__).parent in item.path.parents and not FIXTURES.isdisjoint(item.fixturenames)

    items.sort(key=needs_one, reverse=True)
    for item in filter(needs_one, items):
        item.add_marker(pytest.mark.training)


@pytest.fixture(scope="session")
def config(tmp_path_factory):
    """Of an evaluation of a run that has made every experiment."""
    root = tmp_path_factory.mktemp("Größe & <b>")
    drive = draw_drive(root / "DRIVE", ("21 $_{\udce4", "22", "23", "24"), STEMS)
    other = draw_drive(root / "other", ("29", "30"), ("31", "32"))
    write_run(root / "run <b>&", drive)
    write_stage1(root / "cells", other)
    draw_pairs(root / "cells" / "synthetic.h5", 2)
    return EvaluateConfig(run=str(root / "run <b>&"), pairs=drive, reports=str(root / "reports" / "whole"),
                          second=str(root / "cells"), test=(other,), threshold="tuned")


@pytest.fixture(scope="session")
def evaluated(config):
    """Its results, after all is written."""
    return evaluate(config)


@pytest.fixture(scope="session")
def run(config):
    with Run(config) as opened:
        yield opened


@pytest.fixture(scope="session")
def figures(evaluated, config):
    """The folder of pictures of the whole evaluation."""
    return Path(config.reports) / "figures"


@pytest.fixture
def results(evaluated):
    """A copy, to be changed."""
    return copy.deepcopy(evaluated)


@pytest.fixture(scope="session")
def few_config(config, tmp_path_factory):
    """Of what `make eval` leaves: two arms, one seed, no further experiment."""
    folder = tmp_path_factory.mktemp("few") / "run"
    shutil.copytree(config.run, folder)
    for name in ("single.h5", "rendered.h5", "rendered_held_out.h5", "settings"):
        (folder / name).unlink()
    return EvaluateConfig(run=str(folder), pairs=config.pairs, reports=str(folder.parent / "reports"),
                          arms=("synthetic", "real"), seeds=1)


@pytest.fixture(scope="session")
def few_evaluated(few_config):
    return evaluate(few_config)


@pytest.fixture
def few(few_evaluated):
    """A copy of its results, to be changed."""
    return copy.deepcopy(few_evaluated)


@pytest.fixture(scope="session")
def page():
    """HTML text -> Page."""
    return Page


@pytest.fixture(scope="session")
def retina():
    return draw_retina


@pytest.fixture(scope="session")
def write_drive():
    return draw_drive


@pytest.fixture(scope="session")
def net_folder():
    return write_net

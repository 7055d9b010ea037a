"""Stage-II's pairs in a file of the run folder: made once, made again when they are of something else."""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.fundus import load_view, square
from data.images import write_image
from data.layouts import samples
from data.pairs import PairReader
from stage2_pix2pix import inputs
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import Pairs, dataset
from stage2_pix2pix.preparation import prepared
from tests.memory import peak
from training.fit import Schedule

ROOT = Path(__file__).parents[2]


def same(pairs, others):
    return len(pairs) == len(others) and all(
        np.array_equal(a, b) for one, other in zip(pairs, others) for a, b in zip(one, other))


def test_pairs_are_the_samples_in_their_order(drive, pairs):
    views = [load_view(sample) for sample in samples(drive, "train")]
    assert len(pairs) == len(views) == len(pairs.codes) == 3
    for (mask, fov, photograph), view in zip(pairs, views):
        assert np.array_equal(mask, square(np.minimum(view.mask, view.fov), 64))
        assert np.array_equal(fov, square(view.fov, 64)) and (photograph[fov == 0] == 0).all()
        assert np.array_equal(photograph[fov > 0], square(view.image, 64)[fov > 0])
    assert list(pairs.imitated_rows) == [0, 1, 2]


def test_a_file_of_the_same_pairs_is_not_made_again(drive, tmp_path):
    path, train = tmp_path / "pairs.h5", samples(drive, "train")
    first = prepared(train, 64, path, {"checksum": "a"})
    written = path.stat().st_mtime_ns
    again = prepared(train, 64, path, {"checksum": "a"}, imitated=1)
    assert path.stat().st_mtime_ns == written and same(first, again) and list(again.imitated_rows) == [2]
    for size, identity, some in ((64, {"checksum": "b"}, train[1:]), (96, {"checksum": "b"}, train[1:])):
        pairs = prepared(some, size, path, identity)
        assert path.stat().st_mtime_ns != written and len(pairs) == 2 and pairs[0].mask.shape == (size, size)
        written = path.stat().st_mtime_ns


def test_what_cannot_be_prepared_leaves_nothing_behind(drive, tmp_path):
    first, *others = samples(drive, "train")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG")
    with pytest.raises(UserError, match="broken.png"):
        prepared([first, *(replace(sample, image=broken) for sample in others)], 64, tmp_path / "pairs.h5", {})
    assert [path.name for path in tmp_path.iterdir()] == ["broken.png"]


def test_a_file_of_the_user_is_not_replaced(drive, tmp_path):
    prepared(samples(drive, "train"), 64, tmp_path / "made" / "pairs.h5", {})
    shutil.copy(tmp_path / "made" / "pairs.h5", tmp_path / "pairs.h5")
    content = (tmp_path / "pairs.h5").read_bytes()
    with pytest.raises(UserError, match="pairs.h5 is there already and was not made by this command"):
        prepared(samples(drive, "train"), 96, tmp_path / "pairs.h5", {})
    assert (tmp_path / "pairs.h5").read_bytes() == content


def test_pairs_that_are_not_kept_are_read_again_and_are_the_same(pairs, drive, tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "KEPT", 1)
    reread = prepared(samples(drive, "train"), 64, tmp_path / "pairs.h5", {})
    config = Stage2Config(pairs="drive:x", out="x", size=64, tell_fov=True, noise=1, flips=True)
    kept, not_kept = (list(dataset(some, config, Schedule(1, 3, 2, seed=2)).as_numpy_iterator())
                      for some in (pairs, reread))
    for batch, again in zip(kept, not_kept):
        assert all(np.array_equal(batch[name], again[name]) for name in batch)
    assert reread._pair.cache_info().maxsize == 1


def test_a_damaged_file_is_named(drive, tmp_path):
    path, train = tmp_path / "pairs.h5", samples(drive, "train")
    photograph = prepared(train, 64, path, {})[1].photograph.tobytes()
    content = path.read_bytes()
    at = content.index(photograph) + len(photograph) // 2  # what lies in the corners is black anyway
    for damaged in (content[:at], content[:at] + bytes(64) + content[at + 64:]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="pairs.h5: .*(truncated|damaged).*remove it and call `make stage2` again"):
            prepared(train, 64, path, {})


def many(folder, count, eye):
    """"folder:FOLDER/photos" of `count` photographs, with their masks in FOLDER/masks: four eyes under many names."""
    for number in range(4):
        image, mask, _ = eye(100 + number)
        write_image(folder / f"{number}.png", image)
        write_image(folder / f"mask {number}.png", mask)
    for part in ("photos", "masks"):
        (folder / part).mkdir()
    for number in range(count):
        os.link(folder / f"{number % 4}.png", folder / "photos" / f"{number:04d}.png")
        os.link(folder / f"mask {number % 4}.png", folder / "masks" / f"{number:04d}.png")
    return [f"--photos=messidor:{folder / 'photos'}", f"--photo_masks={folder / 'masks'}"]


def start(drive, out, *more):
    """A training of Stage-II in two steps, started."""
    return subprocess.Popen([sys.executable, "-m", "stage2_pix2pix.train", f"--pairs={drive}", f"--out={out}",
                             "--base=4", "--d_base=4", "--batch_size=2", "--epochs=1", "--steps_per_epoch=2",
                             "--precision=float32", *more], cwd=ROOT, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})


@pytest.mark.training
def test_a_preparation_that_was_killed_starts_again(drive, eye, tmp_path):
    out, photos = tmp_path / "stage2", many(tmp_path, 150, eye)
    first = start(drive, out, "--size=64", *photos)
    deadline = time.monotonic() + 300
    while not list(out.glob(".partial-pairs.h5")) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not (out / "pairs.h5").exists() and (out / "config.json").exists()
    second = start(drive, out, "--size=64", *photos)
    said = second.communicate(timeout=300)[1]
    assert second.returncode == 0, said[-2000:]
    assert len(Pairs(out / "pairs.h5")) == 150 and (out / "generator.h5").exists()
    assert not list(out.glob(".partial-*"))
    with PairReader(out / "pairs.h5") as reader:
        assert reader.attributes["size"] == 64 and len(reader.attributes["checksum"]) == 64


@pytest.mark.training
@pytest.mark.long
@pytest.mark.parametrize("architecture", [[], ["--architecture=coarse_to_fine", "--crop=64", "--coarse_steps=2"]],
                         ids=["pix2pix", "coarse_to_fine"])
def test_memory_does_not_grow_with_the_photographs(drive, eye, tmp_path, architecture):
    """With views and pairs of 512 pixels in memory, 600 more photographs took 2.4 GB more."""
    peaks = []
    for count in (200, 800):
        photos = many(tmp_path / str(count), count, eye)
        training = start(drive, tmp_path / f"stage2 of {count}", "--size=512", *photos, *architecture)
        used = 0
        while training.poll() is None:
            used = peak(training.pid) or used
            time.sleep(0.05)
        assert training.returncode == 0, training.stderr.read()[-2000:]
        peaks.append(used / 2 ** 20)
    assert peaks[1] - peaks[0] < 150, peaks  # MB

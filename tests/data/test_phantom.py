"""The procedural data sets: layouts, determinism, and what a retina and its annotation must look like."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from data import layouts
from data.errors import UserError
from data.fundus import load_view, square
from data.images import read_image
from data.masks import read_mask
from data.pairs import PairReader
from data.phantom.cells import cell
from data.phantom.datasets import COUNTS, make_phantoms
from data.phantom.pairs import draw_pair, write_pairs
from data.phantom.retina import fundus
from data.phantom.vessels import FOVEA, REACH, grow

pytestmark = pytest.mark.training

FEW = {"DRIVE": 3, "MESSIDOR": 1, "BU-BIL": 2}


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "phantom"
    assert make_phantoms(out, 7, FEW)
    return out


@pytest.fixture(scope="module")
def eyes():
    return [fundus(np.random.default_rng(seed), (584, 565), 540) for seed in range(3)]


@pytest.fixture(scope="module")
def tree():
    disc, fovea = np.array([-190.0, -20.0]), np.zeros(2)
    return grow(np.random.default_rng(0), disc, fovea, (138, 138), 0.8)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("spec, count, shape, split", [
    ("drive:{}/DRIVE", 2, (584, 565, 3), "train"), ("drive:{}/DRIVE", 1, (584, 565, 3), "test"),
    ("messidor:{}/MESSIDOR", 1, (960, 1440, 3), "train"), ("bu_bil:{}/BU-BIL", 2, (512, 512, 3), "all")])
def test_layouts_read_back(phantoms, spec, count, shape, split):
    samples = layouts.samples(spec.format(phantoms), split, masks=not spec.startswith("messidor"))
    assert len(samples) == count
    for sample in samples:
        assert read_image(sample.image).shape == shape
        assert (sample.mask is None) == spec.startswith("messidor")
        assert (sample.fov is None) != spec.startswith("drive")
        for path in filter(None, (sample.mask, sample.fov)):
            assert read_mask(path).shape == shape[:2] and read_mask(path).any()


def test_names_are_those_of_drive(phantoms):
    names = {str(path.relative_to(phantoms / "DRIVE")) for path in (phantoms / "DRIVE").rglob("*.*")}
    assert {"training/images/21_training.tif", "training/1st_manual/22_manual1.gif", "test/images/01_test.tif",
            "training/mask/21_training_mask.gif", "test/2nd_manual/01_manual2.gif"} <= names
    assert not any("training/2nd" in name for name in names)


def test_same_seed_same_bytes(phantoms, tmp_path):
    make_phantoms(tmp_path / "again", 7, FEW)
    assert contents(tmp_path / "again") == contents(phantoms)


def test_seed_and_number_decide(tmp_path):
    for seed in (1, 2):
        make_phantoms(tmp_path / str(seed), seed, {"BU-BIL": 2})
    files = [content for folder in ("1", "2") for content in contents(tmp_path / folder).values()]
    assert len(set(files)) == len(files) == 8


@pytest.mark.training
def test_workers_draw_what_one_process_draws(tmp_path):
    make_phantoms(tmp_path / "many", 3, {"BU-BIL": 16})
    make_phantoms(tmp_path / "few", 3, {"BU-BIL": 4})
    many = contents(tmp_path / "many")
    assert len(many) == 32
    assert all(many[name] == content for name, content in contents(tmp_path / "few").items())


def test_existing_folder_is_left_alone(tmp_path):
    out = tmp_path / "phantom"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert not make_phantoms(out, 0, FEW)
    assert [path.name for path in tmp_path.rglob("*")] == ["phantom", "mine.txt"]


def test_nothing_is_left_of_a_failure(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        make_phantoms(tmp_path / "file" / "phantom", 0, FEW)
    with pytest.raises(ValueError, match="unknown"):
        make_phantoms(tmp_path / "phantom", 0, {"BU-BIL": 1, "unknown": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_full_set_has_the_sizes_of_the_real_ones():
    assert COUNTS == {"DRIVE": 40, "MESSIDOR": 40, "BU-BIL": 35}


def test_the_drawings_are_what_they_were():
    """The arm `phantom` is a yardstick: better drawings would change what the other arms are compared with."""
    eye = fundus(np.random.default_rng(0), (584, 565), 540)
    assert np.allclose(eye.image.mean(axis=(0, 1)), [115.62, 46.003, 17.112], atol=0.05)
    assert eye.vessels.mean() == pytest.approx(21.99, abs=0.1) and eye.fov.mean() == pytest.approx(177.093, abs=0.1)


def test_vessels_are_trees_of_the_right_share(eyes):
    for eye in eyes:
        assert 0.08 < (eye.vessels > 0).sum() / (eye.fov > 0).sum() < 0.15
        areas = cv2.connectedComponentsWithStats(eye.vessels)[2][1:, cv2.CC_STAT_AREA]
        assert np.sort(areas)[-5:].sum() > 0.9 * areas.sum()
        assert cv2.distanceTransform(eye.vessels, cv2.DIST_L2, 5).max() < 9  # no blobs


def test_vessels_are_dark_in_green(eyes):
    for eye in eyes:
        green = eye.image[..., 1].astype(float)
        inside = cv2.erode(eye.fov, np.ones((9, 9))) > 0
        near = (cv2.dilate(eye.vessels, np.ones((7, 7))) > 0) & (eye.vessels == 0) & inside
        assert green[(eye.vessels > 0) & inside].mean() < green[near].mean() - 5


def test_field_of_view_is_round_and_black_outside(eyes):
    for eye in eyes:
        assert cv2.boundingRect(eye.fov)[2:] == (540, 540)
        assert 0.99 < (eye.fov > 0).sum() / (np.pi * 270**2) < 1.01
        assert not eye.image[cv2.dilate(eye.fov, np.ones((5, 5))) == 0].any()
        assert eye.image[cv2.erode(eye.fov, np.ones((5, 5))) > 0].max(axis=-1).min() > 20
        assert not eye.vessels[eye.fov == 0].any() and not eye.second[eye.fov == 0].any()


def test_second_annotator_differs_a_little(eyes):
    for eye in eyes:
        first, second = eye.vessels > 0, eye.second > 0
        assert 0.7 < 2 * (first & second).sum() / (first.sum() + second.sum()) < 0.95
        assert second.sum() < first.sum()


def test_eyes_differ(eyes):
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert (eyes[one].vessels != eyes[other].vessels).mean() > 0.05
        assert (eyes[one].image != eyes[other].image).mean() > 0.5


def test_vessels_scale_with_the_field_of_view():
    small, large = (fundus(np.random.default_rng(5), (size + 40, size + 40), size) for size in (300, 600))
    width = [cv2.distanceTransform(eye.vessels, cv2.DIST_L2, 5).max() for eye in (small, large)]
    assert 1.5 < width[1] / width[0] < 2.5


def test_radii_follow_murray(tree):
    radius = tree.radii(tip=0.7, leak=0.0)
    for node in range(len(radius)):
        children = np.flatnonzero(tree.parent == node)
        expected = (radius[children] ** 3).sum() if len(children) else 0.7**3
        assert radius[node] ** 3 == pytest.approx(expected)
    tapered = tree.radii(tip=0.7, leak=0.002)
    assert (tapered[tree.parent[1:]] > tapered[1:]).all()


def test_vessels_reach_everywhere_but_the_fovea(tree):
    from_fovea = np.linalg.norm(tree.position, axis=1)
    assert FOVEA < from_fovea.min() and from_fovea.max() <= REACH + 30
    for octant in np.arange(8) * np.pi / 4:  # vessels end in all directions, near the edge of the field
        edge = 220 * np.array([np.cos(octant), np.sin(octant)])
        assert np.linalg.norm(tree.position - edge, axis=1).min() < 60


def test_cells_are_whole_and_vary():
    pictures, masks = zip(*(cell(np.random.default_rng([0, number])) for number in range(6)))
    for picture, mask in zip(pictures, masks):
        assert set(np.unique(mask)) == {0, 255} and 0.02 < (mask > 0).mean() < 0.3
        assert cv2.connectedComponents(mask)[0] == 2
        halo = (cv2.dilate(mask, np.ones((9, 9))) > 0) & (mask == 0)
        far = cv2.dilate(mask, np.ones((61, 61))) == 0
        assert picture[halo].mean() > picture[far].mean() + 8
        assert picture[mask > 0].std() > 8
    centres = [np.argwhere(mask).mean(axis=0) for mask in masks]
    areas = [(mask > 0).mean() for mask in masks]
    assert np.std(centres, axis=0).min() > 15 and np.std(areas) / np.mean(areas) > 0.15


def test_read_mask_reads_the_annotations_as_drawn(phantoms):
    mask = read_mask(phantoms / "DRIVE/training/1st_manual/21_manual1.gif")
    drawn = fundus(np.random.default_rng([7, 0, 0]), (584, 565), 540)
    np.testing.assert_array_equal(mask, drawn.vessels)
    np.testing.assert_array_equal(read_image(phantoms / "DRIVE/training/images/21_training.tif"), drawn.image)


@pytest.mark.parametrize("kind", ["retina", "cells"])
def test_procedural_pairs_are_rows_of_a_synthetic_store(tmp_path, kind):
    write_pairs(tmp_path / "phantom.h5", kind, 2, 1000)
    with PairReader(tmp_path / "phantom.h5") as pairs:
        assert len(pairs) == 2 and pairs.attributes == {"seed": 1000, "phantom": kind}
        rows = [pairs[0], pairs[1]]
    for row in rows:
        assert {name: (rows.shape, rows.dtype) for name, rows in row.items()} == {
            name: ((512, 512, channels), np.uint8) for name, channels in (("masks", 1), ("images", 3), ("fovs", 1))}
        assert set(np.unique(row["masks"])) == {0, 255} and not row["images"][row["fovs"][..., 0] == 0].any()
        assert (row["masks"] <= row["fovs"]).all()
    assert (rows[0]["masks"] != rows[1]["masks"]).mean() > 0.02


def test_procedural_retinas_lie_as_views_do(phantoms):
    """The field of view fills the square: 512 * 512 * pi / 4 pixels, as in the views of the phantoms' own files."""
    fov = draw_pair("retina", 1000, 0)["fovs"][..., 0]
    view = load_view(layouts.samples(f"drive:{phantoms}/DRIVE", "train")[0])
    assert cv2.boundingRect(fov) == cv2.boundingRect(square(view.fov, 512)) == (0, 0, 512, 512)
    assert (fov > 0).mean() == pytest.approx((square(view.fov, 512) > 0).mean(), abs=0.005)


def test_procedural_pairs_by_seed_and_never_those_of_the_files(phantoms):
    one = draw_pair("cells", 7, 0)
    assert all(np.array_equal(one[name], draw_pair("cells", 7, 0)[name]) for name in one)
    others = [draw_pair("cells", 7, 1), draw_pair("cells", 8, 0)]
    others += [{"masks": read_mask(path)[..., None]} for path in phantoms.rglob("GoldStandard/*")]  # of seed 7, too
    assert len(others) == 4
    assert all((one["masks"] != other["masks"]).any() for other in others)


@pytest.mark.training
def test_procedural_pairs_by_command(tmp_path):
    def call(*flags):
        return subprocess.run([sys.executable, "-m", "data.phantom.pairs", *flags], capture_output=True, text=True,
                              cwd=Path(__file__).parents[2])
    out = tmp_path / "phantom.h5"
    assert call("--kind=cells", f"--out={out}", "--count=1", "--seed=5").returncode == 0
    with PairReader(out) as pairs:
        assert np.array_equal(pairs[0]["images"], draw_pair("cells", 5, 0)["images"])
    refused = call("--kind=cells", f"--out={out}/below/it", "--count=1")
    assert refused.returncode == 1 and "cannot be written" in refused.stderr and refused.stderr.count("\n") == 1
    assert "--kind" in call(f"--out={out}").stderr

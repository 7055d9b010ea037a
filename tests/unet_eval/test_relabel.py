"""Soft labels: what is written, what the U-Net is trained on, and what is still measured with masks."""
from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest

from data.errors import UserError
from data.fundus import load_views
from data.pairs import PairReader, PairWriter
from training.fit import Schedule
from unet_eval.config import RelabelConfig
from unet_eval.inputs import SyntheticPairs, dataset, pair_views
from unet_eval.relabel import label, relabel
from unet_eval.segment import Segmenter


@pytest.fixture
def segmenter(net_folder, drive, tmp_path):
    """A U-Net of `drive` with random weights, by its folder."""
    net_folder(tmp_path / "unet-real", drive, "real", 1)
    return str(tmp_path / "unet-real")


@pytest.fixture
def store(retina, tmp_path):
    with PairWriter(tmp_path / "synthetic.h5", {"seed": 4}) as writer:
        for seed in range(2):
            image, mask, fov = retina(seed)
            writer.append(images=image, masks=mask[..., None], fovs=fov[..., None])
    return str(tmp_path / "synthetic.h5")


def rows(path):
    with PairReader(path) as reader:
        return [reader[index] for index in range(len(reader))], reader.attributes


def test_a_label_is_the_mean_of_mask_and_probability_within_the_field_of_view():
    mask, fov = np.uint8([[[255], [255], [0]]]), np.uint8([[[255], [255], [0]]])
    probability = np.float32([[0.5, 1, 1]])
    for mix, expected in ((0, [255, 255, 0]), (1, [128, 255, 0]), (0.2, [230, 255, 0])):
        assert label(mask, probability, fov, mix)[0, :, 0].tolist() == expected


def test_a_store_keeps_its_masks_and_pictures(segmenter, store, tmp_path):
    relabel(RelabelConfig(model=segmenter, store=store, out=str(tmp_path / "out.h5"), mix=1.0))
    (before, source), (after, made) = rows(store), rows(tmp_path / "out.h5")
    assert len(after) == len(before) and made["source"] == source and made["mix"] == 1
    for old, new in zip(before, after):
        assert all((old[name] == new[name]).all() for name in old)
        assert len(np.unique(new["labels"])) > 3 and not new["labels"][new["fovs"] == 0].any()
    with PairReader(store) as reader:
        answers = [Segmenter(segmenter).probability(view) for view in pair_views(reader, range(2))]
    for new, answer in zip(after, answers):
        inside = new["fovs"] > 0
        assert new["labels"][inside].mean() / 255 == pytest.approx(answer[answer > 0].mean(), abs=0.02)


def test_annotated_photographs_keep_their_masks_and_those_held_out_stay_out(segmenter, drive, tmp_path):
    relabel(RelabelConfig(model=segmenter, pairs=drive, out=str(tmp_path / "out.h5"), mix=0.0))
    labelled, made = rows(tmp_path / "out.h5")
    views = load_views(drive, "train")
    assert made["source"] == drive and len(labelled) == len(views) - 2  # the U-Net's --validation
    assert labelled[0]["masks"].shape == (540, 540, 1)
    assert (labelled[0]["labels"] == labelled[0]["masks"]).all()
    assert np.isclose(labelled[0]["masks"].sum(), np.minimum(views[0].mask, views[0].fov).sum(), rtol=0.05)


def test_photographs_get_the_answer_alone_and_their_masks_are_not_read(segmenter, drive, tmp_path):
    """Those that the U-Net is validated on are left out."""
    for spec, count in ((f"messidor:{drive[len('drive:'):]}/training/images", 3 - 2), (drive, 5 - 2)):  # --validation=2
        out = tmp_path / f"{count}.h5"
        relabel(RelabelConfig(model=segmenter, photos=spec, out=str(out), mix=0.1))
        labelled, _ = rows(out)
        assert len(labelled) == count
        for row in labelled:
            inside = row["fovs"] > 0
            assert ((row["labels"][inside] >= 128) == (row["masks"][inside] > 0)).all()


def test_photographs_are_labelled_where_the_unet_s_own_images_are_not(net_folder, drive, tmp_path, caplog):
    """As with the networks that come with the project."""
    moved = shutil.copytree(drive.partition(":")[2], tmp_path / "moved")
    net_folder(tmp_path / "unet-real", f"drive:{moved}", "real", 1)
    shutil.rmtree(moved)
    relabel(RelabelConfig(model=str(tmp_path / "unet-real"), photos=drive, out=str(tmp_path / "out.h5")))
    assert len(rows(tmp_path / "out.h5")[0]) == 5 and f"drive:{moved}" in caplog.text


@pytest.mark.parametrize("given", [{}, {"store": "a.h5", "pairs": "drive:b"}])
def test_one_source_has_to_be_given(given):
    with pytest.raises(UserError, match="one of them"):
        RelabelConfig(model="m", out="o.h5", **given)


def test_the_unet_learns_labels_and_measures_take_masks(segmenter, store, tmp_path, unet_config):
    relabel(RelabelConfig(model=segmenter, store=store, out=str(tmp_path / "soft.h5")))
    config = unet_config(rotate=20.0, augmentation="light", crop=64)
    schedule = Schedule(1, 2, 2, 0)
    shown = {}
    for name in ("synthetic", "soft"):
        with PairReader(tmp_path / f"{name}.h5") as reader:
            pairs = SyntheticPairs(reader, "grey", range(2))
            shown[name] = np.concatenate([masks.numpy() for _, masks in dataset(pairs, config, schedule)])
            assert {*np.unique(next(iter(pair_views(reader, [0]))).mask)} == {0, 255}
    assert {*np.unique(shown["synthetic"])} == {0, 1}  # turning blurs masks; they are cut again
    assert len(np.unique(shown["soft"])) > 100 and 0 <= shown["soft"].min() and shown["soft"].max() <= 1


def test_labels_of_another_size_are_refused(store):
    with h5py.File(store, "a") as file:
        file.create_dataset("labels", (2, 8, 8, 1), np.uint8)
    with pytest.raises(UserError, match="differ in size"):
        PairReader(store)

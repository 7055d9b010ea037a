"""What Stage-II is trained on."""
from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from data.copies import fingerprints
from data.errors import UserError
from data.images import write_image
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.train import load_samples, train
from training.provenance import seen
from training.warm import read_seen


@pytest.fixture
def config(drive, messidor, eye, tmp_path):
    """Of three photographs with masks beside the pairs."""
    photos = shutil.copytree(messidor.partition(":")[2], tmp_path / "photos")
    for number in range(3):
        write_image(tmp_path / "masks" / f"photo {number}.png", eye(50 + number, (620, 840), 600)[1])
    return Stage2Config(pairs=drive, photos=f"messidor:{photos}", photo_masks=str(tmp_path / "masks"), validation=1,
                        add_pairs=True, out=str(tmp_path / "stage2"))


def test_photographs_have_their_masks_and_annotated_pairs_are_imitated(config):
    samples, imitated = load_samples(config)
    assert [sample.stem for sample in samples] == ["photo 0", "photo 1", "photo 2", "21", "22"]
    assert [sample.stem for sample in imitated] == ["21", "22"]
    assert samples[0].mask == Path(config.photo_masks) / "photo 0.png"


@pytest.mark.long
@pytest.mark.parametrize("architecture, learned", [
    ("pix2pix", ["photo 0", "photo 1", "photo 2", "21", "22"]), ("coarse_to_fine", ["21", "22"])])
def test_an_epoch_and_the_images_seen_are_of_what_the_networks_learn_from(config, architecture, learned):
    config = replace(config, architecture=architecture, size=64, crop=64, base=4, d_base=4, batch_size=1, epochs=1,
                     coarse_steps=5, coarse_batch=1, precision="float32", strategy="one")
    train(config)
    assert (Path(config.out) / f"ckpt-{len(learned)}.index").exists(), "one pass"
    samples = [sample for sample in load_samples(config)[0] if sample.stem in learned]
    assert sorted(read_seen(Path(config.out), "")) == sorted(fingerprints(samples))


def test_a_copy_of_a_test_image_is_refused_under_another_name(config, eye, tmp_path):
    write_image(tmp_path / "photos" / "holiday.png", eye(1)[0])
    with pytest.raises(UserError, match="holiday.png is a copy of .*01_test.tif"):
        load_samples(config)


def test_a_copy_of_a_held_out_image_is_left_out(config, eye, tmp_path):
    write_image(tmp_path / "photos" / "holiday.png", eye(23)[0])  # which --validation=1 holds out
    write_image(tmp_path / "photos" / "known.png", eye(22)[0])
    write_image(tmp_path / "masks" / "known.png", eye(22)[1])
    samples, _ = load_samples(config)
    assert [sample.stem for sample in samples] == ["known", "photo 0", "photo 1", "photo 2", "21", "22"]
    assert seen(config.to_json(), config.pairs, config.photos) == samples


def test_photographs_that_are_all_held_out_are_named(config, eye, tmp_path):
    for number in range(3):
        (tmp_path / "photos" / f"photo {number}.png").unlink()
    write_image(tmp_path / "photos" / "holiday.png", eye(23)[0])  # which --validation=1 holds out
    assert [sample.stem for sample in load_samples(config)[0]] == ["21", "22"]
    with pytest.raises(UserError, match="--photos=messidor:.*is an image that --validation=1 holds out: give others"):
        load_samples(replace(config, add_pairs=False))


def test_photographs_without_masks_are_named(config, tmp_path):
    (tmp_path / "masks" / "photo 1.png").unlink()
    with pytest.raises(UserError, match="lacks the masks of photo 1: run unet_eval.segment again"):
        load_samples(config)


@pytest.mark.training
def test_colours_that_were_damaged_are_made_again_once_they_are_removed(drive, tmp_path):
    """By the training that is told so; "make stage2 first" would be no help to it."""
    config = Stage2Config(pairs=drive, out=str(tmp_path / "stage2"), size=64, base=4, d_base=4, batch_size=1, epochs=1,
                          steps_per_epoch=1, precision="float32", strategy="one")
    train(config)
    codes = tmp_path / "stage2" / "codes.npy"
    written = codes.read_bytes()
    codes.write_bytes(written[:-100])
    with pytest.raises(UserError, match="codes.npy is missing or damaged .*: remove it, and it is made again$"):
        train(config)
    codes.unlink()
    train(config)
    assert codes.read_bytes() == written

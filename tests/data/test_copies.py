"""Copies of test images are found by what they show."""
from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from absl import logging

from data.copies import copies, refuse_copies, warn_of_look_alikes, warn_of_twins, without_copies
from data.errors import UserError
from data.images import write_image
from data.layouts import samples


@pytest.fixture
def tests(drive):
    return samples(drive, "test")


@pytest.fixture
def photographs(messidor, tmp_path):
    """A folder of photographs of others."""
    return shutil.copytree(messidor.partition(":")[2], tmp_path / "photographs")


def listed(folder):
    return samples(f"messidor:{folder}", masks=False)


def test_a_copy_is_found_under_any_name_and_in_another_format(tests, eye, photographs):
    assert copies(tests, listed(photographs)) == []
    write_image(photographs / "holiday.png", eye(1)[0])  # 01_test.tif
    write_image(photographs / "a" / "other.bmp", eye(2)[0])
    found = {(test.stem, other.stem) for test, other in copies(tests, listed(photographs))}
    assert found == {("01", "holiday"), ("02", "other")}


def test_another_image_of_the_same_size_is_none(tests, eye, photographs):
    image = eye(1)[0]
    image[300, 300] ^= 1
    write_image(photographs / "nearly.png", image)
    assert copies(tests, listed(photographs)) == []


def test_both_files_are_named_and_many_are_counted(tests, eye, photographs):
    write_image(photographs / "holiday.png", eye(1)[0])
    with pytest.raises(UserError, match="--photos=x holds test images.*holiday.png is a copy of .*01_test.tif"):
        refuse_copies(tests, listed(photographs), "--photos=x")
    for number in range(12):
        write_image(photographs / f"{number}.png", eye(2)[0])
    with pytest.raises(UserError, match=" and 3 more"):
        refuse_copies(tests, listed(photographs), "--photos=x")


def test_copies_are_left_out(tests, eye, photographs):
    write_image(photographs / "holiday.png", eye(1)[0])
    everything = listed(photographs)
    assert [sample.stem for sample in everything if sample not in without_copies(everything, tests)] == ["holiday"]
    assert without_copies(everything, []) == everything


def warnings(monkeypatch, *arguments, of=warn_of_look_alikes):
    said = []
    monkeypatch.setattr(logging, "warning", lambda message, *values: said.append(message % values))
    of(*arguments)
    return said


def test_the_same_picture_of_two_patients_is_warned_of(eye, photographs, monkeypatch):
    write_image(photographs / "a.png", eye(1)[0])
    write_image(photographs / "b.bmp", eye(1)[0])
    everything = listed(photographs)
    (said,) = warnings(monkeypatch, everything, of=warn_of_twins)
    assert said.startswith("1 training image") and "b.bmp is a copy of " in said and "a.png" in said
    of_one = [replace(sample, patient="p") for sample in everything]  # two readers' masks of an image, say
    assert warnings(monkeypatch, of_one, of=warn_of_twins) == []


def test_a_copy_of_another_size_or_compression_is_warned_of(tests, eye, photographs, monkeypatch):
    assert warnings(monkeypatch, tests, listed(photographs) + samples(f"messidor:{photographs}", masks=False)) == []
    small = cv2.resize(eye(2)[0], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    write_image(photographs / "small.jpg", small)
    (said,) = warnings(monkeypatch, tests, listed(photographs))
    assert "small.jpg like " in said and "02_test.tif" in said and said.startswith("1 image")
    assert copies(tests, listed(photographs)) == []
    assert warnings(monkeypatch, [], listed(photographs)) == []


def test_photographs_of_a_camera_are_not_taken_for_copies(chase, monkeypatch):
    eyes = samples(f"chase_db1:{chase}", "all")
    assert warnings(monkeypatch, eyes[20:], eyes[:20]) == [] and copies(eyes[20:], eyes[:20]) == []


def test_images_without_detail_look_like_nothing(photographs, tests, monkeypatch):
    write_image(photographs / "black.png", np.zeros((100, 100, 3), np.uint8))
    assert warnings(monkeypatch, tests, listed(photographs)) == []

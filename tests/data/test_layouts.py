"""Images, masks and fields of view become samples, paired by stem; parts, patients and modalities."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from data.check import check
from data.errors import UserError
from data.finding import every_fifth, list_images, pair
from data.layouts import DATA_SETS, checksum, modality_of, photographs, samples, training
from data.registry import DataSet
from tests.data.examples import stems, write


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, *(f"{kind}/{stem}.png" for kind in ("images", "masks") for stem in "abcdefghijk"))
    return tmp_path


@pytest.mark.parametrize("fov, modality, expected", [
    (None, "", "other"), (None, "cells", "cells"), (None, "fundus", "fundus"), ("fov/a.png", "", "fundus"),
    ("fov/a.png", "cells", "cells")])
def test_modality_of_a_folder(tmp_path, fov, modality, expected):
    write(tmp_path, "images/a.png", "masks/a.png", *([fov] if fov else []))
    spec = f"folder:{tmp_path}"
    assert modality_of(spec, modality) == expected
    assert [sample.modality for sample in samples(spec, "train", modality=modality)] == [expected]


@pytest.mark.parametrize("part", ["train", "test"])
def test_modality_of_a_folder_with_its_own_split(tmp_path, part):
    """One fov/ tells of both parts."""
    write(tmp_path, *(f"{split}/{kind}/{split}.png" for split in ("train", "test") for kind in ("images", "masks")))
    write(tmp_path, f"{part}/fov/{part}.png")
    assert {sample.modality for sample in samples(f"folder:{tmp_path}")} == {"fundus"}
    assert {sample.modality for sample in samples(f"folder:{tmp_path}", modality="other")} == {"other"}
    assert {sample.modality for sample in photographs(f"folder:{tmp_path}", "bu_bil:nowhere")} == {"fundus"}


def test_modality_needs_no_files():
    assert modality_of("folder:nowhere") == "other" and modality_of("folder:nowhere", "cells") == "cells"
    assert modality_of("phantom") == modality_of("stare:nowhere") == "fundus"
    assert modality_of("bu_bil:nowhere", "other") == "cells"
    with pytest.raises(UserError, match="unknown layout"):
        modality_of("dive:nowhere")


@pytest.mark.parametrize("validation, held_out", [
    (0, ""), (1, "03L 03R"), (2, "03L 03R"), (3, "02R 03L 03R"), (4, None), (9, None)])
def test_no_patient_is_trained_on_and_held_out(tmp_path, validation, held_out):
    eyes = ["01L", "01R", "02R", "03L", "03R"]
    for eye in eyes:
        write(tmp_path, f"Image_{eye}.jpg", f"Image_{eye}_1stHO.png")
    if held_out is None:
        with pytest.raises(UserError, match=f"--validation={validation} leaves no patient"):
            training(f"chase_db1:{tmp_path}", validation)
        return
    trained, kept = ([sample.stem[len("Image_"):] for sample in part]
                     for part in training(f"chase_db1:{tmp_path}", validation))
    assert kept == held_out.split() and trained == [eye for eye in eyes if eye not in kept]


def test_images_of_a_patient_need_not_follow_one_another(folder, monkeypatch):
    def find(*arguments):
        return [replace(sample, patient=str(sample.stem in "ak")) for sample in registered.find(*arguments)]

    registered = DATA_SETS["folder"]
    monkeypatch.setitem(DATA_SETS, "folder", replace(registered, find=find))
    trained, held_out = training(f"folder:{folder}", 1)
    assert [sample.stem for sample in held_out] == ["a", "k"] and len(trained) == 7


def test_where_no_patients_are_named_each_image_is_one(folder):
    assert [sample.patient for sample in samples(f"folder:{folder}", "all")] == list("abcdefghijk")


def test_a_layout_that_names_patients_deals_out_whole_ones(tmp_path, monkeypatch):
    """The example of docs/EXTENDING.md."""
    def find(root, split, masks):
        images, drawn = list_images(root / "photos"), list_images(root / "vessels") if masks else None
        return every_fifth(pair(root, images, drawn, patient=lambda stem: stem.split("_")[0]), split)

    write(tmp_path, *(f"{kind}/{number:02d}_{eye}.png" for kind in ("photos", "vessels") for number in range(1, 11)
                      for eye in ("left", "right")))
    monkeypatch.setitem(DATA_SETS, "eyes", DataSet("EYES", "Author et al.", "fundus", find))
    assert stems(f"eyes:{tmp_path}", "test") == ["05_left", "05_right", "10_left", "10_right"]
    assert [sample.stem for sample in training(f"eyes:{tmp_path}", 1)[1]] == ["09_left", "09_right"]


def test_training_holds_out_the_last_and_knows_the_modality(folder):
    trained, held_out = training(f"folder:{folder}", 2, "cells")
    assert [sample.stem for sample in trained] == list("abcdfgh") and [sample.stem for sample in held_out] == ["i", "k"]
    assert {sample.modality for sample in trained + held_out} == {"cells"}
    with pytest.raises(UserError, match="--validation=9"):
        training(f"folder:{folder}", 9)


@pytest.mark.training
def test_layouts_need_the_standard_library_only():
    """-S: no installed package can be imported."""
    subprocess.run([sys.executable, "-S", "-c", "import data.layouts, sys; assert 'numpy' not in sys.modules"],
                   check=True, cwd=Path(__file__).parents[2])


def test_folder(folder):
    spec = f"folder:{folder}"
    assert stems(spec, "test") == ["e", "j"]
    assert stems(spec, "train") == list("abcdfghik")
    write(folder, *(f"fov/{stem}.png" for stem in "abcdefghijk"))
    assert all(sample.fov.parent.name == "fov" for sample in samples(spec))


def test_folder_with_its_own_split(tmp_path):
    for part, stem in (("train", "a"), ("train", "b"), ("test", "c")):
        write(tmp_path, f"{part}/images/{stem}.jpg", f"{part}/masks/{stem}.png")
    spec = f"folder:{tmp_path}"
    assert [stems(spec, split) for split in ("train", "test", "all")] == [["a", "b"], ["c"], ["a", "b", "c"]]
    write(tmp_path, "test/images/a.jpg", "test/masks/a.png")
    with pytest.raises(UserError, match="occur twice: a"):
        samples(spec, "all")


@pytest.mark.parametrize("spec, line", [
    ("dive:{}", "unknown layout 'dive'.*drive, messidor"), ("drive", "no folder given"),
    ("drive:{}/absent", "no folder"), ("drive:{}", "training/images: no such folder"),
    ("messidor:{}", "no samples"), ("chase_db1:{}", "no samples"), ("bu_bil:{}", "no samples")])
def test_wrong_specs_and_empty_folders(tmp_path, spec, line):
    with pytest.raises(UserError, match=line):
        samples(spec.format(tmp_path), "all")


def test_too_few_for_a_test_split(tmp_path):
    write(tmp_path, "images/a.png", "masks/a.png")
    assert stems(f"folder:{tmp_path}", "train") == ["a"]
    with pytest.raises(UserError, match="no test samples"):
        samples(f"folder:{tmp_path}", "test")


def test_orphans_are_all_named_in_one_line(folder):
    for path in ("masks/b.png", "masks/h.png", "images/d.png"):
        (folder / path).unlink()
    with pytest.raises(UserError) as error:
        samples(f"folder:{folder}", "train")
    assert "image without mask: b, h;" in str(error.value) and "mask without image: d;" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(samples(f"folder:{folder}", "all", masks=False)) == 10


def test_pairs_follow_stems_not_order(folder):
    """With one pair gone from the middle, and names that sort differently, no image gets its neighbour's mask."""
    (folder / "images" / "c.png").unlink()
    (folder / "masks" / "c.png").unlink()
    (folder / "masks" / "a.png").rename(folder / "masks" / "a.tif")
    for sample in samples(f"folder:{folder}"):
        assert sample.image.stem == sample.mask.stem == sample.stem


def test_files_that_are_no_images(folder):
    for name in (".DS_Store", "Thumbs.db", "._a.png", ".b.png.partial", "readme.txt"):
        (folder / "images" / name).touch()
    assert len(samples(f"folder:{folder}")) == 11
    (folder / "masks" / "c.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"masks: empty files \(0 bytes\): c.png"):
        samples(f"folder:{folder}")


@pytest.mark.training
def test_a_folder_that_may_not_be_opened_is_named(tmp_path):
    script = """
import os
from data.errors import UserError
from data.layouts import modality_of, samples
os.chmod("eyes", 0)
if os.geteuid() == 0:
    os.setuid(65534)  # root may read everywhere
for layout in ("folder", "hrf", "bu_bil", "phantom", "drive"):
    try:
        modality_of(f"{layout}:eyes"), samples(f"{layout}:eyes", "train")
    except UserError as error:
        print(error)
"""
    (tmp_path / "eyes").mkdir()
    tmp_path.chmod(0o755)
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path,
                            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    (tmp_path / "eyes").chmod(0o755)
    lines = answer.stdout.splitlines()
    assert len(lines) == 5 and all(line.startswith("eyes") and line.endswith(
        ": cannot be opened (Permission denied); check its permissions") for line in lines), answer.stderr


def test_a_name_that_no_disk_has_is_a_folder_that_is_not_there():
    assert modality_of(f"folder:{'x' * 300}") == "other"
    with pytest.raises(UserError, match="no folder xxx"):
        samples(f"folder:{'x' * 300}")


def test_the_same_stem_twice(folder):
    write(folder, "images/c.jpg")
    with pytest.raises(UserError, match="c.jpg and c.png"):
        samples(f"folder:{folder}")


def test_spaces_and_other_alphabets(tmp_path):
    root = tmp_path / "Bilder für Ärzte 网膜"
    decomposed, composed = (unicodedata.normalize(form, "é 1") for form in ("NFD", "NFC"))
    assert decomposed != composed
    write(root, f"images/{decomposed}.png", f"masks/{composed}.png")
    assert stems(f"folder:{root}", "train") == [composed]
    check(samples(f"folder:{root}", "train"))


def test_checksum_follows_contents_not_places(folder, tmp_path):
    copy = tmp_path / "copy"
    for kind in ("images", "masks"):
        shutil.copytree(folder / kind, copy / kind)
    first = checksum(samples(f"folder:{folder}"))
    assert first == checksum(samples(f"folder:{copy}"))
    assert len(first) == 64
    assert first != checksum(samples(f"folder:{copy}", masks=False))
    assert first != checksum(samples(f"folder:{copy}", "train"))
    data = bytearray((copy / "masks" / "k.png").read_bytes())
    data[-1] ^= 1
    (copy / "masks" / "k.png").write_bytes(data)
    assert first != checksum(samples(f"folder:{copy}"))

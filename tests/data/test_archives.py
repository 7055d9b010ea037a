"""Archives of data sets become folders that the layouts read, and no archive writes elsewhere or fills the disk."""
from __future__ import annotations

import io
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from configs.settings import Settings
from data import archives
from data.archives import main, recognise, unpack
from data.errors import UserError
from data.layouts import samples

ROOT = Path(__file__).parents[2]
DRIVE = [f"{part}/{folder}/{name}" for part, stems in (("training", (21, 22)), ("test", (1, 2))) for stem in stems
         for folder, name in (("images", f"{stem:02d}_{part}.tif"), ("1st_manual", f"{stem:02d}_manual1.gif"),
                              ("mask", f"{stem:02d}_{part}_mask.gif"))]
CHASE = [f"Image_{eye}{ending}" for eye in ("01L", "01R", "02L") for ending in (".jpg", "_1stHO.png", "_2ndHO.png")]
HRF = [f"{folder}/01_{kind}{ending}" for kind, photo in (("h", ".jpg"), ("dr", ".JPG"), ("g", ".jpg"))
       for folder, ending in (("images", photo), ("manual1", ".tif"), ("mask", "_mask.tif"))]
BASE11 = ["20051019_38557_0100_PP.tif", "20051020_43808_0100_PP.tif", "Annotation_Base11.xls"]
BASE12 = ["20051021_51127_0100_PP.tif", "Annotation_Base12.xls"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working folder, in which data/raw is made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def archive(path, names, folder="", **others):
    """A zip file with one line in each file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(f"{folder}{name}", f"content of {name}")
        for name, content in others.items():
            file.writestr(name, content)
    return path


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*")
                  if path.is_file() and path.name != "made.sha256")


def refusal(path, *said):
    with pytest.raises(UserError) as error:
        main(f"'{path}'")
    assert not written(Path("data")) and "\n" not in str(error.value)
    for text in (str(path), *said):
        assert text in str(error.value)


@pytest.mark.parametrize("folder", ["", "DRIVE/"])
def test_drive_is_what_pairs_are_by_default(place, folder):
    main(str(archive(place / "some_name.zip", DRIVE, folder, **{"__MACOSX/training/images/._21_training.tif": "x"})))
    assert Settings.from_variables({}).pairs == "drive:data/raw/DRIVE"
    assert [sample.stem for sample in samples("drive:data/raw/DRIVE", "train")] == ["21", "22"]
    [first, _] = samples("drive:data/raw/DRIVE", "test")
    assert first.mask.read_text() == "content of test/1st_manual/01_manual1.gif" and first.fov
    assert written("data/raw") == sorted(f"DRIVE/{name}" for name in DRIVE)


def test_drive_in_two_archives_as_it_is_given_out_today(place):
    training = archive(place / "training.zip", [name for name in DRIVE if name.startswith("training")])
    test = archive(place / "test.zip", [name for name in DRIVE if name.startswith("test") and "1st" not in name])
    main(f"{training} {test}")
    assert len(samples("drive:data/raw/DRIVE", "all", masks=False)) == 4


def test_the_others(place, capsys):
    main(f"{archive(place / 'c.zip', CHASE)} '{archive(place / 'all of it.zip', HRF, readme='x')}'")
    shown = capsys.readouterr().out
    assert "9 files, 1 others left out" in shown and "chase_db1:data/raw/CHASE_DB1" in shown
    assert [sample.stem for sample in samples("chase_db1:data/raw/CHASE_DB1", "train")] == ["Image_01L", "Image_01R",
                                                                                           "Image_02L"]
    assert [sample.fov.name for sample in samples("hrf:data/raw/HRF", "train")] == ["01_dr_mask.tif", "01_g_mask.tif",
                                                                                  "01_h_mask.tif"]


def test_the_parts_of_hrf(place):
    main(" ".join(str(archive(place / f"{part}.zip", [Path(name).name for name in HRF if name.startswith(folder)]))
                  for part, folder in (("healthy", "images"), ("manualsegm", "manual1"), ("fovmask", "mask"))))
    assert len(samples("hrf:data/raw/HRF", "train")) == 3


def test_the_bases_of_messidor_one_after_the_other_and_again(place):
    main(str(archive(place / "Base11.zip", BASE11)))
    main(str(archive(place / "renamed.zip", BASE12, "Base12/")))
    main(str(place / "Base11.zip"))
    both = [*(f"Base11/{name}" for name in BASE11), *(f"Base12/{name}" for name in BASE12)]
    assert written("data/raw/MESSIDOR") == both
    assert len(samples("messidor:data/raw/MESSIDOR", masks=False)) == 3
    assert Settings.from_variables({"PAIRS": "drive:x"}).photos == "messidor:data/raw/MESSIDOR"


def test_the_users_folder_and_files_stay(place):
    mine = place / "data/raw/DRIVE/training/images/21_training.tif"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match="data/raw/DRIVE is there already"):
        main(str(archive(place / "DRIVE.zip", DRIVE)))
    main(str(archive(place / "CHASE.zip", CHASE[:-1])))
    (place / "data/raw/CHASE_DB1" / CHASE[0]).write_text("corrected")
    with pytest.raises(UserError, match=f"{CHASE[0]} has been changed"):
        main(str(archive(place / "CHASE.zip", CHASE)))
    assert written("data/raw") == [*(f"CHASE_DB1/{name}" for name in sorted(CHASE[:-1])),
                                   "DRIVE/training/images/21_training.tif"]
    assert mine.read_text() == "mine" and (place / "data/raw/CHASE_DB1" / CHASE[0]).read_text() == "corrected"


@pytest.mark.parametrize("name", ["../training/images/23_training.tif", "/training/images/23_training.tif", "a/../../b",
                                  "C:\\training\\a.tif", "..\\a"])
def test_names_that_lead_out_of_the_folder(place, name):
    refusal(archive(place / "DRIVE.zip", DRIVE, **{name: "x"}), "leads out of the folder")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices(place, kind):
    path = archive(place / "DRIVE.zip", DRIVE)
    member = zipfile.ZipInfo("training/images/23_training.tif")
    member.external_attr = (kind | 0o644) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(member, "/etc/passwd")
    refusal(path, "a link or a device")


def test_names_that_are_no_utf_8_are_left_out(place):
    path = archive(place / "DRIVE.zip", DRIVE, **{"Lies-mich-xx.txt": "x"})
    path.write_bytes(path.read_bytes().replace(b"Lies-mich-xx", b"Gef\xe4\xdfe \xe9\xe8\xff\x01\x7f"))
    assert recognise(path).others == 1
    main(str(path))


def test_what_fills_the_disk(place, monkeypatch):
    huge = archive(place / "DRIVE.zip", DRIVE, **{"training/images/23_training.tif": bytes(50 << 20)})
    refusal(huge, "bytes in")
    monkeypatch.setattr(archives, "MEMBERS", 5)
    refusal(archive(place / "DRIVE.zip", DRIVE), "the limit is 5")
    monkeypatch.setattr(archives, "MEMBERS", 100)
    monkeypatch.setattr(archives, "BYTES", 100)
    refusal(archive(place / "DRIVE.zip", DRIVE), "bytes in")


def test_a_size_that_is_not_true(place):
    """The header says a byte, and there are a million: no more than the byte is unpacked, and it is noticed."""
    path = archive(place / "CHASE.zip", CHASE, **{"Image_03L.jpg": bytes(1_000_000)})
    content = path.read_bytes()
    path.write_bytes(content.replace((1_000_000).to_bytes(4, "little"), (1).to_bytes(4, "little")))
    refusal(path, "damaged")


def test_the_same_file_twice(place):
    path = archive(place / "DRIVE.zip", DRIVE)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("copy/" + DRIVE[0], "another")
    refusal(path, "two files for DRIVE/training/images/21_training.tif")


def test_unknown_nested_encrypted_and_damaged(place):
    refusal(archive(place / "x.zip", ["a.png"]), "MESSIDOR (Base11.zip", "PAIRS=folder:PATH", "PAIRS=csv:FILE")
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr(DRIVE[0], "x")
    refusal(archive(place / "x.zip", [], **{"datasets/training.zip": inner.getvalue()}), "datasets/training.zip")
    path = archive(place / "x.zip", DRIVE)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    refusal(path, "is encrypted")
    for damaged in (b"", b"no zip", content[:len(content) // 2]):
        path.write_bytes(damaged)
        refusal(path, "download it again")
    content = bytearray(archive(path, DRIVE).read_bytes())
    content[content.index(b"content of") if b"content of" in content else 60] ^= 4
    path.write_bytes(content)
    refusal(path, "download it again")
    refusal(place / "absent.zip", "no file")


def test_an_archive_after_which_another_is_bad_is_not_unpacked(place):
    good = archive(place / "DRIVE.zip", DRIVE)
    with pytest.raises(UserError):
        main(f"{good} {archive(place / 'x.zip', ['a.png'])}")
    assert not Path("data").exists()


def test_what_a_killed_call_left_is_removed(place):
    left = place / "data/raw/.DRIVE.0.unfinished/files/training"
    left.mkdir(parents=True)
    (left / "half.tif").write_text("half")
    unpack(recognise(archive(place / "DRIVE.zip", DRIVE)))
    assert written("data/raw") == sorted(f"DRIVE/{name}" for name in DRIVE)
    assert [path.name for path in Path("data/raw").iterdir()] == ["DRIVE"]


def test_two_calls_at_a_time_are_not_mixed(place, monkeypatch):
    """While one unpacks the masks of HRF, another one unpacks the photographs, and is done first."""
    photographs, masks = (archive(place / f"{folder}.zip", [name for name in HRF if name.startswith(folder)])
                          for folder in ("images", "manual1"))
    copy = archives._copy

    def late(*given):
        monkeypatch.undo()
        monkeypatch.chdir(place)
        main(str(photographs))
        copy(*given)

    monkeypatch.setattr(archives, "_copy", late)
    with pytest.raises(UserError, match="data/raw/HRF was made by another call meanwhile: call this one again"):
        main(str(masks))
    assert written("data/raw") == sorted(f"HRF/{name}" for name in HRF if name.startswith("images"))
    main(str(masks))
    assert written("data/raw") == sorted(f"HRF/{name}" for name in HRF if name.startswith(("images", "manual1")))


@pytest.mark.training
def test_an_interruption_is_told_in_one_line_and_leaves_nothing(place):
    script = """
import os, runpy, signal, sys, zipfile
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
zipfile.ZipFile.open = lambda *given: os.kill(os.getpid(), signal.SIGINT)
runpy.run_module("data.archives", run_name="__main__", alter_sys=True)
"""
    path = archive(place / "DRIVE.zip", DRIVE)
    answer = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True,
                            env={"PYTHONPATH": str(ROOT)}, cwd=place)
    assert answer.stderr == "data: interrupted; call again\n" and answer.returncode == 1
    assert [*(place / "data/raw").iterdir()] == []


@pytest.mark.training
def test_it_needs_no_package(place):
    path = archive(place / "DRIVE.zip", DRIVE)
    answer = subprocess.run([sys.executable, "-S", "-m", "data.archives", str(path)], capture_output=True, text=True,
                            env={"PYTHONPATH": str(ROOT)}, cwd=place)
    assert answer.returncode == 0 and "drive:data/raw/DRIVE" in answer.stdout, answer.stderr
    answer = subprocess.run([sys.executable, "-S", "-m", "data.archives", "absent.zip"], capture_output=True, text=True,
                            env={"PYTHONPATH": str(ROOT)}, cwd=place)
    assert answer.returncode == 1 and answer.stderr.startswith("error: ") and answer.stderr.count("\n") == 1


def test_folders_of_windows(place):
    archive(place / "DRIVE.zip", [name.replace("/", "\\") for name in DRIVE])
    main("DRIVE.zip")
    assert written("data/raw/DRIVE") == sorted(DRIVE)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_way_of_packing_without_a_limit_of_memory(place, packing):
    """A few kilobytes of these unpack to gigabytes in one go, whatever size the archive states."""
    with zipfile.ZipFile(place / "DRIVE.zip", "w", packing) as file:
        for name in DRIVE:
            file.writestr(name, "x")
    refusal(place / "DRIVE.zip", "packed in a way that is not read here", "unpack it yourself")


def test_a_way_of_packing_that_python_does_not_know(place):
    """Windows packs large files with Deflate64, number 9."""
    content = archive(place / "DRIVE.zip", DRIVE).read_bytes()
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content = re.sub(re.escape(mark) + b"(?s:.{%d})\x08\x00" % (at - 4),
                         lambda found: found[0][:-2] + b"\x09\x00", content)
    (place / "DRIVE.zip").write_bytes(content)
    refusal("DRIVE.zip", "packed in a way that is not read here", "unpack it yourself")

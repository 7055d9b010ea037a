"""Each public data set as its makers give it out."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from data import layouts
from data.check import check
from data.errors import UserError
from data.layouts import DATA_SETS, MODALITIES, citation, origin, samples, title
from tests.data.examples import stems, write

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def drive(tmp_path):
    for number in range(1, 41):
        part = "test" if number < 21 else "training"
        write(tmp_path, f"{part}/images/{number:02d}_{part}.tif", f"{part}/1st_manual/{number:02d}_manual1.gif",
              f"{part}/mask/{number:02d}_{part}_mask.gif")
    write(tmp_path, "test/2nd_manual/01_manual2.gif")
    return tmp_path


def test_drive(drive):
    spec = f"drive:{drive}"
    assert stems(spec, "train") == [str(number) for number in range(21, 41)]
    assert stems(spec, "test") == [f"{number:02d}" for number in range(1, 21)]
    assert stems(spec, "all") == stems(spec, "test") + stems(spec, "train")
    first = samples(spec, "test")[0]
    assert [path.name for path in (first.image, first.mask, first.fov)] == [
        "01_test.tif", "01_manual1.gif", "01_test_mask.gif"]
    check(samples(spec))


def test_drive_as_it_is_given_out_today_holds_out_training_images(drive, caplog):
    """Without test/1st_manual, and with an empty one."""
    caplog.set_level("INFO")
    assert not layouts.tests_are_held_out(f"drive:{drive}")
    shutil.rmtree(drive / "test" / "1st_manual")
    for _ in range(2):
        spec = f"drive:{drive}"
        assert stems(spec, "test") == ["25", "30", "35", "40"]
        assert not {*stems(spec, "train")} & {*stems(spec, "test")} and len(stems(spec, "train")) == 16
        tested = [stem for fold in (1, 2, 3) for stem in stems(f"fold-{fold}-of-3:{spec}", "test")]
        assert sorted(tested) == stems(spec, "all") == [str(number) for number in range(21, 41)]
        assert len(samples(spec, "all", masks=False)) == 40
        assert layouts.tests_are_held_out(spec) and layouts.tests_are_held_out(f"few-2-of-draw-1:{spec}")
        (drive / "test" / "1st_manual").mkdir(exist_ok=True)
    said = [line for line in caplog.messages if "held out and test: 25, 30, 35, 40; `make folds`" in line]
    assert len(said) == 1
    for stem in range(25, 41):
        for path in drive.glob(f"training/*/{stem}_*"):
            path.unlink()
    assert (stems(spec, "train"), stems(spec, "test")) == (["21", "22", "23"], ["24"])  # as few as there are


def test_field_of_view_without_image(drive):
    (drive / "training" / "mask" / "30_training_mask.gif").unlink()
    with pytest.raises(UserError, match="image without field of view: 30;"):
        samples(f"drive:{drive}", "train")


def test_samples_have_patient_and_modality(drive):
    sample = samples(f"drive:{drive}", "test", modality="cells")[0]  # the layout knows better than the argument
    assert (sample.patient, sample.modality) == ("01", "fundus")


def test_chase_db1(tmp_path):
    for number in range(1, 15):
        for eye in "LR":
            stem = f"Image_{number:02d}{eye}"
            write(tmp_path, f"{stem}.jpg", f"{stem}_1stHO.png", f"{stem}_2ndHO.png")
    spec = f"chase_db1:{tmp_path}"
    assert (len(samples(spec, "train")), stems(spec, "train")[-1]) == (20, "Image_10R")
    assert (len(samples(spec, "test")), stems(spec, "test")[0]) == (8, "Image_11L")
    assert all(sample.mask.name == f"{sample.stem}_1stHO.png" for sample in samples(spec))
    assert samples(spec)[0].fov is None


def test_both_eyes_of_a_child_of_chase_db1_are_one_patient(tmp_path):
    for stem in ("Image_01L", "Image_01R", "Image_02L", "extra"):
        write(tmp_path, f"{stem}.jpg", f"{stem}_1stHO.png")
    assert [sample.patient for sample in samples(f"chase_db1:{tmp_path}", "train")] == ["01", "01", "02", "extra"]


def test_hrf(tmp_path):
    for number in range(1, 16):
        for category, suffix in (("dr", "JPG"), ("g", "jpg"), ("h", "jpg")):
            stem = f"{number:02d}_{category}"
            write(tmp_path, f"images/{stem}.{suffix}", f"manual1/{stem}.tif", f"mask/{stem}_mask.tif")
    spec = f"hrf:{tmp_path}"
    assert stems(spec, "train") == [f"0{number}_{category}" for number in range(1, 6) for category in ("dr", "g", "h")]
    assert len(samples(spec, "test")) == 30
    assert samples(spec, "test")[0].fov.name == "06_dr_mask.tif"
    assert [sample.patient for sample in samples(spec)[:3]] == ["01_dr", "01_g", "01_h"]  # three people
    shutil.rmtree(tmp_path / "manual1")
    shutil.rmtree(tmp_path / "mask")
    assert {(sample.mask, sample.fov) for sample in samples(spec, "all", masks=False)} == {(None, None)}


def test_stare(tmp_path):
    numbers = [1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324]
    for number in numbers:
        write(tmp_path, f"stare-images/im{number:04d}.ppm", f"labels-ah/im{number:04d}.ah.ppm")
    spec = f"stare:{tmp_path}"
    assert stems(spec, "train")[-1] == "im0139" and stems(spec, "test")[0] == "im0162"
    assert [len(samples(spec, split)) for split in ("train", "test", "all")] == [10, 10, 20]
    assert samples(spec)[0].mask.name == "im0001.ah.ppm"


def test_messidor(tmp_path):
    write(tmp_path, "Base11/20051019_38557_0100_PP.tif", "Base12/part/b.PNG", "c.JPEG", "Base12/.thumbs/c.png")
    (tmp_path / "Annotation_Base11.xls").touch()
    spec = f"messidor:{tmp_path}"
    assert stems(spec, "train") == stems(spec, "all") == ["20051019_38557_0100_PP", "b", "c"]
    assert samples(spec, "test") == []
    assert samples(spec)[0].mask is None and samples(spec)[0].fov is None


def test_bu_bil(tmp_path):
    write(tmp_path, *(f"BU-BIL_Dataset{1 + number // 6}/{kind}/cell{number:02d}.tif" for number in range(1, 13)
                      for kind in ("RawImages", "GoldStandard")))
    assert stems(f"bu_bil:{tmp_path}", "test") == ["cell05", "cell10"]
    assert len(samples(f"bu_bil:{tmp_path}", "train")) == 10
    assert stems(f"bu_bil:{tmp_path / 'BU-BIL_Dataset1'}", "all") == [f"cell0{number}" for number in range(1, 6)]


def test_phantom(drive, tmp_path, monkeypatch):
    (tmp_path / "phantom").mkdir()
    shutil.move(drive / "test", tmp_path / "phantom" / "DRIVE" / "test")
    shutil.move(drive / "training", tmp_path / "phantom" / "DRIVE" / "training")
    write(tmp_path, "phantom/MESSIDOR/Base11/a.tif")
    assert len(samples(f"phantom:{tmp_path / 'phantom'}", "train")) == 20
    monkeypatch.setattr(layouts, "DATA_ROOT", tmp_path)
    assert len(samples("phantom", "test")) == 20
    assert stems("phantom", "all", masks=False) == ["a"]
    monkeypatch.setattr(layouts, "DATA_ROOT", tmp_path / "nowhere")
    with pytest.raises(UserError, match="make data"):
        samples("phantom", "train")


@pytest.mark.parametrize("spec, name", [
    ("bu_bil:data/raw/BU-BIL", "bu_bil"), ("bu_bil:data/raw/phantom/BU-BIL", "phantom_cells"), ("phantom", "phantom"),
    ("drive:data/raw/phantom/DRIVE", "phantom"), ("folder:phantom/mine", "folder"), ("hrf:phantoms", "hrf"),
    (f"drive:{Path.cwd()}/data/raw/phantom/DRIVE", "phantom"), ("chase_db1:/data/phantom/CHASE_DB1", "chase_db1"),
    ("drive:phantom/DRIVE", "drive"), ("drive:data/raw/phantom/../DRIVE", "drive"),
    ("csv:data/raw/phantom/mine.csv", "csv"), ("chase_db1", "chase_db1")])
def test_what_the_phantom_drew_is_called_no_data_set_of_others(spec, name):
    assert origin(spec) == name


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_layout_has_a_record_for_the_report(name):
    assert title(name) == DATA_SETS[name].title != ""
    assert citation(name) == DATA_SETS[name].citation
    assert citation(name) or name in ("folder", "csv")
    assert DATA_SETS[name].modality in (*MODALITIES, None)


def test_credits_of_what_is_no_layout():
    assert title("phantom_cells") == "procedural cells" and "BU-BIL" in citation("phantom_cells")
    assert (title("of another version"), citation("of another version")) == ("of another version", "")


@pytest.mark.skipif(not (SHARED / "CHASE_DB1").is_dir(), reason="real data: no ../shared/data/CHASE_DB1")
def test_real_chase_db1():
    spec = f"chase_db1:{SHARED / 'CHASE_DB1'}"
    assert [len(samples(spec, split)) for split in ("train", "test")] == [20, 8]
    check(samples(spec, "test"))


@pytest.mark.skipif(not (SHARED / "HRF").is_dir(), reason="real data: no ../shared/data/HRF")
def test_real_hrf():
    spec = f"hrf:{SHARED / 'HRF'}"
    assert [len(samples(spec, split)) for split in ("train", "test")] == [15, 30]
    check(samples(spec, "train")[:3])
    assert len(samples(spec, "all", masks=False)) == 45

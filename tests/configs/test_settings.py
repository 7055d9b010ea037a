"""The settings of a run: defaults, what is refused, and the file that holds a run to them."""
from __future__ import annotations

from pathlib import Path

import pytest

from configs.settings import Settings
from data.errors import UserError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder, as a user of the installed package may have."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(**variables):
    return Settings.from_variables(variables)


def test_defaults_in_an_empty_folder():
    assert settings() == Settings("quick", "quick", "phantom", "phantom", "bu_bil:data/raw/phantom/BU-BIL", ())
    assert settings(CONFIG="my/presets/").run == "presets"
    assert settings(CONFIG="cpu", RUN="x").folder == Path("checkpoints/x")


def test_real_data_sets_are_taken_where_they_lie(folder):
    for name in ("DRIVE", "MESSIDOR", "BU-BIL"):
        (folder / "data/raw" / name).mkdir(parents=True)
    found = settings()
    assert (found.pairs, found.photos, found.cells) == ("drive:data/raw/DRIVE", "messidor:data/raw/MESSIDOR",
                                                        "bu_bil:data/raw/BU-BIL")


@pytest.mark.parametrize("pairs, flags, fundus", [
    ("phantom", "", True), ("stare:/data/STARE", "", True), ("bu_bil:/data/cells", "", False),
    ("folder:mine", "", False), ("folder:mine", "--modality=fundus", True), ("folder:mine", "--modality=cells", False),
    ("folder:with fov", "", True), ("folder:with fov", "--modality=cells", False)])
def test_photographs_of_the_retina_go_with_fundus_pairs_only(folder, pairs, flags, fundus):
    (folder / "with fov" / "train" / "fov").mkdir(parents=True)
    given = {"PAIRS": pairs, "FLAGS": flags}
    assert settings(**given).photos == ("phantom" if pairs == "phantom" else "")
    (folder / "data/raw/MESSIDOR").mkdir(parents=True)
    assert settings(**given).photos == ("messidor:data/raw/MESSIDOR" if fundus else "")
    assert settings(**given, PHOTOS="hrf:x").photos == "hrf:x"
    assert settings(**given, PHOTOS="").photos == ""


def test_a_fold_of_the_phantoms_is_of_the_phantoms(folder):
    given = settings(PAIRS="fold-1-of-2:phantom")
    assert given.photos == "phantom" and given.uses_phantoms and not given.shows_cells
    elsewhere = settings(PAIRS="fold-1-of-2:bu_bil:/data/cells")
    assert elsewhere.photos == "" and not elsewhere.uses_phantoms and elsewhere.shows_cells


@pytest.mark.parametrize("run", ["", " ", ".", "..", "a/b", "../x", ".hidden", "a:b", "50%"])
def test_a_run_needs_the_name_of_a_folder(run):
    with pytest.raises(UserError, match="RUN="):
        settings(RUN=run)


def test_a_preset_is_found_here_or_elsewhere_or_in_the_package(folder):
    package = settings(CONFIG="quick").preset
    assert package.is_absolute() and (package / "unet.flags").is_file()
    for place in ("configs/quick", "my presets/mine"):
        (folder / place).mkdir(parents=True)
        for stage in ("stage1", "stage2", "unet"):
            (folder / place / f"{stage}.flags").touch()
    assert settings(CONFIG="quick").preset == Path("configs/quick")
    assert settings(CONFIG="my presets/mine").preset == Path("my presets/mine")
    (folder / "my presets/mine/unet.flags").unlink()
    with pytest.raises(UserError, match="CONFIG=my presets/mine is no folder .* authors .*cpu evidence paper quick"):
        settings(CONFIG="my presets/mine").preset  # noqa: B018


def test_flags_for_a_modality_take_the_place_of_the_general_ones(folder):
    place = folder / "configs/mine"
    place.mkdir(parents=True)
    for name, size in (("stage1", 64), ("stage2", 96), ("stage2.fundus", 128), ("unet", 32)):
        (place / f"{name}.flags").write_text(f"--size={size}\n")
    assert settings(CONFIG="mine", PAIRS="phantom").preset_flags("stage2") == ["--size=128"]
    assert settings(CONFIG="mine", PAIRS="bu_bil:x").preset_flags("stage2") == ["--size=96"]
    assert settings(CONFIG="mine", PAIRS="phantom").preset_flags("stage1") == ["--size=64"]


def test_arms_and_seeds_come_from_flags_or_from_the_preset():
    assert settings(CONFIG="quick").evidence() == (
        ["real", "synthetic", "real+synthetic", "rendered", "phantom"], 1)
    assert settings(CONFIG="quick").curve()[-1] == "synthetic-25"  # it draws 50 masks
    assert settings(FLAGS="--curve=7,9 --count=8").curve() == ["synthetic-7"]
    assert settings(CONFIG="cells").evidence() == (["real", "synthetic"], 1)  # it has no evidence.flags
    assert settings(FLAGS="--arms=phantom,real --seeds=3").evidence() == (["phantom", "real"], 3)
    for flags, said in (("--arms=reel", "'reel' is no arm"), ("--seeds=0", "--seeds=0"), ("--seeds=x", "--seeds=x")):
        with pytest.raises(UserError, match=said):
            settings(FLAGS=flags).evidence()


def begin(folder, text):
    (folder / "checkpoints/quick/stage1").mkdir(parents=True)
    (folder / "checkpoints/quick/settings").write_text(text + "\n")
    (folder / "checkpoints/quick/data.checked").touch()


def test_a_run_keeps_its_settings_once_a_training_has_begun(folder):
    line = "CONFIG=quick PAIRS=phantom PHOTOS=phantom FLAGS=--seed=3 --base=4"
    begin(folder, line)  # as an earlier version wrote it
    (folder / "checkpoints/quick/stage1/config.json").touch()
    same = settings(FLAGS="--seed=3  --base=4 --test='folder:/my data' --kl_bins=64")
    same.record()
    assert same.recorded and (folder / "checkpoints/quick/data.checked").exists()
    for change in ({"FLAGS": "--seed=4 --base=4"}, {"FLAGS": "--seed=3 --base=4", "PHOTOS": ""}):
        other = settings(**change)
        with pytest.raises(UserError) as error:
            other.record()
        for said in (line, other.text, "RUN=name", "checkpoints/quick"):
            assert said in str(error.value)
    assert (folder / "checkpoints/quick/settings").read_text() == line + "\n"


def test_how_a_training_runs_may_change(folder):
    begin(folder, "CONFIG=quick PAIRS=phantom PHOTOS=phantom FLAGS=--strategy=mirrored --seed=3")  # of earlier versions
    (folder / "checkpoints/quick/stage1/config.json").touch()
    same = settings(FLAGS="--seed=3 --strategy=one --checkpoint_minutes=5")
    same.record()
    assert same.recorded and same.text.endswith("FLAGS=--seed=3")
    assert settings(FLAGS="--nodry_run --seed=3 --nowith_generators").recorded
    assert settings(FLAGS="--noadd_pairs").text.endswith("FLAGS=--noadd_pairs")


def test_where_the_runs_folder_is_a_file_it_is_told(folder):
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/quick").touch()
    with pytest.raises(UserError, match="checkpoints/quick: cannot be written"):
        settings().record()


def test_settings_may_change_before_a_training_has_begun_and_the_data_are_checked_again(folder):
    begin(folder, "CONFIG=quick PAIRS=phantom PHOTOS= FLAGS=")
    new = settings(FLAGS="--seed=3 --agree_with='my runs/x'")
    new.record()
    assert (folder / "checkpoints/quick/settings").read_text() == (
        "CONFIG=quick PAIRS=phantom PHOTOS=phantom FLAGS=--seed=3 '--agree_with=my runs/x'\n")
    assert not (folder / "checkpoints/quick/data.checked").exists()


@pytest.mark.parametrize("flags, dry", [("--dry_run", True), ("--dry_run=true", True), ("--dry_run --nodry_run", False),
                                        ("--dry_run=false", False), ("", False)])
def test_a_dry_run_is_one_that_the_flags_ask_for(flags, dry):
    assert settings(FLAGS=flags).dry_run == dry


def test_the_authors_preset_is_the_papers_but_for_size_and_time():
    def flags(preset, stage):  # the last value of a flag counts
        return dict(flag.split("=") for flag in settings(CONFIG=preset).preset_flags(stage) if "=" in flag)

    for stage in ("stage1", "stage2"):
        paper, authors = flags("paper", stage), flags("authors", stage)
        changed = {name for name in {*paper, *authors} if paper.get(name) != authors.get(name)}
        may_change = {"--steps_per_epoch", "--minutes", "--minutes_avx512"}
        assert changed - may_change == {"--size", "--precision", "--validation"}
    assert settings(CONFIG="authors").preset_flags("unet") == settings(CONFIG="cpu").preset_flags("unet")

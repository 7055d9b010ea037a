"""Which of make's FLAGS go to which script, and how files of flags are read."""
from __future__ import annotations

from dataclasses import dataclass

import pytest

from configs.flags import MEASURING, SCRIPTS, expand, is_on, last_value, names, select, split
from data.errors import UserError
from training.config import Config, option


@dataclass(frozen=True)
class Train(Config):
    seed: int = option(0, "Seed.")
    batch_size: int = option(1, "Examples.")
    dry_run: bool = option(False, "Stop.")
    normal: bool = option(False, "A name that begins with no.")


@dataclass(frozen=True)
class Generate(Config):
    seed: int = option(0, "Seed.")
    count: int = option(0, "Pictures.")
    out: str = option("", "File.", set_by_make=True)


OWN = {"a.train": Train, "a.generate": Generate}


def test_each_script_gets_the_flags_it_has_in_their_order():
    given = ["--count=3", "--batch_size=4", "--seed=1", "-seed=2", "--dry_run"]
    assert select("a.train", given, OWN) == ["--batch_size=4", "--seed=1", "-seed=2", "--dry_run"]
    assert select("a.generate", given, OWN) == ["--count=3", "--seed=1", "-seed=2"]


def test_booleans_have_three_forms_and_their_names_may_begin_with_no():
    given = ["--nodry_run", "--normal", "--nonormal", "--dry_run=false"]
    assert select("a.train", given, OWN) == given
    assert select("a.generate", given, OWN) == []


def test_flags_of_absl_itself_go_to_every_script():
    assert select("a.generate", ["--v=1", "--verbosity=0", "--undefok=x"], OWN) == [
        "--v=1", "--verbosity=0", "--undefok=x"]


@pytest.mark.parametrize("flag, said", [
    ("--bach_size=4", "--batch_size"),
    ("--zzzzzz=4", "--help"),
    ("--noseed", "--seed"),
    ("--seed", "--seed=value"),
    ("4", "--name=value"),
    ("--", "--name=value"),
    ("--out=/tmp", "set by make")])
def test_what_no_script_understands_stops_with_the_remedy(flag, said):
    for script in OWN:
        with pytest.raises(UserError, match=flag.partition("=")[0]) as error:
            select(script, [flag], OWN)
        assert said in str(error.value)


def test_the_flags_of_the_real_scripts_are_those_of_their_records():
    trainings = {name for name in SCRIPTS if name.endswith(".train")}
    for name in SCRIPTS:
        assert select(name, ["--dry_run"]) == (["--dry_run"] if name in trainings else [])
        assert "out" in names(SCRIPTS[name], by_make=True) or name in ("unet_eval.evaluate", "configs.plan")
    assert MEASURING == {"arms", "seeds", "test", "threshold", "kl_bins", "kl_channels", "kl_pixels", "kl_smoothing",
                         "curve", "few_draws", "with_generators"}


def test_a_value_may_have_spaces():
    assert split("--test='folder:/my data' --seed=3") == ("--test=folder:/my data", "--seed=3")
    with pytest.raises(UserError, match="FLAGS=--test='x"):
        split("--test='x")


def test_files_of_flags_are_read_where_they_are_named(tmp_path):
    (tmp_path / "inner").write_text("// why\n--base=8\n\n  --test=folder:/my data  \n")
    (tmp_path / "outer").write_text(f"# why\n--base=4\n--flagfile={tmp_path}/inner\n--crop=64\n")
    assert expand(["--seed=1", f"--flagfile={tmp_path}/outer", "--seed=2"]) == [
        "--seed=1", "--base=4", "--base=8", "--test=folder:/my data", "--crop=64", "--seed=2"]


def test_a_preset_that_came_with_the_package_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = expand(["--flagfile=configs/evidence/unet.flags"])
    assert "--crop=256" in first  # from configs/cpu, which it names
    (tmp_path / "configs" / "cpu").mkdir(parents=True)
    (tmp_path / "configs" / "cpu" / "unet.flags").write_text("--crop=32\n")
    assert "--crop=32" in expand(["--flagfile=configs/evidence/unet.flags"])  # the user's own comes first


@pytest.mark.parametrize("text, said", [("--flagfile=absent", "absent: No such file"), ("--flagfile=loop", "itself")])
def test_a_file_of_flags_that_cannot_be_read_is_named(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").write_text(text + "\n")
    with pytest.raises(UserError, match=said) as error:
        expand(["--flagfile=loop"])
    assert "loop" in str(error.value)


def test_the_last_value_counts():
    flags = ["--seed=1", "--dry_run", "-seed=2", "--nocosine_decay"]
    assert [last_value(flags, name) for name in ("seed", "dry_run", "cosine_decay", "base")] == [
        "2", "true", "false", None]


@pytest.mark.parametrize("flags, on", [([], False), (["--dry_run"], True), (["--dry_run", "--nodry_run"], False),
                                       (["--dry_run=False"], False), (["--nodry_run", "--dry_run=True"], True)])
def test_a_flag_is_on_as_absl_reads_it(flags, on):
    assert is_on(flags, "dry_run") == on


@pytest.mark.parametrize("name", ["9" * 5000, "~nobody-of-this-name/a.flags", "a" + chr(0)],
                         ids=["too long", "unknown user", "zero byte"])
def test_flag_files_of_names_that_no_file_can_have(name):
    with pytest.raises(UserError, match="^--flagfile="):
        expand([f"--flagfile={name}"])

"""Which of make's FLAGS go to which script."""
from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from training.make_flags import script_flags, select

SCRIPTS = {"a.train": {"seed": False, "batch_size": False, "dry_run": True, "normal": True},
           "a.generate": {"seed": False, "count": False, "out": False}}


def test_each_script_gets_the_flags_it_defines_in_their_order():
    arguments = ["--count=3", "--batch_size=4", "--seed=1", "-seed=2", "--dry_run"]
    assert select("a.train", arguments, SCRIPTS) == ["--batch_size=4", "--seed=1", "-seed=2", "--dry_run"]
    assert select("a.generate", arguments, SCRIPTS) == ["--count=3", "--seed=1", "-seed=2"]


def test_booleans_have_three_forms_and_their_names_may_begin_with_no():
    arguments = ["--nodry_run", "--normal", "--nonormal", "--dry_run=false"]
    assert select("a.train", arguments, SCRIPTS) == arguments
    assert select("a.generate", arguments, SCRIPTS) == []


def test_flags_of_absl_itself_go_to_every_script():
    assert select("a.generate", ["--flagfile=x"], SCRIPTS) == ["--flagfile=x"]


@pytest.mark.parametrize("argument, said", [
    ("--bach_size=4", "--batch_size"),
    ("--zzzzzz=4", "--help"),
    ("--noseed", "--seed"),
    ("--seed", "--seed=value"),
    ("4", "--name=value"),
    ("--", "--name=value"),
    ("--out=/tmp", "set by make")])
def test_what_no_script_understands_stops_with_the_remedy(argument, said):
    for script in SCRIPTS:
        with pytest.raises(ValueError, match=argument.partition("=")[0]) as error:
            select(script, [argument], SCRIPTS)
        assert said in str(error.value)
        assert "\n" not in str(error.value)


def test_the_flags_of_the_real_scripts_are_read_from_their_sources():
    found = script_flags()
    for script in ("stage1_dcgan.train", "stage2_pix2pix.train", "unet_eval.train"):
        assert found[script]["seed"] is False
        assert found[script]["dry_run"] is True
    for script in ("stage1_dcgan.generate", "stage2_pix2pix.generate", "unet_eval.segment", "unet_eval.evaluate"):
        assert found[script] and "dry_run" not in found[script]


def call(*arguments):
    return subprocess.run([sys.executable, "-m", "training.make_flags", *arguments], cwd=Path(__file__).parents[2],
                          capture_output=True, text=True)


def test_the_shell_gets_each_flag_back_as_it_was():
    arguments = ["--flagfile=my flags/it's.txt", "--verbosity=1"]
    assert shlex.split(call("unet_eval.train", *arguments).stdout) == arguments


def test_an_error_is_one_line():
    answer = call("unet_eval.train", "--sede=1")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1 and "--seed" in answer.stderr

"""How scripts end: in one line, with a status of its own, or with a traceback where it is our fault."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = '''
import errno
from absl import flags
from data.images import DataError
from training.cli import Stopped, flag_values, run

class ResourceExhaustedError(Exception):  # TensorFlow's, by name
    pass

def main():
    print(flag_values())
    how = flags.FLAGS.end
    if how == "data": raise DataError("a.png: broken; copy it again")
    if how == "stopped": raise Stopped("stopped by SIGTERM")
    if how == "interrupt": raise KeyboardInterrupt
    if how == "full": raise OSError(errno.ENOSPC, "No space left on device", "x/y.h5")
    if how == "file": open(__file__ + "/below", "w")
    if how == "memory": raise ResourceExhaustedError("OOM when allocating\\n  more lines")
    if how == "python_memory": raise MemoryError
    if how == "pipeline": raise RuntimeError("{{node}} DataError: s.h5: row 3 is damaged\\nTraceback\\n [[node]]")
    if how == "bug": raise KeyError("ours")

flags.DEFINE_string("end", None, "How.", required=True)
flags.DEFINE_integer("size", 64, "Pixels.", 16, 512)
run(main)
'''


@pytest.fixture
def call(tmp_path):
    def run(*arguments):
        (tmp_path / "script.py").write_text(SCRIPT)
        return subprocess.run([sys.executable, str(tmp_path / "script.py"), *arguments], capture_output=True, text=True,
                              env={"PYTHONPATH": str(Path(__file__).parents[2])})
    return run


@pytest.mark.parametrize("how, status, said", [
    ("data", 1, "error: a.png: broken; copy it again"),
    ("stopped", 75, "error: stopped by SIGTERM"),
    ("interrupt", 130, "interrupted"),
    ("full", 1, "x/y.h5: No space left on device"),
    ("file", 1, "script.py/below: Not a directory"),
    ("memory", 1, "--batch_size"),
    ("python_memory", 1, "--batch_size"),
    ("pipeline", 1, "error: s.h5: row 3 is damaged")])
def test_what_a_user_can_cause_ends_in_one_line(call, how, status, said):
    answer = call(f"--end={how}")
    assert answer.returncode == status
    assert answer.stderr.count("\n") == 1 and said in answer.stderr


def test_what_is_our_fault_keeps_its_traceback(call):
    answer = call("--end=bug")
    assert answer.returncode == 1 and "Traceback" in answer.stderr and "KeyError: 'ours'" in answer.stderr


@pytest.mark.parametrize("arguments, said", [
    (["--end=ok", "--sise=3"], "sise"),
    (["--end=ok", "--size=8"], "--size=8"),
    (["--end=ok", "--size=many"], "--size=many"),
    (["--end=ok", "extra"], "'extra'"),
    ([], "--end"),
    (["--flagfile=nowhere.flags"], "nowhere.flags")])
def test_wrong_flags_are_told_in_one_line(call, arguments, said):
    answer = call(*arguments)
    assert answer.returncode == 1 and answer.stdout == ""
    assert answer.stderr.count("\n") == 1 and said in answer.stderr


def test_flag_values_are_the_scripts_own_as_they_were_resolved(call, tmp_path):
    (tmp_path / "preset.flags").write_text("--size=128\n")
    answer = call("--end=ok", f"--flagfile={tmp_path / 'preset.flags'}")
    assert answer.returncode == 0 and answer.stderr == ""
    assert eval(answer.stdout) == {"end": "ok", "size": 128}


def test_help_lists_the_flags(call):
    assert "--size" in call("--help").stdout

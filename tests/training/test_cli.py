"""How scripts end: in one line, with a status of its own, or with a traceback where it is our fault."""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stage1_dcgan.config import MasksConfig, Stage1Config
from stage2_pix2pix.config import PairsConfig, Stage2Config
from training.config import fields
from unet_eval.config import EvaluateConfig, RelabelConfig, SegmentConfig, UnetConfig

pytestmark = pytest.mark.training
ROOT = Path(__file__).parents[2]
SCRIPT = '''
from __future__ import annotations
import errno
from dataclasses import dataclass
from data.errors import UserError
from training.cli import Stopped, run
from training.config import Config, option

@dataclass(frozen=True)
class ScriptConfig(Config):
    end: str = option("", "How.", required=True)
    size: int = option(64, "Pixels.", low=16, high=512)
    rate: float = option(0.5, "A rate.", low=0)
    flips: bool = option(False, "Whether.")
    loss: str = option("bce", "A loss.", choices=("bce", "mse"))
    names: tuple[str, ...] = option((), "Names.")
    tests: tuple[str, ...] = option((), "Data sets.", repeatable=True)

def main(config):
    print(config.to_json())
    how = config.end
    if how == "user": raise UserError("a.png: broken; copy it again")
    if how == "stopped": raise Stopped("stopped by SIGTERM")
    if how == "interrupt": raise KeyboardInterrupt
    if how == "full": raise OSError(errno.ENOSPC, "No space left on device", "x/y.h5")
    if how == "file": open(__file__ + "/below", "w")
    if how == "memory": raise MemoryError
    if how == "bug": raise KeyError("ours")
    if how == "tensorflow_memory":
        import tensorflow as tf
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\\n  more lines")
    if how == "tensorflow_full":
        import tensorflow as tf
        tf.io.write_file("/dev/full", bytes(9))

run(main, ScriptConfig)
'''


@pytest.fixture
def call(tmp_path):
    def run(*arguments):
        (tmp_path / "script.py").write_text(SCRIPT)
        return subprocess.run([sys.executable, str(tmp_path / "script.py"), *arguments], capture_output=True, text=True,
                              env={"PYTHONPATH": str(ROOT)})
    return run


@pytest.mark.parametrize("how, status, said", [
    ("user", 1, "error: a.png: broken; copy it again"),
    ("stopped", 75, "error: stopped by SIGTERM"),
    ("interrupt", 130, "interrupted"),
    ("full", 1, "x/y.h5: No space left on device"),
    ("file", 1, "script.py/below: Not a directory"),
    ("memory", 1, "--batch_size"),
    ("tensorflow_full", 1, "error: /dev/full; No space left on device"),
    ("tensorflow_memory", 1, "OOM when allocating); try a smaller --batch_size")])
def test_what_a_user_can_cause_ends_in_one_line(call, how, status, said):
    answer = call(f"--end={how}")
    assert answer.returncode == status
    assert answer.stderr.count("\n") == 1 and said in answer.stderr


def test_what_is_our_fault_keeps_its_traceback(call):
    answer = call("--end=bug")
    assert answer.returncode == 1 and "Traceback" in answer.stderr and "KeyError: 'ours'" in answer.stderr


@pytest.mark.parametrize("arguments, said", [
    (["--end=ok", "--sise=3"], "sise"),
    (["--end=ok", "--size=8"], "--size=8 is out of its range, 16 to 512"),
    (["--end=ok", "--rate=-1"], "--rate=-1.0 is out of its range, at least 0"),
    (["--end=ok", "--loss=bec"], "--loss=bec"),
    (["--end=ok", "--size=many"], "--size=many"),
    (["--end=ok", "extra"], "'extra'"),
    ([], "--end"),
    (["--flagfile=nowhere.flags"], "nowhere.flags")])
def test_wrong_flags_are_told_in_one_line(call, arguments, said):
    answer = call(*arguments)
    assert answer.returncode == 1 and answer.stdout == ""
    assert answer.stderr.count("\n") == 1 and said in answer.stderr


def test_flags_become_the_config(call, tmp_path):
    (tmp_path / "preset.flags").write_text("--size=128\n--flips\n--tests=drive:a,b\n")
    answer = call("--end=ok", f"--flagfile={tmp_path / 'preset.flags'}", "--names=a,b", "--tests=drive:c", "--rate=1")
    assert answer.returncode == 0 and answer.stderr == ""
    assert eval(answer.stdout) == {"end": "ok", "size": 128, "rate": 1.0, "flips": True, "loss": "bce",
                                   "names": ["a", "b"], "tests": ["drive:a,b", "drive:c"]}


def test_help_lists_the_flags_with_help_and_limits(call):
    shown = " ".join(call("--help").stdout.split())
    assert "--size: Pixels. (16 to 512)" in shown and "--rate: A rate. (at least 0)" in shown
    assert "--loss: <bce|mse>: A loss." in shown


SCRIPTS = {"stage1_dcgan.train": Stage1Config, "stage1_dcgan.generate": MasksConfig,
           "stage2_pix2pix.train": Stage2Config, "stage2_pix2pix.generate": PairsConfig,
           "unet_eval.train": UnetConfig, "unet_eval.segment": SegmentConfig, "unet_eval.relabel": RelabelConfig,
           "unet_eval.evaluate": EvaluateConfig}


@pytest.mark.parametrize("script", [script if script == "stage1_dcgan.train" else
                                    pytest.param(script, marks=pytest.mark.long) for script in SCRIPTS])
def test_every_script_lists_its_own_flags_and_tells_what_it_needs(script):
    """`--help`, and a call without any flag, each a process of its own; both at once."""
    calls = [subprocess.Popen([sys.executable, "-m", script, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) for arguments in (["--help"], [])]
    (shown, _), (printed, said) = (call.communicate() for call in calls)
    for field, _ in fields(SCRIPTS[script]):
        assert re.search(rf"^  --(\[no\])?{field.name}:", shown, re.MULTILINE), field.name
    assert "Try --helpfull to get a list of all flags" in shown
    assert calls[1].returncode == 1 and printed == ""
    assert said.count("\n") == 1 and said.startswith("error: --") and "has to be given" in said

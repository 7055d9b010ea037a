"""Damage on disk, and what a save that was cut short leaves behind."""
from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tensorflow import keras

from data.errors import UserError
from training.checkpoints import Checkpoints

ROOT = Path(__file__).parents[2]


class Training:
    """A network of a few weights, whose step k sets every number to k."""

    def __init__(self, folder):
        self.model = keras.Sequential([keras.layers.Dense(50, input_shape=(40,))])
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build(self.model.trainable_variables)
        self.checkpoints = Checkpoints(folder, model=self.model, optimizer=self.optimizer)

    @property
    def variables(self):
        return [*self.model.variables, *self.optimizer.variables]

    def save(self, step):
        for variable in self.variables:
            variable.assign(np.full(variable.shape, step, variable.dtype.as_numpy_dtype))
        self.checkpoints.save(step)

    def holds(self, step):
        """All numbers are those of this step."""
        return all((variable.numpy() == step).all() for variable in self.variables)


@pytest.fixture
def saved(tmp_path):
    """A folder with the checkpoints of steps 10, 20 and 30."""
    training = Training(tmp_path)
    for step in (10, 20, 30):
        training.save(step)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


DATA, INDEX, SUMS = "ckpt-{}.data-00000-of-00001", "ckpt-{}.index", "ckpt-{}.sha256"


def test_an_empty_folder_starts_at_zero(tmp_path):
    assert Training(tmp_path).checkpoints.restore() == 0


def test_the_newest_is_restored_with_the_optimizer(saved):
    training = Training(saved)
    assert training.checkpoints.restore() == 30
    assert training.holds(30)


def test_the_newest_is_the_one_of_the_largest_number(saved):
    Training(saved).save(100)  # "ckpt-100" sorts before "ckpt-20"
    assert Training(saved).checkpoints.restore() == 100
    assert names(saved) == sorted(name.format(step) for name in (DATA, INDEX, SUMS) for step in (20, 30, 100))


@pytest.mark.parametrize("file, damage", [(DATA, flip), (DATA, truncate), (DATA, empty), (DATA, remove), (INDEX, flip),
                                          (INDEX, truncate), (INDEX, empty), (SUMS, flip), (SUMS, empty)])
def test_damage_in_the_newest_is_told_and_the_one_before_is_used(saved, caplog, file, damage):
    damage(saved / file.format(30))
    training = Training(saved)
    assert training.checkpoints.restore() == 20
    assert training.holds(20)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1 and f"{saved}/ckpt-30" in warnings[0]
    assert not [name for name in names(saved) if "-30" in name]  # or the next restart would try it again
    training.save(30)
    assert Training(saved).checkpoints.restore() == 30


def test_damage_that_tensorflow_does_not_see_is_found_by_the_checksum(saved, caplog):
    for file in (DATA, INDEX):
        (saved / file.format(30)).write_bytes((saved / file.format(10)).read_bytes())
    training = Training(saved)
    assert training.checkpoints.restore() == 20 and training.holds(20)
    assert f"the checksum of {DATA.format(30)} is not the one in" in caplog.text


def test_a_checkpoint_of_an_earlier_version_has_no_checksum(saved, caplog):
    (saved / SUMS.format(30)).unlink()
    training = Training(saved)
    assert training.checkpoints.restore() == 30 and training.holds(30) and not caplog.records


@pytest.mark.training
@pytest.mark.skipif(not shutil.which("sha256sum"), reason="the program sha256sum is not here")
def test_sha256sum_checks_the_checksums(saved):
    answer = subprocess.run(["sha256sum", "-c", SUMS.format(30)], cwd=saved, capture_output=True)
    assert answer.returncode == 0 and answer.stdout.count(b": OK\n") == 2


def test_every_flipped_bit_is_found_or_harmless(saved):
    """No damaged number is ever taken for a good one."""
    random = np.random.default_rng(0)
    training = Training(saved)
    whole = {name: (saved / name).read_bytes() for name in names(saved)}
    for _ in range(40):
        for name, content in whole.items():
            (saved / name).write_bytes(content)
        name = (DATA, INDEX)[random.integers(2)].format(30)
        content = bytearray(whole[name])
        content[random.integers(len(content))] ^= 1 << random.integers(8)
        (saved / name).write_bytes(content)
        assert training.holds(training.checkpoints.restore())


def test_damage_in_all_of_them_is_no_fresh_start(saved):
    for step in (10, 20, 30):
        flip(saved / DATA.format(step))
    with pytest.raises(UserError, match="no checkpoint .* can be read") as error:
        Training(saved).checkpoints.restore()
    assert str(saved) in str(error.value)


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff garbage", b'model_checkpoint_path: "ckpt-10"\n'])
def test_a_garbage_state_file_changes_nothing(saved, garbage):
    (saved / "checkpoint").write_bytes(garbage)
    training = Training(saved)
    assert training.checkpoints.restore() == 30
    assert training.holds(30)


def test_what_killed_saves_left_is_cleaned(saved):
    before = names(saved)
    (saved / "ckpt-40_temp").mkdir()
    (saved / "ckpt-40_temp" / "part-00000-of-00001.data-00000-of-00001").write_bytes(b"half")
    (saved / DATA.format(40)).write_bytes(b"without its index")
    (saved / "ckpt-30.index.tempstate123").write_bytes(b"half")
    (saved / SUMS.format(40)).write_bytes(b"without its index")
    (saved / ".partial-ckpt-30.sha256").write_bytes(b"half")
    assert Training(saved).checkpoints.restore() == 30
    assert names(saved) == before


def test_files_of_the_user_in_the_folder_stay(saved):
    """Models of other programs, even while older checkpoints are dropped."""
    foreign = ["ckpt-best.pt", "ckpt-5.pt", "ckpt-10.pt", "ckpt-10.index.bak", "ckpt-10.sha256.txt", "ckpt-30.data",
               "ckpt-7.txt"]
    for name in foreign:
        (saved / name).write_bytes(name.encode())
    (saved / "ckpt-old").mkdir()
    training = Training(saved)
    assert training.checkpoints.restore() == 30
    for step in (40, 50, 60):
        training.save(step)
    flip(saved / DATA.format(60))
    assert Training(saved).checkpoints.restore() == 50
    assert all((saved / name).read_bytes() == name.encode() for name in foreign) and (saved / "ckpt-old").is_dir()
    assert not (saved / INDEX.format(10)).exists() and not (saved / INDEX.format(60)).exists()


def test_without_room_a_save_stops_and_older_ones_are_intact(saved):
    training, before = Training(saved), names(saved)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(UserError, match="ckpt-40 cannot be written"):
            training.save(40)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(saved) == before
    assert Training(saved).checkpoints.restore() == 30


KILLED = """
import itertools, os, random, signal, sys, time
from pathlib import Path
from tests.training.test_checkpoints import Training

folder = Path(sys.argv[1])

def say(what, step):
    os.write(1, f"{what} {step}\\n".encode())  # at once, or a kill could come in the middle of a line

def work():
    training = Training(folder)
    step = training.checkpoints.restore()
    say("restored" if not step or training.holds(step) else "spoilt", step)
    for step in itertools.count(step + 1):
        training.save(step)
        say("saved", step)

random.seed(1)
for _ in range(int(sys.argv[2])):
    before = set(folder.glob("ckpt-*.index"))
    child = os.fork()  # before TensorFlow has begun anything, so that a start takes no ten seconds
    if not child:
        work()
    while set(folder.glob("ckpt-*.index")) <= before:  # it saves
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.mark.training
@pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.long)])
def test_kills_during_saves_lose_no_checkpoint_that_was_saved(tmp_path, times):
    answer = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(times)], cwd=ROOT, capture_output=True,
                            text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr[-2000:]
    said = [(what, int(step)) for what, step in map(str.split, answer.stdout.splitlines())]
    restored = [step for what, step in said if what == "restored"]
    assert len(restored) == times and "spoilt" not in dict(said)
    for (_, before), (then, step) in zip(said, said[1:]):
        assert (then == "saved" and step == before + 1) or (then == "restored" and step in (before, before + 1))
    training = Training(tmp_path)
    step = training.checkpoints.restore()
    assert step in (said[-1][1], said[-1][1] + 1) and training.holds(step) and step > times
    assert {path.name.split(".")[0] for path in tmp_path.iterdir()} <= {f"ckpt-{step - back}" for back in range(4)}

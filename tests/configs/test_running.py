"""How the steps of a run are run: as processes, in their order."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from configs.running import thread_limits

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("makeflags, limit", [
    ("", None), ("k", None), ("-j", None), (" -j4 --jobserver-auth=3,4", "2"), ("n -j64 --jobserver-auth=3,4", "1"),
    (" --jobserver-fds=3,4 -j", None), (" -- FLAGS=--x\\ -j4 RUN=a", None), ("-- RUN=a\\ -j4", None)])
def test_jobs_share_the_cores(makeflags, limit):
    limits = thread_limits(makeflags, cores=8, alone=False)
    assert limits == ({"TF_NUM_INTRAOP_THREADS": limit, "TF_NUM_INTEROP_THREADS": "1"} if limit else {})
    assert thread_limits(makeflags, cores=8, alone=True) == {}


@pytest.fixture
def scripts(tmp_path):
    """Stand-ins for two scripts, which note their flags; where there is a file `fail`, they end with status 75."""
    for package, module in (("stage1_dcgan", "train"), ("stage1_dcgan", "generate"), ("data", "check")):
        (tmp_path / "fakes" / package).mkdir(parents=True, exist_ok=True)
        (tmp_path / "fakes" / package / "__init__.py").write_text(
            f"__path__.append({str(ROOT / package)!r})\n")
        (tmp_path / "fakes" / package / f"{module}.py").write_text(
            f"import os, pathlib, sys, time\n"
            f"with open('calls', 'a') as file:\n"
            f"    print('{package}.{module}', os.getpid(), os.environ.get('TF_NUM_INTRAOP_THREADS'), file=file)\n"
            "while pathlib.Path('wait').exists():\n"
            "    time.sleep(0.01)\n"
            "sys.exit(75 if pathlib.Path('fail').exists() else 0)\n")
    return tmp_path


def environment(folder, **variables):
    path = os.pathsep.join([str(folder / "fakes"), str(ROOT)])
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return {**kept, "PYTHONPATH": path, "CONFIG": "quick", "PHOTOS": "", "PAIRS": "drive:D", **variables}


def start(folder, *names, **variables):
    return subprocess.Popen([sys.executable, "-m", "configs.steps", *names], cwd=folder, text=True,
                            env=environment(folder, **variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def calls(folder):
    return [line.split() for line in (folder / "calls").read_text().splitlines()]


@pytest.mark.training
def test_steps_run_in_their_order_and_the_last_takes_the_place_of_the_process(scripts):
    process = start(scripts, "data", "stage1", "masks")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert [name for name, _, _ in calls(scripts)] == ["data.check", "stage1_dcgan.train", "stage1_dcgan.generate"]
    assert int(calls(scripts)[-1][1]) == process.pid
    assert [line.partition(":")[0] for line in out.splitlines()] == ["data", "stage1", "stage1"]
    run = scripts / "checkpoints/quick"
    assert (run / "data.checked").exists()
    assert (run / "settings").read_text() == "CONFIG=quick PAIRS=drive:D PHOTOS= FLAGS=\n"


@pytest.mark.training
@pytest.mark.skipif(not Path("/proc/1/task/1/children").exists(), reason="this system does not tell children")
@pytest.mark.parametrize("job, threads", [("{step}; :", "None"), ("sleep 60 & {step}; kill $!", "1")])
def test_a_step_beside_which_no_other_runs_takes_all_cores(scripts, job, threads):
    """As the last U-Net of `make -j2`, and the evaluation."""
    subprocess.run(["sh", "-c", job.format(step=f"{sys.executable} -m configs.steps stage1")], cwd=scripts, timeout=60,
                   env=environment(scripts, MAKEFLAGS=" -j64"), stdout=subprocess.DEVNULL, check=True)
    assert [own for _, _, own in calls(scripts)] == [threads]


@pytest.mark.training
def test_a_step_that_fails_ends_them_with_its_status_and_says_how_to_go_on(scripts):
    (scripts / "fail").touch()
    process = start(scripts, "stage1", "masks")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "to go on: CONFIG=quick PAIRS=drive:D PHOTOS='' python -m configs.steps stage1 masks\n" in err
    assert len(calls(scripts)) == 1
    process = start(scripts, "data")
    process.communicate(timeout=60)
    assert process.returncode == 75 and not (scripts / "checkpoints/quick/data.checked").exists()


@pytest.mark.training
@pytest.mark.parametrize("names", [("stage1",), ("stage1", "masks")])
def test_a_signal_reaches_the_script(scripts, names):
    (scripts / "wait").touch()
    process = start(scripts, *names)
    while not (scripts / "calls").exists() or not calls(scripts):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)
    with pytest.raises(ProcessLookupError):
        os.kill(int(calls(scripts)[0][1]), 0)


@pytest.mark.training
def test_what_is_wrong_is_one_line(scripts):
    for names, variables, said in (((), {}, "name the steps"), (("stage3",), {}, "'stage3' is no step"),
                                   (("stage1",), {"FLAGS": "--sede=1"}, "FLAGS: --sede")):
        process = start(scripts, *names, **variables)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1 and err.startswith("error: ") and err.count("\n") == 1 and said in err
    assert not (scripts / "checkpoints").exists()

"""How a step of a run is run: its scripts, one after the other, as processes."""
from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from data.files import readable, write_error, write_file

VARIABLES = ("CONFIG", "RUN", "PAIRS", "PHOTOS", "CELLS", "FLAGS")  # of make, which say whose steps these are
# What a training writes, in its folder and, in that of a phase, again.
OF_A_TRAINING = re.compile(
    r"((segmenter|coarse)/)?((config|seconds|seen|validation)\.json|made\.sha256|lock|(generator|coarse|weights|pairs)\.h5|"
    r"(codes|grain)\.npy|ckpt-\d+(_temp/.*|\.(index(\.tempstate\d+)?|sha256|data-[^/]*))|samples/epoch_\d+\.png|"
    r"logs/(\w+/)?events\.out\.tfevents\.[^/]*|(samples/)?\.partial-[^/]*)")


@dataclass(frozen=True)
class Step:
    """says: what the log says first. scripts: what follows `python -m`, one list a script. training, newer: the folder
    of a training, and its input; a training that an older input began is removed, for resuming it would mix the two.
    done: a file that tells make that the step has ended; it holds what `mark()` says then. record: the same, but it is
    there while the step runs, and empty then."""

    says: str
    scripts: list[list[str]]
    training: Path | None = None
    newer: Path | None = None
    done: Path | None = None
    mark: Callable[[], str] = str
    record: Path | None = None

    def remove_outdated(self) -> None:
        if self.newer is None or not self.newer.exists():
            return
        config = self.training / "config.json"
        if config.exists() and self.newer.stat().st_mtime_ns > config.stat().st_mtime_ns:
            files = (path.relative_to(self.training).as_posix() for path in self.training.rglob("*")
                     if path.is_symlink() or not path.is_dir())
            foreign = sorted(name for name in files if not OF_A_TRAINING.fullmatch(name))
            if foreign:
                raise UserError(f"{self.training} has to be trained again, for {self.newer} is newer, but no training "
                                f"made {foreign[0]}: move that file away")
            try:
                for path in self.training.iterdir():
                    if path != config:
                        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
                shutil.rmtree(self.training)  # config.json last: by it the next start knows what a kill left
            except OSError as error:
                raise UserError(f"{self.training} has to be trained again, for {self.newer} is newer, and cannot be "
                                f"removed ({error.strerror or error}): remove it yourself") from error


def thread_limits(makeflags: str, cores: int, alone: bool = False) -> dict[str, str]:
    """Variables that TensorFlow reads. `make -jN` runs N trainings at a time, which share the cores: small networks do
    not keep two of them busy. Where no other job runs, what is left waits for this one, which takes all cores."""
    if alone:
        return {}
    jobs = re.search(r"(?:^| )-j(\d+)", re.split(r"(?:^| )-- ", makeflags)[0])  # after -- come make's variables
    if not jobs or not int(jobs[1]):
        return {}
    return {"TF_NUM_INTRAOP_THREADS": str(max(1, cores // int(jobs[1]))), "TF_NUM_INTEROP_THREADS": "1"}


def _alone() -> bool:
    """Whether make runs no other job beside this process. False where the system does not tell."""
    children = Path(f"/proc/{os.getppid()}/task/{os.getppid()}/children")
    return children.exists() and len(children.read_text().split()) == 1


def run_all(names: list[str], make: Callable[[str], Step], dry_run: bool) -> None:
    """Runs make(NAME) of each name, up to the first that fails; ends the process with its status."""
    os.environ.update(thread_limits(os.environ.get("MAKEFLAGS", ""), os.cpu_count() or 1, _alone()))
    for number, name in enumerate(names):
        step = make(name)
        print(readable(step.says), flush=True)
        if not dry_run:
            step.remove_outdated()
        ends = [path for path in (step.done, step.record) if path]
        for path in ends:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise write_error(path, error) from error
        if step.record:
            write_file(step.record, b"")
        for script in step.scripts:
            if number == len(names) - 1 and script is step.scripts[-1] and not ends:
                # Nothing follows: the script takes the place of this process, and gets its signals.
                os.execv(sys.executable, [sys.executable, "-m", *script])
            status = _call(script)
            if status:
                if len(names) > 1:
                    given = [f"{name}={shlex.quote(os.environ[name])}" for name in VARIABLES if name in os.environ]
                    print("to go on:", *given, "python -m configs.steps", *names[number:], file=sys.stderr)
                sys.exit(status)
        for path in ends:
            write_file(path, step.mark().encode("utf-8", "surrogateescape"))


def _call(script: list[str]) -> int:
    """Exit status of a script. SIGTERM is passed on to it; Ctrl-C reaches it without that."""
    child = subprocess.Popen([sys.executable, "-m", *script])
    handlers = {signal.SIGTERM: lambda number, frame: child.terminate(), signal.SIGINT: lambda number, frame: None}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status  # as a shell gives the status of what a signal ended

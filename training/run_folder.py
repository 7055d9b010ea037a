"""A run's folder: one user at a time, and a record of how the run was made."""
from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

from data.images import DataError, write_error

PACKAGES = ("tensorflow", "tensorflow-addons", "numpy", "opencv-python", "h5py")
FREE = ("dry_run", "strategy", "out", "epochs")  # may change between a start and its resumption
SHOWN = 8  # changed settings in an error


def write_file(path: Path, content: bytes) -> None:
    """Complete or absent; DataError where it cannot be written."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise write_error(path, error) from error


def write_json(path: Path, content) -> None:
    """As `write_file`."""
    write_file(path, json.dumps(content, indent=2).encode())


def read_json(path: Path, remedy: str) -> dict:
    """The content; DataError with the `remedy` where it is absent or no JSON."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise DataError(f"{path} is missing: {remedy}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged ({error}): {remedy}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} is damaged (no JSON object): {remedy}")
    return content


def settings(folder: Path, kind: type, remedy: str):
    """The frozen dataclass `kind` as the config.json in `folder` has it; DataError if that lacks a field."""
    saved = read_json(Path(folder) / "config.json", remedy).get("flags", {})
    try:
        return kind(**{name: saved[name] for name in kind.__dataclass_fields__})
    except KeyError as missing:
        raise DataError(f"{folder}/config.json has no {missing}: {remedy}") from None


def _git_revision() -> str | None:
    try:
        answer = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
                                cwd=Path(__file__).parent)
    except OSError:  # no git on this machine
        return None
    return answer.stdout.strip() or None


def _leaves(value, name: str = ""):
    """(dotted name, value) of everything in nested dicts."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else key)
    else:
        yield name, value


class RunFolder:
    """Opens `out` for one training: locks it, compares its config.json with `flags` and `data`, or writes one.

    The folder is locked as long as this object lives. Raises DataError if another training has the folder open, or if
    it was started with other flags or data.
    """

    def __init__(self, out: str, flags: dict, data: dict):
        self.path = Path(out)
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.path / "lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{out} is in use by another training: wait for it or choose another --out") from None
        versions = {name: importlib.metadata.version(name) for name in PACKAGES}
        config = {"flags": flags, "data": data, "git": _git_revision(),
                  "versions": {"python": platform.python_version(), **versions}}
        saved = self.path / "config.json"
        if saved.exists():
            old = read_json(saved, f"remove {out} to start again")
            self._compare(old, config)
            now = {name: flags[name] for name in FREE if name in flags}
            if any(old["flags"].get(name) != value for name, value in now.items()):
                write_json(saved, {**old, "flags": {**old["flags"], **now}})  # it says how the run ends, too
        else:
            write_json(saved, json.loads(json.dumps(config)))

    def _compare(self, old: dict, new: dict) -> None:
        before = dict(_leaves({**old.get("flags", {}), **old.get("data", {})}))
        now = dict(_leaves(json.loads(json.dumps({**new["flags"], **new["data"]}))))
        changed = [f"{name}: {before.get(name)!r} -> {now.get(name)!r}" for name in sorted({*before, *now} - {*FREE})
                   if before.get(name) != now.get(name)]
        if changed:
            more = f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            raise DataError(f"{self.path} was started with other settings ({'; '.join(changed[:SHOWN])}{more}): "
                            "use those, or another --out")

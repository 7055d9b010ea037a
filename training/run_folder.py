"""The folder of one training. It is locked during the training, and config.json records how the training was made."""
from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from pathlib import Path
from typing import TypeVar

from data.errors import UserError
from data.files import no_locks, read_json, write_json
from data.system import fcntl
from training import workers
from training.config import Config, TrainingConfig, fields

VERSION = 2  # of config.json; version 1 has no "version" and no "resolved"
PACKAGES = ("tensorflow", "tensorflow-addons", "numpy", "opencv-python", "h5py")
LOCK = "lock"
SHOWN = 8  # changed settings that an error lists at most
AnyConfig = TypeVar("AnyConfig", bound=Config)


def read_record(folder: Path | str, remedy: str) -> dict:
    """The config.json of a training, also of an earlier version of this program.

    Keys: "version", "flags", "resolved", "data", "git", "versions". Raises UserError with the `remedy` if the file is
    missing or damaged, and UserError if a later version wrote it.
    """
    path = Path(folder) / "config.json"
    record = {"version": 1, "resolved": {}, "data": {}, **read_json(path, remedy)}
    if not isinstance(record.get("flags"), dict) or not all(isinstance(record[key], dict) for key in
                                                            ("resolved", "data")):
        raise UserError(f"{path} is damaged (it names no flags): {remedy}")
    if not isinstance(record["version"], int) or record["version"] > VERSION:
        raise UserError(f"{path} is of version {record['version']}, this program knows {VERSION}: use a newer one")
    return {**record, "flags": _renamed(record["flags"]), "resolved": _renamed(record["resolved"])}


def _renamed(entry: dict) -> dict:
    """An entry of config.json with the name that a number format has now."""
    return {**entry, "precision": "bfloat16"} if entry.get("precision") == "mixed_bfloat16" else entry


def read_config(folder: Path | str, kind: type[AnyConfig], remedy: str) -> AnyConfig:
    """The config of the training in `folder`. Raises UserError as `read_record` and `Config.from_json` do."""
    return kind.from_json(read_record(folder, remedy)["flags"], f"{folder}/config.json")


class RunFolder:
    """Locks the folder of a training, and writes its config.json or compares it with the options of now. `path` is that
    folder, or of several workers where this one writes.

    A context manager, which gives `path` and unlocks the folder when it is left. Raises UserError if another training
    holds the lock, if the training there was started with other options or data, or if the folder contains files but no
    config.json.
    """

    def __init__(self, config: TrainingConfig, data: dict, resolved: dict):
        """`data` identifies the training data. `resolved` is `Devices.resolved`."""
        self.path = workers.folder(config)
        self._refuse_foreign()
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.path / LOCK, "a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{config.out} is in use by another training: wait for it or take another --out") from None
        except OSError as error:
            raise no_locks(config.out, error) from error
        try:
            self._write_or_compare(config, data, resolved)
        except BaseException:
            self._lock.close()  # the traceback may keep this object alive, and with it the lock
            raise

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, kind, error, traceback) -> None:
        self._lock.close()  # not left to the garbage collector: a traceback keeps this object alive

    def _write_or_compare(self, config: TrainingConfig, data: dict, resolved: dict) -> None:
        versions = {name: _version(name) for name in PACKAGES}
        record = {"version": VERSION, "flags": config.to_json(), "resolved": resolved, "data": data,
                  "git": _git_revision(), "versions": {"python": platform.python_version(), **versions}}
        saved = self.path / "config.json"
        if not saved.exists():
            write_json(saved, record)
            return
        old = read_record(self.path, f"remove {config.out} to start again")
        before = type(config).from_json(old["flags"], str(saved)).to_json()
        self._compare({**before, **old["data"]}, {**config.to_json(), **data}, config, old["resolved"], resolved)
        updated = {**old, "flags": {**before, **{name: getattr(config, name) for name in _may_change(config)}},
                   "resolved": resolved, "version": VERSION}
        if updated != old:
            write_json(saved, updated)

    def _refuse_foreign(self) -> None:
        if not self.path.is_dir() or (self.path / "config.json").exists():
            return
        foreign = sorted(path.name for path in self.path.iterdir() if path.name not in (LOCK, ".partial-config.json"))
        if foreign:
            raise UserError(f"{self.path}/{foreign[0]} was not made by a training, and the folder has no config.json: "
                            "choose another --out")

    def _compare(self, before: dict, now: dict, config: TrainingConfig, old_resolved: dict, resolved: dict) -> None:
        ignored = _may_change(config)
        if old_resolved.get("precision") == resolved.get("precision"):
            ignored |= {"precision"}  # "auto" and the format that it stands for are the same
        before, now = dict(_leaves(before)), dict(_leaves(json.loads(json.dumps(now))))
        changed = [f"{name}: {before.get(name)!r} -> {now.get(name)!r}" for name in sorted({*before, *now} - ignored)
                   if before.get(name) != now.get(name)]
        if changed:
            more = f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            raise UserError(f"{self.path} was started with other settings ({'; '.join(changed[:SHOWN])}{more}): "
                            "use those, or another --out")


def _may_change(config: TrainingConfig) -> set[str]:
    return {field.name for field, _ in fields(type(config)) if field.metadata["may_change"]}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # TensorFlow Addons has no wheel for Linux on Arm
        return None


def _git_revision() -> str | None:
    """Of this program; None where it is in no repository, as in an environment that lies in one of somebody else's."""
    def git(*words):
        return subprocess.run(["git", *words], capture_output=True, text=True, cwd=Path(__file__).parent)

    try:
        if git("ls-files", "--error-unmatch", Path(__file__).name).returncode:
            return None
        return git("describe", "--always", "--dirty").stdout.strip() or None
    except OSError:  # no git on this machine
        return None


def _leaves(value, name: str = ""):
    """(dotted name, value) of every value in nested dicts."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else key)
    else:
        yield name, value

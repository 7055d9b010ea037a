"""A small file system of its own, which tests fill to the last byte."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


class SmallDisk:
    """A folder on a tmpfs. A context manager; skips the test where this user may mount none."""

    def __init__(self, path: Path, size: str):
        """size: as mount takes it, such as "1m"."""
        self.path, self._size = path, size
        self._filler = path / "filler"

    def __enter__(self) -> SmallDisk:
        self.path.mkdir()
        answer = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self._size}", "tmpfs", self.path],
                                capture_output=True, text=True)
        if answer.returncode:
            pytest.skip(f"no tmpfs can be mounted here ({answer.stderr.strip()})")
        return self

    def __exit__(self, kind, error, traceback) -> None:
        subprocess.run(["umount", self.path], check=True)

    def fill(self, leave: int = 0) -> None:
        """Leaves so many bytes free, rounded down to pages."""
        free = os.statvfs(self.path)
        self._filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - leave)))

    def clear(self) -> None:
        self._filler.unlink()

    def files(self) -> dict[str, bytes]:
        """{name: content} of all others."""
        return {path.relative_to(self.path).as_posix(): path.read_bytes() for path in self.path.rglob("*")
                if path.is_file() and path != self._filler}

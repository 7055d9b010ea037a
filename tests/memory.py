"""The most memory that a process has taken since its program began.

getrusage does not tell that: on Linux ru_maxrss begins at what the parent had when it started the process, and one
that runs many tests has gigabytes.
"""
from __future__ import annotations

from pathlib import Path


def peak(process: int | str = "self") -> int:
    """Bytes; 0 of a process that has ended and was not waited for. Raises FileNotFoundError where there is no /proc."""
    found = Path(f"/proc/{process}/status").read_text().partition("VmHWM:")[2].split()
    return int(found[0]) << 10 if found else 0

"""What Python has on Linux and macOS only: locks of files, and limits of memory and time.

What needs them takes them from here, so that every script says which systems have them, before it does anything.
"""
from __future__ import annotations

import sys

try:
    import fcntl
    import resource
except ImportError as error:
    sys.exit(f"error: this system cannot lock files and limit processes (Python has no {error.name}): use Linux, "
             "macOS, or on Windows WSL, https://learn.microsoft.com/windows/wsl/install")

__all__ = ["fcntl", "resource"]

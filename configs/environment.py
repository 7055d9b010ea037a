"""The Python that runs the project: python -m configs.environment [EXTRA] says what this one is good for.

It prints "complete" where all packages that setup.py asks for are installed, "supported" where it can make .venv, and
ends with status 1 where it can do neither. `python -m configs.environment install EXTRA` makes .venv, or renews it; the
extra `base` is none.
"""
from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 9), (3, 11)  # what TensorFlow 2.14 supports
FOLDER = Path(".venv")
MADE = "made-by-make"  # a file in it; what make only installed into is the user's
EMPTY = re.compile("_?(pip|setuptools|pkg_resources|wheel|distutils|virtualenv)|__pycache__")  # in a new environment
# What the Python in .venv has to pass.
USABLE = f"import pip, sys; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
NO_OPENCV = "error: OpenCV does not start, for want of system libraries: apt-get install libgl1 libglib2.0-0"


def is_complete(extra: str = "base") -> bool:
    """Whether every package that setup.py asks for is there, in a version that it allows. Imports none of them."""
    if importlib.util.find_spec("packaging") is None:  # TensorFlow needs it, too
        return False
    from packaging.requirements import Requirement

    setup = runpy.run_path("setup.py")
    extras = [text for name in extra.split(",") for text in setup["EXTRAS"].get(name, [])]
    for text in [*setup["REQUIREMENTS"], *extras]:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            return False
        if not requirement.specifier.contains(version, prereleases=True):
            return False
    return True


def is_supported() -> bool:
    """Whether this Python can make .venv, or is the one in .venv and can install there."""
    needed = ["pip"] if Path(sys.prefix).resolve() == FOLDER.resolve() else ["venv", "ensurepip"]
    return OLDEST <= sys.version_info[:2] <= NEWEST and all(map(importlib.util.find_spec, needed))


def is_ours() -> bool:
    """Whether .venv may be emptied: it is absent, or make made it, or no package but pip is in it."""
    packages = FOLDER.glob("lib/python*/site-packages/*")
    return (FOLDER / MADE).exists() or all(EMPTY.match(path.name) for path in packages)


def install(extra: str) -> int:
    """Makes .venv where it is absent or broken, and installs what setup.py asks for. Returns an exit status.

    All that it says goes to stderr: what make prints may be data.
    """
    print(f"{FOLDER}: installing TensorFlow 2.14 and the rest (600 MB on the first use)", file=sys.stderr, flush=True)
    python = str(FOLDER / "bin" / "python")
    try:
        works = subprocess.run([python, "-c", USABLE], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        works = False
    if not works and not is_ours():
        oldest, newest = (".".join(map(str, version)) for version in (OLDEST, NEWEST))
        print(f"error: {FOLDER} is not one that make made, and has no pip or no Python {oldest} to {newest}: move it "
              "away, or give make a Python that has the packages, PYTHON=", file=sys.stderr)
        return 1
    project = "." if extra == "base" else f".[{extra}]"
    commands = [] if works else [[sys.executable, "-m", "venv", "--clear", str(FOLDER)]]
    commands += [[python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt",
                  "-e", project]]
    for command in commands:
        status = subprocess.run(command, stdout=sys.stderr).returncode
        if status:
            return status
        if not works:  # said before the packages, which may fail
            (FOLDER / MADE).touch()
    if subprocess.run([python, "-c", "import cv2"]).returncode:
        print(NO_OPENCV, file=sys.stderr)
        return 1
    (FOLDER / f"installed-{extra}").touch()
    return 0


def main() -> None:
    command, extra = (sys.argv[1:] + ["base"])[0], sys.argv[-1]
    if command == "install":
        sys.exit(install(extra))
    if OLDEST <= sys.version_info[:2] <= NEWEST and is_complete(command):
        print("complete")
    elif is_supported():
        print("supported")
    else:
        sys.exit(1)


if __name__ == "__main__":
    main()

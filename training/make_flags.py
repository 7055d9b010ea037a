"""Which of make's FLAGS a script takes.

    python -m training.make_flags stage1_dcgan.train --batch_size=4 --count=9

`make FLAGS="..."` hands the same flags to scripts that define different ones, and to absl an unknown flag is an
error. This prints the ones that the named script defines, quoted for the shell. It reads the sources and imports
none of them, so a misspelt flag is told in a moment, before any script starts.
"""
from __future__ import annotations

import ast
import difflib
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("stage1_dcgan", "stage2_pix2pix", "unet_eval")
ABSL = {"flagfile": False, "undefok": False, "v": False, "verbosity": False}
MAKE_SETS = ("arm", "config", "draw", "flags", "images", "make", "masks", "model", "out", "pairs", "photo_masks",
             "photos", "repeat", "reports", "run", "second", "sweep", "synthetic")


def script_flags() -> dict[str, dict[str, bool]]:
    """{module: {flag: whether it is a boolean}} of every module that defines flags."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).glob("*.py")):
            defined = {node.args[0].value: node.func.attr in ("DEFINE_bool", "DEFINE_boolean")
                       for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                       if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                       and node.func.attr.startswith("DEFINE_") and isinstance(node.args[0], ast.Constant)}
            if defined:
                found[f"{package}.{path.stem}"] = defined
    return found


def select(script: str, arguments: list[str], scripts: dict[str, dict[str, bool]]) -> list[str]:
    """Those of `arguments` whose flag `script` defines; ValueError, one line, on what no script understands."""
    everywhere = {**ABSL, **{name: boolean for defined in scripts.values() for name, boolean in defined.items()}}
    taken = []
    for argument in arguments:
        name, equals, _ = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or not name:
            raise ValueError(f"'{argument}' is not a flag: write --name=value, with an equals sign")
        if not equals and name.startswith("no") and everywhere.get(name[2:]):
            name = name[2:]
        elif not equals and everywhere.get(name) is False:
            raise ValueError(f"--{name} needs a value: write --{name}=value, with an equals sign")
        if name not in everywhere:
            near = difflib.get_close_matches(name, everywhere, n=3)
            hint = f"near: {', '.join('--' + other for other in near)}" if near else "a script's --help lists its own"
            raise ValueError(f"--{name} is a flag of no script; {hint}")
        if name in MAKE_SETS:
            raise ValueError(f"--{name} is set by make itself, from PAIRS, PHOTOS and RUN: set those")
        if name in scripts[script] or name in ABSL:
            taken.append(argument)
    return taken


def main() -> None:
    script, *arguments = sys.argv[1:]
    try:
        print(shlex.join(select(script, arguments, script_flags())))
    except ValueError as error:
        sys.exit(f"error: FLAGS: {error}")


if __name__ == "__main__":
    main()

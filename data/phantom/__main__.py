"""Draws the procedural data sets: python -m data.phantom --out=data/raw/phantom --seed=0"""
from __future__ import annotations

from pathlib import Path

from absl import app, flags

from data.errors import errors_in_one_line
from data.phantom.datasets import COUNTS, make_phantoms


def main(out: str, seed: int) -> None:
    with errors_in_one_line(out):
        drawn = make_phantoms(Path(out), seed)
    pictures = ", ".join(f"{count} {name}" for name, count in COUNTS.items())
    print(f"{out}: {pictures} pictures drawn, seed {seed}" if drawn else f"{out}: already there, left alone")


if __name__ == "__main__":
    OUT = flags.DEFINE_string("out", "data/raw/phantom", "Folder to write; left alone if it is there.")
    SEED = flags.DEFINE_integer("seed", 0, "Of the random numbers.", lower_bound=0)
    app.run(lambda _: main(OUT.value, SEED.value))

"""Ratios of two runs of the benchmark, or of the benchmark and the peers.

    python -m tests.bench.compare OURS.jsonl OTHERS.jsonl

A file has one JSON row a line, as `make bench` and tests/bench/torch_peers.py print them. Of several rows with the same
options the median counts.
"""
from __future__ import annotations

import json
import math
import statistics
import sys
from pathlib import Path

KEYS = ("network", "size", "batch", "base", "dtype")


def read_rows(path: str) -> list[dict]:
    """The rows of a file, those with all KEYS and a speed; ends the process where there are none."""
    try:
        rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        sys.exit(f"error: {path} cannot be read as lines of JSON ({error}): take the output of make bench")
    rows = [row for row in rows if isinstance(row, dict) and {*KEYS, "images_per_s"} <= row.keys()]
    if not rows:
        sys.exit(f"error: {path} has no row of the benchmark: take the output of make bench")
    return rows


def medians(rows: list[dict]) -> dict[tuple, float]:
    """{options: median of images per second}, options as in KEYS."""
    by_options: dict[tuple, list[float]] = {}
    for row in rows:
        by_options.setdefault(tuple(row[key] for key in KEYS), []).append(row["images_per_s"])
    return {options: statistics.median(speeds) for options, speeds in by_options.items()}


def ratios(ours: dict[tuple, float], others: dict[tuple, float]) -> dict[tuple, float]:
    """{options: ours / theirs} of the options that both have."""
    return {options: speed / others[options] for options, speed in ours.items() if options in others}


def best_precision(speeds: dict[tuple, float]) -> dict[tuple, float]:
    """The same without the last of KEYS, dtype: the best of them."""
    best: dict[tuple, float] = {}
    for options, speed in speeds.items():
        best[options[:-1]] = max(speed, best.get(options[:-1], 0.0))
    return best


def geometric_mean(values) -> float:
    """NaN where there are no values."""
    logarithms = [math.log(value) for value in values]
    return math.exp(statistics.mean(logarithms)) if logarithms else math.nan


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(f"error: {len(sys.argv) - 1} files: python -m tests.bench.compare OURS.jsonl OTHERS.jsonl")
    ours, others = (medians(read_rows(path)) for path in sys.argv[1:])
    for own, other in ((ours, others), (best_precision(ours), best_precision(others))):
        compared = ratios(own, other)
        for options, ratio in compared.items():
            print(f"{' '.join(map(str, options)):<34} {own[options]:>9.3f} / {other[options]:>9.3f} = {ratio:.3f}")
        print(f"{'geometric mean':<34} {geometric_mean(compared.values()):>31.3f}\n")


if __name__ == "__main__":
    main()

"""Makes many pairs with small networks and random weights, is killed in between and goes on: memory, speed, storage.

    python -m tests.load --count=10000 --out=/tmp/load

Prints a JSON line for the masks and one for the pairs: seconds a row in the first and in the last third, memory
(resident, GB) after the first and after the last part and its peak, seconds to join the parts, bytes a row. It reads
/proc, so it needs Linux. What --out has already is not made again, and not measured.
"""
from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.files import write_json
from data.images import write_image
from data.parts import PART
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.networks import generator
from stage2_pix2pix.architectures import pix2pix
from stage2_pix2pix.config import Stage2Config
from tests.conftest import draw_eye
from training import devices
from training.cli import run
from training.config import Config, option
from training.weights import save_array, save_weights

ROOT = Path(__file__).parents[1]
REST = 0.2  # seconds between two looks at the process
KILL_AT = 0.4  # of the parts


@dataclass(frozen=True)
class LoadConfig(Config):
    """Makes many pairs and measures what they cost."""

    out: str = option("", "Folder for everything.", required=True)
    count: int = option(10_000, f"Pairs; more than {3 * PART}.", low=3 * PART + 1)
    size: int = option(256, "Pixels of masks and photographs, a multiple of 16.", low=64, high=512)
    base: int = option(4, "Filters of both networks' first level.", low=4, high=64)


def trained(folder: Path, config: LoadConfig) -> None:
    """Data, and both stages as their trainings leave them, but for their weights, which are random."""
    for stem in (21, 22, 23):
        image, mask, fov = draw_eye(stem)
        for part, name, picture in (("images", "training.tif", image), ("1st_manual", "manual1.gif", mask),
                                    ("mask", "training_mask.gif", fov)):
            write_image(folder / "DRIVE" / "training" / part / f"{stem}_{name}", picture)
    common = {"pairs": f"drive:{folder}/DRIVE", "out": "x", "size": config.size, "base": config.base}
    stage1 = Stage1Config(**common, encoding="signed_distance")
    stage2 = Stage2Config(**common, norm="instance", colour_code=True, noise=1)
    devices.set_seed(0)
    models = {"stage1": (stage1, generator(config.size, config.base)),
              "stage2": (stage2, pix2pix.networks(stage2)["generator"])}
    for name, (options, model) in models.items():
        (folder / name).mkdir(exist_ok=True)
        save_weights(model, folder / name / "generator.h5")
        write_json(folder / name / "config.json", {"version": 2, "flags": options.to_json(), "data": {}})
    save_array(np.full((3, 6), 0.1, np.float32), folder / "stage2" / "codes.npy")


def watched(script: list[str], store: Path, count: int) -> dict:
    """Runs the script, kills it once, runs it again to its end, and says what that took."""
    parts, timed, peak, killed = store.with_name(f"{store.stem}.parts"), [], 0.0, False
    while not store.exists():
        marks, seen = [], len(list(parts.glob("rows-*.h5")))
        child = subprocess.Popen([sys.executable, "-m", *script], cwd=ROOT)
        while child.poll() is None:
            time.sleep(REST)
            resident, most = memory(child.pid)
            peak, made = max(peak, most), len(list(parts.glob("rows-*.h5")))
            if made > seen:
                if marks:  # the first part of a process has its start in it
                    timed.append((time.monotonic() - marks[-1][0]) / (made - seen) / PART)
                marks.append((time.monotonic(), resident))
                seen = made
            if not killed and made * PART >= KILL_AT * count:
                child.kill()
                killed = True
        if child.returncode and not (killed and child.returncode == -9):
            sys.exit(child.returncode)
    third = max(1, len(timed) // 3)
    return {"script": script[0], "rows": count, "row_s_first_third": round(statistics.median(timed[:third]), 4),
            "row_s_last_third": round(statistics.median(timed[-third:]), 4), "gb_first": marks[0][1],
            "gb_last": marks[-1][1], "gb_peak": peak, "join_s": round(time.monotonic() - marks[-1][0], 1),
            "bytes_a_row": store.stat().st_size // count}


def memory(pid: int) -> tuple[float, float]:
    """(resident now, its peak) of a process, GB; 0 where it has ended."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = [re.search(rf"{name}:\s+(\d+) kB", status) for name in ("VmRSS", "VmHWM")]
    return tuple(round(int(value[1]) / 1e6, 3) if value else 0.0 for value in found)


def main(config: LoadConfig) -> None:
    folder = Path(config.out).absolute()
    if not (folder / "stage2" / "codes.npy").exists():
        trained(folder, config)
    masks, pairs = folder / "masks.h5", folder / "synthetic.h5"
    draw = ["stage1_dcgan.generate", f"--model={folder}/stage1", f"--out={masks}", f"--count={config.count}",
            f"--mask_size={config.size}"]
    render = ["stage2_pix2pix.generate", f"--model={folder}/stage2", f"--masks={masks}", f"--out={pairs}"]
    for script, store in ((draw, masks), (render, pairs)):
        if not store.exists():
            print(json.dumps(watched(script, store, config.count)), flush=True)


if __name__ == "__main__":
    run(main, LoadConfig)

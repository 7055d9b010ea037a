"""Times training steps, and with --run all that a run's stages do.

    python -m tests.bench --network=pix2pix --size=256 --batch=4 --base=64 --dtype=bfloat16
    python -m tests.bench --network=unet --compare=before.jsonl
    python -m tests.bench --run=checkpoints/quick

Prints one JSON line a network; without --network, of all of them, each in a process of its own. Seconds are the median
over --steps steps; memory is the peak of the process; share is that of the speed of a large matrix product. With
--compare, ratio is images per second divided by those of the other file, and a last line has their geometric mean.
"""
from __future__ import annotations

import json
import subprocess
import sys

from absl import app, flags

from tests.bench.compare import KEYS, geometric_mean, medians, ratios, read_rows
from tests.bench.networks import NETWORKS
from tests.bench.stages import STAGES
from tests.bench.step import measure
from training.precision import POLICIES

FLAGS = flags.FLAGS


def main(argv):
    if argv[1:]:
        sys.exit(f"error: {argv[1]!r} is not a flag: flags are written --name=value")
    if FLAGS.run and FLAGS.compare:
        sys.exit("error: --compare is for the steps of networks: leave it out where --run is given")
    if FLAGS.run:
        for measure_stage in STAGES:
            for row in measure_stage(FLAGS.run, FLAGS.steps):
                print(json.dumps(row), flush=True)
        return
    others = medians(read_rows(FLAGS.compare)) if FLAGS.compare else {}
    compared: dict[tuple, float] = {}
    for row in [one()] if FLAGS.network else all_networks():
        for options, ratio in ratios(medians([row]), others).items():
            compared[options] = row["ratio"] = round(ratio, 3)
        print(json.dumps(row), flush=True)
    if FLAGS.compare:
        print(json.dumps({"compared": len(compared), "geometric_mean": round(geometric_mean(compared.values()), 3)}))


def one():
    return measure(**{name: FLAGS[name].value for name in (*KEYS, "steps")})


def all_networks():
    """The row of each network, from a process of its own, so that memory is that of one network."""
    given = [FLAGS[name].serialize() for name in (*KEYS, "steps") if FLAGS[name].present]
    for network in NETWORKS:
        child = subprocess.run([sys.executable, "-m", "tests.bench", *given, f"--network={network}"], text=True,
                               stdout=subprocess.PIPE)
        if child.returncode:
            sys.exit(child.returncode)
        yield json.loads(child.stdout)


if __name__ == "__main__":
    flags.DEFINE_enum("network", None, list(NETWORKS), "The one to time; all of them without it.")
    flags.DEFINE_integer("size", 256, "Pixels, square.", 16, 1024)
    flags.DEFINE_integer("batch", 4, "Pictures a step.", 1)
    flags.DEFINE_integer("base", 64, "Filters of the first layer.", 1)
    flags.DEFINE_enum("dtype", "float32", list(POLICIES), "Number format of the layers.")
    flags.DEFINE_integer("steps", 10, "Steps that are timed.", 1)
    flags.DEFINE_string("compare", None, "Output of another run, to give ratios to.")
    flags.DEFINE_string("run", None, "Folder of a run whose stages are timed instead: training with its data and "
                        "checkpoints, masks and pairs a second.")
    app.run(main)

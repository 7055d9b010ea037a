"""Times one training step of the three networks, the project's own `train_step`s.

    python -m tests.bench --network=pix2pix --size=256 --batch=4 --base=64 --dtype=bfloat16

Prints one JSON line a network; without --network, of all three. Seconds are the median over --steps steps after two
that warm up; memory is the peak of the whole process, and each network has one of its own.
"""
from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time

import tensorflow as tf
from absl import app, flags
from tensorflow import keras

import stage1_dcgan.networks
import stage2_pix2pix.networks
import unet_eval.networks
from stage1_dcgan.gan import DCGAN
from stage2_pix2pix.gan import Pix2Pix
from training import devices

DTYPES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
FLAGS = flags.FLAGS


def dcgan(size, base, batch):
    """One update of each network, as the usual implementations have it, without the options for small sets."""
    networks = stage1_dcgan.networks
    model = DCGAN(networks.generator(size, base), networks.discriminator(size, base), generator_steps=1)
    model.compile(gan_adam(), gan_adam())
    return model, {"pictures": tf.random.uniform((batch, size, size, 1), -1, 1),
                   "z": tf.random.uniform((batch, networks.Z_DIM), -1, 1), "chance": tf.random.uniform((batch, 2, 4))}


def pix2pix(size, base, batch):
    """A mask in, a photograph out; batch norm in both networks, L1 weighed 100."""
    networks = stage2_pix2pix.networks
    model = Pix2Pix(networks.generator(size, base, inputs=1), networks.discriminator(size, base, 1, "batch"), 100.0)
    model.compile(gan_adam(), gan_adam())

    def pictures(channels):
        return tf.random.uniform((batch, size, size, channels), -1, 1)

    return model, {"known": pictures(1), "photograph": pictures(3), "noise": pictures(0),
                   "inside": tf.ones((batch, size, size, 1)), "keys": tf.zeros((batch, 2), tf.int64)}


def unet(size, base, batch):
    """Four poolings, binary cross-entropy."""
    model = unet_eval.networks.unet(base, poolings=4)
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy())
    image = tf.random.uniform((batch, size, size, 1))
    return model, (image, tf.cast(image > 0.9, tf.float32))


def gan_adam():
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


NETWORKS = {"dcgan": dcgan, "pix2pix": pix2pix, "unet": unet}


def measure(network: str) -> dict:
    keras.mixed_precision.set_global_policy(DTYPES[FLAGS.dtype])
    devices.set_seed(0)  # as every training does: repeatable operations are part of its speed
    model, batch = NETWORKS[network](FLAGS.size, FLAGS.base, FLAGS.batch)
    step = tf.function(model.train_step)
    seconds = []
    for _ in range(2 + FLAGS.steps):
        start = time.perf_counter()
        tf.nest.map_structure(lambda value: value.numpy(), step(batch))  # waits for the device
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[2:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    return {"network": network, "size": FLAGS.size, "batch": FLAGS.batch, "base": FLAGS.base, "dtype": FLAGS.dtype,
            "step_s": round(median, 4), "images_per_s": round(FLAGS.batch / median, 3), "peak_rss_gb": round(peak, 2)}


def main(argv):
    if argv[1:]:
        sys.exit(f"error: {argv[1]!r} is not a flag: flags are written --name=value")
    if FLAGS.network:
        print(json.dumps(measure(FLAGS.network)))
        return
    for network in NETWORKS:
        status = subprocess.run([sys.executable, "-m", "tests.bench", *sys.argv[1:], f"--network={network}"]).returncode
        if status:
            sys.exit(status)


if __name__ == "__main__":
    flags.DEFINE_enum("network", None, list(NETWORKS), "The one to time; all of them without it.")
    flags.DEFINE_integer("size", 256, "Pixels, square.", 64, 1024)
    flags.DEFINE_integer("batch", 4, "Pictures a step.", 1)
    flags.DEFINE_integer("base", 64, "Filters of the first layer.", 1)
    flags.DEFINE_enum("dtype", "float32", list(DTYPES), "Number format of the layers.")
    flags.DEFINE_integer("steps", 10, "Steps that are timed.", 1)
    app.run(main)

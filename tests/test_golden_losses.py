"""Five steps of every network against the losses of the version that was measured: a change of the arithmetic shows.

python -m tests.test_golden_losses prints the losses of now, to replace EXPECTED where a change is meant.
"""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from stage1_dcgan.config import Stage1Config
from stage1_dcgan.networks import Z_DIM
from stage1_dcgan.train import build as build_dcgan
from stage2_pix2pix.architectures import pix2pix
from stage2_pix2pix.config import Stage2Config
from training import devices
from training.fit import Schedule
from unet_eval.config import UnetConfig
from unet_eval.train import build as build_unet

pytestmark = pytest.mark.training
SIZE, BATCH, STEPS = 64, 4, 5
# Instruction sets, numbers of threads and oneDNN's choice of kernels change the last bits of a float32, about 1e-7 of
# it, and five steps let that grow, since Adam divides by the gradient: to 1.6e-4 at most between AVX-512, AVX2 and
# SSE4.1, with oneDNN and without it. A learning rate higher by a tenth, or a leaky ReLU of 0.21 in place of 0.2, moves
# the losses by 1.3e-3 to 3e-2.
TOLERANCE = 5e-4
COMMON = {"pairs": "drive:x", "out": "x", "batch_size": BATCH, "base": 4, "precision": "float32"}
CONFIGS = {
    "dcgan": Stage1Config(**COMMON, size=SIZE),
    "dcgan, options for small sets": Stage1Config(**COMMON, size=SIZE, d_norm="none", generator_steps=1, reach=0.125,
                                                  penalty=1.0, ema=0.9),
    "pix2pix": Stage2Config(**COMMON, size=SIZE, d_base=4, tell_fov=True, colour_code=True, noise=1, l1_weight=10.0),
    "unet": UnetConfig(**COMMON, poolings=2, crop=SIZE, loss="bce_dice", optimizer="adam", learning_rate=1e-3)}
EXPECTED = {
    "dcgan": {
        "d_loss": [1.333238, 1.867473, 1.854609, 1.505356, 1.350649],
        "g_loss": [0.803061, 0.5274187, 0.355611, 0.6003603, 0.9699119],
    },
    "dcgan, options for small sets": {
        "d_loss": [1.378454, 1.522202, 1.289721, 1.531725, 1.443938],
        "g_loss": [0.8369052, 0.7932283, 0.8976742, 0.9065085, 0.7481162],
    },
    "pix2pix": {
        "d_loss": [0.8222518, 0.7801059, 0.7043145, 0.6600648, 0.6054571],
        "g_loss": [9.881424, 9.036826, 9.152177, 9.576515, 9.526079],
        "l1": [0.8444083, 0.819997, 0.8260197, 0.8552011, 0.8378308],
    },
    "unet": {
        "loss": [1.3525, 1.335794, 1.340073, 1.327467, 1.336576],
    },
}


def draw_weights(model) -> None:
    """Kernels are drawn by NumPy, whose numbers are the same everywhere to the bit; the rest begins with 0 and 1."""
    random = np.random.default_rng(1)
    for weight in model.weights:
        if "kernel" in weight.name:
            spread = np.sqrt(2 / np.prod(weight.shape[:-1]))
            weight.assign(random.normal(0, spread, weight.shape).astype(np.float32))


def draw_batch(name: str, step: int):
    """What the network's `train_step` takes, drawn by NumPy."""
    random = np.random.default_rng([2, step])

    def pictures(channels, low=-1.0):
        return tf.constant(random.uniform(low, 1, (BATCH, SIZE, SIZE, channels)), tf.float32)

    def planes():
        return tf.cast(pictures(1) > 0, tf.float32)

    if name == "unet":
        return pictures(1, low=0.0), planes()
    if name == "pix2pix":
        return {"known": 2 * tf.concat([planes(), planes()], -1) - 1, "photograph": pictures(3), "inside": planes(),
                "noise": pictures(1), "codes": tf.constant(random.uniform(0, 0.5, (BATCH, 6)), tf.float32),
                "keys": tf.constant(random.integers(0, 1000, (BATCH, 2)), tf.int64)}
    return {"pictures": pictures(1), "z": tf.constant(random.uniform(-1, 1, (BATCH, Z_DIM)), tf.float32),
            "chance": tf.constant(random.random((BATCH, 2, 4)), tf.float32)}


def build(name: str):
    """The compiled model of CONFIGS[name], and its networks."""
    config = CONFIGS[name]
    if isinstance(config, UnetConfig):
        model = build_unet(config, Schedule.from_config(config, BATCH))
        return model, [model]
    gan = build_dcgan(config) if isinstance(config, Stage1Config) else pix2pix.build(config, pix2pix.networks(config))
    return gan, [gan.generator, gan.discriminator]


def losses(name: str) -> dict[str, list[float]]:
    """{loss: its value in each of STEPS training steps}."""
    devices.set_seed(0)
    model, networks = build(name)
    for network in networks:
        draw_weights(network)
    train_step = tf.function(model.train_step)
    shown: dict[str, list[float]] = {}
    for step in range(STEPS):
        model.reset_metrics()
        for loss, value in train_step(draw_batch(name, step)).items():
            shown.setdefault(loss, []).append(float(value))
    return {loss: values for loss, values in shown.items() if "loss" in loss or loss == "l1"}


@pytest.mark.parametrize("name", CONFIGS)
def test_losses_are_those_that_were_measured(name):
    measured = losses(name)
    assert measured.keys() == EXPECTED[name].keys()
    for loss, values in measured.items():
        assert values == pytest.approx(EXPECTED[name][loss], rel=TOLERANCE), loss


if __name__ == "__main__":
    for name in CONFIGS:
        print(f'    "{name}": {{')
        for loss, values in losses(name).items():
            print(f'        "{loss}": [{", ".join(f"{value:.7g}" for value in values)}],')
        print("    },")

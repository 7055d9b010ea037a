"""The number format of a training. Weights, losses and outputs are float32 in all of them."""
from __future__ import annotations

import time
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from data.errors import UserError

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
FAST_HALF = (7, 0)  # compute capability from which NVIDIA's GPUs have tensor cores, which multiply float16
TRIAL = (4, 64, 64, 64)  # batch, height, width and channels of the convolution that is timed
TRIALS = 5


def set_precision(name: str, trial: bool = True) -> str:
    """Sets the number format of the layers to --precision=`name`; returns it with "auto" resolved.

    "auto" is float16 on GPUs that all have tensor cores, else float32 on GPUs. On processors it is bfloat16 where they
    have instructions for it and a convolution is faster with it, else float32. trial=False: that is not tried, so that
    machines that work together agree. Raises UserError if this machine cannot compute in bfloat16.
    """
    if name == "auto":
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            name = for_gpus([tf.config.experimental.get_device_details(gpu).get("compute_capability") for gpu in gpus])
        else:
            pays = cpu_multiplies_bfloat16(Path("/proc/cpuinfo")) and (not trial or bfloat16_pays())
            name = "bfloat16" if pays else "float32"
    if name == "bfloat16" and not computes_bfloat16():
        raise UserError("this machine cannot train in bfloat16, which takes a processor with AVX-512: take "
                        "--precision=float32; what was begun in bfloat16 elsewhere goes on there, or starts again here "
                        "under another RUN or --out")
    keras.mixed_precision.set_global_policy(POLICIES[name])
    return name


def for_gpus(capabilities: list[tuple[int, int] | None]) -> str:
    """The format for GPUs of these compute capabilities; None is one that TensorFlow does not know. A K80 has 3.7."""
    return "float16" if all(capability and capability >= FAST_HALF for capability in capabilities) else "float32"


def cpu_multiplies_bfloat16(cpuinfo: Path) -> bool:
    """Whether the processor that Linux describes in this file has the instructions."""
    return cpuinfo.exists() and bool({"avx512_bf16", "amx_bf16"} & set(cpuinfo.read_text().split()))


def computes_bfloat16() -> bool:
    """Whether TensorFlow has the convolution with a bias that it makes of the networks' layers. With oneDNN, which the
    project turns on, it has none on processors without AVX-512, and says so at the first step."""
    @tf.function
    def layer(picture, kernel, bias):
        return tf.nn.bias_add(tf.nn.conv2d(picture, kernel, 1, "SAME"), bias)

    try:
        layer(tf.ones((1, 4, 4, 1), tf.bfloat16), tf.ones((3, 3, 1, 1), tf.bfloat16), tf.ones(1, tf.bfloat16))
    except (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.UnimplementedError):
        return False
    return True


def bfloat16_pays() -> bool:
    """Whether a convolution and its gradients take less time in bfloat16 than in float32: the best of TRIALS each."""
    return _seconds("bfloat16") < _seconds("float32")


def _seconds(dtype: str) -> float:
    picture, kernel = tf.ones(TRIAL, dtype), tf.ones((3, 3, TRIAL[-1], TRIAL[-1]), dtype)

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch((picture, kernel))
            total = tf.reduce_sum(tf.cast(tf.nn.conv2d(picture, kernel, 1, "SAME"), tf.float32))
        return [tf.reduce_max(gradient) for gradient in tape.gradient(total, (picture, kernel))]

    def once():
        start = time.perf_counter()
        for gradient in gradients():
            gradient.numpy()  # waits for it
        return time.perf_counter() - start

    once()  # it is traced
    return min(once() for _ in range(TRIALS))


def loss_scaled(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer; in float16 one around it that chooses the scale of the loss, and leaves out a step whose gradients
    are not finite. Keras's `compile` does this for the models that it trains itself."""
    if keras.mixed_precision.global_policy().name != POLICIES["float16"]:
        return optimizer
    return keras.mixed_precision.LossScaleOptimizer(optimizer)


def gradients(tape: tf.GradientTape, loss: tf.Tensor, weights: list[tf.Variable],
              optimizer: keras.optimizers.Optimizer, **options) -> list[tf.Tensor]:
    """`tape.gradient`, through a loss as large as the `optimizer` of `loss_scaled` wants it: in float16 small gradients
    would be 0."""
    if not isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer):
        return tape.gradient(loss, weights, **options)
    return optimizer.get_unscaled_gradients(
        tape.gradient(loss, weights, output_gradients=optimizer.loss_scale, **options))

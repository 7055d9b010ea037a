"""All uses of TensorFlow Addons. It is optional, because it has no wheel for Linux on Arm."""
from __future__ import annotations

import importlib.util

import tensorflow as tf
from tensorflow import keras

from data.errors import UserError


def _addons(flag: str):
    """The package. Raises UserError, which names the `flag` that needs it, if it is not installed."""
    if importlib.util.find_spec("tensorflow_addons") is None:
        raise UserError(f"{flag} needs the package tensorflow-addons, which is not installed (it has no wheel for "
                        "Linux on Arm): leave that flag out, or use another machine")
    import tensorflow_addons

    return tensorflow_addons


def instance_normalization(x: tf.Tensor) -> tf.Tensor:
    """A layer of instance normalisation in float32, applied to (B, H, W, C)."""
    return _addons("--norm=instance or --d_norm=instance").layers.InstanceNormalization(dtype="float32")(x)


def spectral_normalization(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer, with its kernel divided by the kernel's largest singular value (Miyato et al., 2018)."""
    return _addons("--d_norm=spectral").layers.SpectralNormalization(layer)


def rotate(images: tf.Tensor, angles: tf.Tensor) -> tf.Tensor:
    """(B, H, W, C), rotated counter-clockwise by `angles` (B,) in radians, bilinear. New pixels are 0."""
    return _addons("--rotate").image.rotate(images, angles, "bilinear")


def warp(images: tf.Tensor, flow: tf.Tensor, flag: str = "--elastic") -> tf.Tensor:
    """(B, H, W, C), deformed by `flow` (B, H, W, 2) in pixels, bilinear: pixel p gets the value at p - flow."""
    return tf.ensure_shape(_addons(flag).image.dense_image_warp(images, flow), images.shape)

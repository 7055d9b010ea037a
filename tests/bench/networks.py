"""The five networks that are timed, each as a compiled model and a batch for its `train_step`."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

import stage1_dcgan.networks
import stage2_pix2pix.networks
import unet_eval.networks
from stage1_dcgan.gan import DCGAN
from stage2_pix2pix.architectures import coarse_to_fine
from stage2_pix2pix.architectures.coarse_to_fine.gan import SIDES, CoarseGAN, FineGAN
from stage2_pix2pix.architectures.coarse_to_fine.networks import NOISES, SEGMENTER_BASE, discriminator
from stage2_pix2pix.architectures.coarse_to_fine.networks import unet as small_unet
from stage2_pix2pix.gan import Pix2Pix
from training.optimizers import Adam


def dcgan(size, base, batch):
    """One update of each network, as the usual implementations have it, without the options for small sets."""
    networks = stage1_dcgan.networks
    model = DCGAN(networks.generator(size, base), networks.discriminator(size, base), generator_steps=1)
    model.compile(Adam(2e-4, beta_1=0.5), Adam(2e-4, beta_1=0.5))
    return model, {"pictures": _signed(batch, size, 1), "z": tf.random.uniform((batch, networks.Z_DIM), -1, 1),
                   "chance": tf.random.uniform((batch, 2, 4))}


def pix2pix(size, base, batch):
    """A mask in, a photograph out; batch norm in both networks, L1 weighed 100."""
    networks = stage2_pix2pix.networks
    model = Pix2Pix(networks.generator(size, base, inputs=1), networks.discriminator(size, base, 1, "batch"), 100.0)
    model.compile(Adam(2e-4, beta_1=0.5), Adam(2e-4, beta_1=0.5))
    return model, {"known": _signed(batch, size, 1), "photograph": _signed(batch, size, 3),
                   "noise": _signed(batch, size, 0), "inside": tf.ones((batch, size, size, 1)),
                   "keys": tf.zeros((batch, 2), tf.int64)}


def coarse(size, base, batch):
    """The coarse network of coarse_to_fine, whose own size is 48, base 32 and batch 8."""
    known = coarse_to_fine.COARSE_KNOWN
    model = CoarseGAN(small_unet(known, base, 3, noise=True), discriminator(known + 3, base))
    model.compile(Adam(5e-4, beta_1=0.5), coarse_to_fine.averaged_adam(5e-4))
    return model, {"known": _signed(batch, size, known), "picture": _signed(batch, size, 3),
                   "noise": tf.random.normal((batch, size, size, NOISES)),
                   "d_noise": tf.random.normal((batch, size, size, 3))}


def fine(size, base, batch):
    """The fine network of coarse_to_fine, D twice as wide, and a segmenter; in the preset cpu crops of 128, base 16 and
    batch 6."""
    known = coarse_to_fine.KNOWN
    segmenter = small_unet(1, SEGMENTER_BASE, 1, normalised=True, activation="sigmoid")
    model = FineGAN(small_unet(known, base, 3, noise=True), discriminator(known + 3 * (1 + len(SIDES)), 2 * base),
                    segmenter, agreement=10.0)
    model.compile(Adam(5e-4, beta_1=0.5), coarse_to_fine.averaged_adam(3e-4))
    return model, {"known": _signed(batch, size, known), "photograph": _signed(batch, size, 3),
                   "noise": tf.random.normal((batch, size, size, NOISES))}


def unet(size, base, batch):
    """Four poolings, binary cross-entropy."""
    model = unet_eval.networks.unet(base, poolings=4)
    model.compile(Adam(1e-3), keras.losses.BinaryCrossentropy())
    image = tf.random.uniform((batch, size, size, 1))
    return model, (image, tf.cast(image > 0.9, tf.float32))


def _signed(batch, size, channels):
    return tf.random.uniform((batch, size, size, channels), -1, 1)


NETWORKS = {"dcgan": dcgan, "pix2pix": pix2pix, "unet": unet, "coarse": coarse, "fine": fine}

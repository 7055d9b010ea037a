"""The training steps of the coarse and of the fine network."""
from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from data.randomness import normal, uniform
from stage2_pix2pix.architectures.coarse_to_fine.inputs import COARSE_RENDERING, KNOWN, MIRRORS
from stage2_pix2pix.architectures.coarse_to_fine.networks import NOISES
from stage2_pix2pix.architectures.coarse_to_fine.texture import bands, local_mean, strength
from training.gan import GAN
from training.losses import cross_entropy, discriminator_loss, mean_over_batch, mean_per_example

COARSE_STRENGTH, COARSE_SPREAD, COARSE_PENALTY = 3.0, 3.0, 10.0  # weights of the coarse network's losses
STANDARD = [[0.0] * 3, [1.0] * 3]  # mean and standard deviation of what it learns from, in each channel
D_SIDES, D_NOISE = (1, 5, 15), 0.6  # pixels and standard deviation of each noise that is added to what its D sees
COARSE_SIDES, COARSE_WINDOW = (3, 7, 15), 12  # pixels of the coarse picture

LOW_PASS, VESSELS, STRENGTH, PENALTY = 10.0, 3.0, 20.0, 0.1       # weights of the fine network's losses
SIDES, WINDOW = (9, 41), 32              # pixels
TEXTURE = 6.0                            # amplification of texture for D, for its amplitude is 0.03
NEAR = 5                                 # pixels; the surroundings of a vessel


def draw(generator: keras.Model, known: tf.Tensor, noise: tf.Tensor, training: bool) -> tf.Tensor:
    """A photograph, float32 (B, H, W, 3) in [-1, 1], black outside the field of view.

    known: (B, H, W, inputs.fine_known) in [-1, 1]: mask, field of view, the coarse picture, to which the generator adds
    what it lacks, and what is known of vessels. noise: Gaussian (B, H, W, networks.NOISES).
    """
    picture = tf.clip_by_value(known[..., 2:5] + generator([known, noise], training=training), -1.0, 1.0)
    return (picture + 1) * (known[..., 1:2] + 1) / 2 - 1


def draw_coarse(generator: keras.Model, known: tf.Tensor, seed: int, row: int | tf.Tensor) -> tf.Tensor:
    """What the coarse network draws from `inputs.coarse_inputs`, float32 (C, C, COARSE_KNOWN) -> (C, C, 3), in a mirror
    or not, for the backgrounds that one network draws resemble each other. It learned from mirrored photographs."""
    mirrored = uniform(seed, row, MIRRORS, (2,)) < 0.5

    def in_mirrors(picture):
        for axis in (0, 1):
            picture = tf.where(mirrored[axis], tf.reverse(picture, [axis]), picture)
        return picture

    noise = normal(seed, row, COARSE_RENDERING, (1, *known.shape[:2], NOISES))
    return in_mirrors(generator([in_mirrors(known)[None], noise], training=False)[0])


def with_textures(known: tf.Tensor, picture: tf.Tensor) -> tf.Tensor:
    """What D of the fine network sees of a photograph (B, H, W, 3) in [-1, 1]: also its texture, amplified.

    It is not told how each vessel looks, so it judges the same with and without --vessel_looks.
    """
    return tf.concat([known[..., :KNOWN], picture, *(TEXTURE * band for band in bands(picture, SIDES))], -1)


def spread(picture: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """(B, C, C, 3) -> (B, 2, 3): mean and standard deviation of each channel `inside` (B, C, C, 1), from 0 to 1."""
    weight = inside / tf.reduce_sum(inside, [1, 2], keepdims=True)
    mean = tf.reduce_sum(picture * weight, [1, 2], keepdims=True)
    deviation = tf.sqrt(tf.reduce_sum((picture - mean) ** 2 * weight, [1, 2]) + 1e-4)
    return tf.stack([mean[:, 0, 0], deviation], 1)


def noise_of_all_sizes(noise: tf.Tensor) -> tf.Tensor:
    """White noise (B, C, C, K) with a deviation of 1 -> the sum of noises as wide as D_SIDES, each with D_NOISE."""
    return D_NOISE * tf.add_n([side * local_mean(noise, side) for side in D_SIDES])


class CoarseGAN(GAN):
    """Trains the coarse generator G, with a discriminator D that sees what G knows as well.

    G minimises the cross-entropy of D's answer with the label 1; the difference in the strength of texture; and how far
    the mean and the deviation of each of its pictures are from 0 and 1, for they could grow out of all bounds. No loss
    asks for the one photograph that belongs to a mask: with one, of pictures of an eighth of the resolution, G learned
    by heart where each training photograph is light and dark, and an audit told these photographs from others. D, which
    could learn them by heart as well, sees all pictures through noise of all sizes, and has a large gradient penalty.

    A batch is a dict of "known" (B, C, C, inputs.COARSE_KNOWN), "picture" (B, C, C, 3), standardised colours, "noise"
    (B, C, C, networks.NOISES) and "d_noise" (B, C, C, 3), with C = inputs.COARSE.
    """

    def __init__(self, generator: keras.Model, discriminator: keras.Model):
        super().__init__(generator, discriminator, ("strength", "spread"))

    def train_step(self, batch):
        known, noise = batch["known"], batch["noise"]
        inside = (known[..., :1] + 1) / 2
        real, added = batch["picture"] * inside, noise_of_all_sizes(batch["d_noise"]) * inside

        def judge(picture):
            return self.discriminator(tf.concat([known, picture + added], -1), training=True)

        def roughness(picture):
            return strength(picture, COARSE_SIDES, COARSE_WINDOW, inside)

        with tf.GradientTape(persistent=True) as tape:
            fake = self.generator([known, noise], training=True) * inside
            logits = judge(real), judge(fake)
            d_loss = discriminator_loss(*logits)
            losses = _means({"strength": roughness(real) - roughness(fake),
                             "spread": spread(fake, inside) - STANDARD})
            g_loss = (cross_entropy(logits[1], 1.0) + COARSE_STRENGTH * losses["strength"]
                      + COARSE_SPREAD * losses["spread"])
        self.update_generator(tape, g_loss)
        self.update_discriminator(tape, d_loss, judge, real, COARSE_PENALTY)
        return self.shown({"d_loss": d_loss, "g_loss": g_loss, **losses}, *logits)


class FineGAN(GAN):
    """Trains the fine generator G on crops, with a discriminator D.

    G minimises: the cross-entropy of D's answer with the label 1; the difference of low-passed pictures, because the
    texture of a rendering is its own; the difference in the strength of texture between the vessels; the difference
    near vessels; and `agreement` times the difference between the answers of a frozen segmenter on rendering and
    photograph, so that the vessels of the mask can be seen, as clearly as in the photograph. D also sees the texture
    of each picture, amplified, for it would not notice it.

    A batch is a dict of "known" (B, C, C, inputs.fine_known) and "photograph" (B, C, C, 3), both in [-1, 1], and
    "noise" (B, C, C, networks.NOISES).
    """

    def __init__(self, generator: keras.Model, discriminator: keras.Model, segmenter: keras.Model, agreement: float):
        super().__init__(generator, discriminator, ("low_pass", "vessels", "agreement", "strength"))
        self.agreement, self.segmenter = agreement, segmenter
        self.segmenter.trainable = False
        for layer in self.segmenter.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                # On GPUs TensorFlow has no gradient of the fused one, frozen, that it could repeat to the bit.
                layer.fused = False

    def _segment(self, picture):
        return self.segmenter((picture[..., 1:2] + 1) / 2, training=False)

    def train_step(self, batch):
        known, real, noise = batch["known"], batch["photograph"], batch["noise"]
        near = tf.nn.max_pool2d((known[..., :1] + 1) / 2, NEAR, 1, "SAME")
        between = (1 - near) * (known[..., 1:2] + 1) / 2
        answer, texture = self._segment(real), strength(real, SIDES, WINDOW, between)

        def judge(picture):
            return self.discriminator(with_textures(known, picture), training=True)

        with tf.GradientTape(persistent=True) as tape:
            fake = draw(self.generator, known, noise, training=True)
            logits = judge(real), judge(fake)
            d_loss = discriminator_loss(*logits)
            difference = real - fake
            losses = _means({"low_pass": local_mean(tf.nn.avg_pool2d(difference, 16, 8, "SAME"), 3),
                             "vessels": local_mean(difference, 3) * near,
                             "agreement": answer - self._segment(fake),
                             "strength": texture - strength(fake, SIDES, WINDOW, between)})
            g_loss = (cross_entropy(logits[1], 1.0) + LOW_PASS * losses["low_pass"] + VESSELS * losses["vessels"]
                      + self.agreement * losses["agreement"] + STRENGTH * losses["strength"])
        self.update_generator(tape, g_loss)
        self.update_discriminator(tape, d_loss, judge, real, PENALTY)
        return self.shown({"d_loss": d_loss, "g_loss": g_loss, **losses}, *logits)


def _means(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Mean absolute values, scaled as in `training.losses.mean_over_batch`."""
    return {name: mean_over_batch(mean_per_example(tf.abs(value))) for name, value in values.items()}

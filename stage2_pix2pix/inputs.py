"""The inputs of the Stage-II networks: training pairs, batches, and the colour code."""
from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from data.pairs import PairReader
from data.pipeline import examples, read
from data.randomness import key, normal, numpy_generator, uniform
from stage2_pix2pix.config import Stage2Config
from training.fit import Schedule

# Streams of random numbers (data/randomness.py). Each dropout layer takes one, beginning with DROPOUT.
NOISE, FLIPS, RENDERING, COLOURS, FOVS, DROPOUT = range(6)
DRAWN_COLOURS = 26  # coarse_to_fine has 16 to 25
DRAWN = 200   # colours that renderings have
MOST = 2.0    # deviations of these from the mean, of each random number
LEAST = 1e-6  # deviation, so that nothing is divided by 0
KEPT = 128 * 2 ** 20  # bytes; 400 pairs at 256 pixels


class Pair(NamedTuple):
    """A training pair. mask, fov: uint8 (S, S), 0 or 255. photograph: uint8 (S, S, 3) RGB, black outside the field of
    view."""

    mask: np.ndarray
    fov: np.ndarray
    photograph: np.ndarray


class Pairs:
    """The N training pairs in a file of `stage2_pix2pix.preparation`: len(pairs), and pairs[i] -> Pair.

    They are read as they are used, and the last ones, KEPT bytes of them, are kept: memory does not grow with N. codes:
    float32 (N, 6), see `colour_code`.
    """

    def __init__(self, path: Path, imitated: int = 0):
        """imitated: the last so many pairs are those that renderings imitate, the annotated ones where there are some;
        0: all pairs. Raises UserError as `PairReader` does."""
        reader = PairReader(path, required=("masks", "images", "fovs"))

        def pair(index):
            row = reader[index]
            return Pair(row["masks"][..., 0], row["fovs"][..., 0], row["images"])

        self._count, self._imitated = len(reader), imitated
        self._pair = lru_cache(max(1, KEPT // sum(array.nbytes for array in pair(0))))(pair)
        self.codes = np.stack([colour_code(photograph, fov) for _, fov, photograph in self])

    def __len__(self):
        return self._count

    def __getitem__(self, index) -> Pair:
        return self._pair(int(index))

    @property
    def imitated_rows(self) -> np.ndarray:
        """int (M,): indices of the pairs that renderings imitate."""
        return np.arange(len(self))[-self._imitated:]


def drawn_codes(codes: np.ndarray, seed: int) -> np.ndarray:
    """float32 (N, K) -> (DRAWN, K): colours for renderings, at random from what a few numbers say of those of N
    photographs: means, deviations, and how far red, green and blue vary together, which a code has for each of K / 3
    things.

    Codes of photographs, mixed or not, would tell who was trained on: mixtures of 18 lie in a space that no other
    photograph lies in, and can be solved for the 18.
    """
    mean, deviation = codes.mean(axis=0), codes.std(axis=0)
    standard = ((codes - mean) / np.maximum(deviation, LEAST)).reshape(len(codes), -1, 3)
    # The mean over the three pairs of channels of their correlation.
    together = np.clip((standard.sum(axis=2) ** 2 - (standard ** 2).sum(axis=2)).mean(axis=0) / 6, 0, 1)
    random = numpy_generator(seed, 0, DRAWN_COLOURS)
    chance = np.clip(random.standard_normal((DRAWN, standard.shape[1], 4)), -MOST, MOST)
    chance = np.sqrt(together)[:, None] * chance[..., :1] + np.sqrt(1 - together)[:, None] * chance[..., 1:]
    drawn = mean + deviation * chance.reshape(DRAWN, -1)
    # What no photograph has below 0, as a deviation of grey levels, is not drawn there either.
    return np.where(codes.min(axis=0) >= 0, np.maximum(drawn, mean / 10), drawn).astype(np.float32)


def colour_code(photograph: np.ndarray, fov: np.ndarray) -> np.ndarray:
    """uint8 (S, S, 3) -> float32 (6,): means of R, G, B in the field of view, then their standard deviations.

    They are those of the photograph scaled to [-1, 1].
    """
    pixels = photograph[fov > 0] / 127.5 - 1
    return np.concatenate([pixels.mean(axis=0), pixels.std(axis=0)]).astype(np.float32)


def known(masks: tf.Tensor, fovs: tf.Tensor, config: Stage2Config) -> tf.Tensor:
    """Masks and fields of view, uint8 (B, S, S) -> float32 (B, S, S, config.known_planes) in [-1, 1].

    Without config.tell_fov it holds the masks only.
    """
    return _signed(tf.stack([masks, fovs] if config.tell_fov else [masks], axis=-1))


def _signed(pixels: tf.Tensor) -> tf.Tensor:
    """uint8 0..255 -> float32 in [-1, 1], the scale of the authors' code."""
    return (tf.cast(pixels, tf.float32) - 127.5) / 127.5


def dataset(pairs: Pairs, config: Stage2Config, schedule: Schedule, first_step: int = 0):
    """Batches for `Pix2Pix.train_step`, from step `first_step` on.

    With config.flips each pair is mirrored at random along both axes.
    """
    noise_shape = (config.size, config.size, config.noise)
    codes = tf.constant(pairs.codes)

    def example(index, number):
        planes = read(lambda index: np.dstack(pairs[index]), [index], tf.uint8)
        planes = tf.ensure_shape(planes, (config.size, config.size, 5))
        if config.flips:
            chance = uniform(schedule.seed, number, FLIPS, (2,))
            planes = tf.where(chance[0] < 0.5, tf.reverse(planes, [0]), planes)
            planes = tf.where(chance[1] < 0.5, tf.reverse(planes, [1]), planes)
        return {"masks": planes[..., 0], "fovs": planes[..., 1], "photographs": planes[..., 2:],
                "codes": codes[index], "noise": normal(schedule.seed, number, NOISE, noise_shape),
                "keys": key(schedule.seed, number, DROPOUT)}

    def batch(rows):
        inputs = {"known": known(rows["masks"], rows["fovs"], config), "noise": rows["noise"], "keys": rows["keys"]}
        if config.colour_code:
            inputs["codes"] = rows["codes"]
        return {**inputs, "photograph": _signed(rows["photographs"]),
                "inside": tf.cast(rows["fovs"] > 0, tf.float32)[..., None]}

    source = examples(len(pairs), schedule.batch_size, schedule.steps, schedule.seed, first_step)
    batched = source.map(example, num_parallel_calls=2).batch(schedule.batch_size, drop_remainder=True)
    return batched.map(batch, num_parallel_calls=1).prefetch(2)

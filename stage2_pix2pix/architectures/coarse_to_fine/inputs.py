"""What the three networks of the coarse-to-fine architecture are trained on."""
from __future__ import annotations

import zlib
from functools import lru_cache

import cv2
import numpy as np
import tensorflow as tf

from data.pipeline import batches, examples, read
from data.randomness import normal, numpy_generator, uniform
from data.vessels import meeting_point
from stage2_pix2pix.architectures.coarse_to_fine.coarse import (
    COARSE,
    COARSE_KNOWN,
    ROOM,
    coarse_example,
    coarse_picture,
    signed,
)
from stage2_pix2pix.architectures.coarse_to_fine.looks import LOOKS, drawn, measured, off_disc
from stage2_pix2pix.architectures.coarse_to_fine.networks import NOISES
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import Pair, Pairs
from training.fit import Schedule

KNOWN = 5             # planes that both fine networks see: mask, field of view, coarse picture
KEPT = 64 * 2 ** 20   # bytes of enlarged coarse pictures, 42 at 512 pixels
SHIFT = COARSE // 6   # pixels by which the coarse network's examples are moved at most
AT_DISC = 0.25        # share of the fine network's crops around the optic disc, which covers 3 % of a view
INSIDE = 0.4          # share of a crop that lies in the field of view at least,
TRIES = 100           # unless none of so many does: a wide picture is a strip in its square
# Streams of random numbers (data/randomness.py).
CROP, LIGHT, PLACE, FINE_NOISE, COARSE_NOISE, COARSE_RENDERING, COARSE_D_NOISE, VESSELS, MIRRORS = range(16, 25)


def fine_known(config: Stage2Config) -> int:
    """Planes that the fine generator sees: KNOWN, and the looks of vessels."""
    return KNOWN + (LOOKS if config.vessel_looks else 0)


def with_looks(known: tf.Tensor, config: Stage2Config, meeting: np.ndarray | tf.Tensor, seed: int,
               row: int | tf.Tensor) -> tf.Tensor:
    """float32 (1, S, S, KNOWN) in [-1, 1], the first plane a mask whose vessels meet at a point, row and column ->
    (1, S, S, fine_known), with drawn looks."""
    if not config.vessel_looks:
        return known
    chance = uniform(seed, row, VESSELS, (1, config.size // 2, config.size // 2, 1))
    vessel = (known[..., :1] > 0) & off_disc(meeting, config.size)[None, ..., None]
    return tf.concat([known, drawn(tf.cast(vessel, tf.float32), chance)], -1)


def enlarge(coarse: np.ndarray, size: int) -> np.ndarray:
    """float32 (COARSE, COARSE, 3) -> (size, size, 3) in [-1, 1], smooth."""
    return np.clip(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), -1, 1)


class Views:
    """The N pairs that renderings imitate: len(views), and views[i] -> Pair. coarse: their coarse pictures, float32
    (N, COARSE, COARSE, 3). meeting(i): where the vessels of the i-th meet (data/vessels.py)."""

    def __init__(self, pairs: Pairs):
        self._pairs, self._rows = pairs, pairs.imitated_rows
        self.coarse = np.stack([coarse_picture(photograph, mask, fov) for mask, fov, photograph in self])
        self.meeting = lru_cache(None)(lambda index: meeting_point(self[index].mask))

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index) -> Pair:
        return self._pairs[self._rows[index]]


def place(fov: np.ndarray, size: int, random: np.random.Generator, around: np.ndarray | None = None) \
        -> tuple[slice, slice]:
    """Rows and columns of a crop with enough of the field of view, uint8 (S, S).

    With `around`, a row and a column, it has that place in its inner half.
    """
    for _ in range(TRIES):
        top, left = random.integers(0, len(fov) - size + 1, 2)
        if around is not None:
            top, left = np.clip(around - random.integers(size // 4, 3 * size // 4 + 1, 2), 0, len(fov) - size)
        part = np.s_[top:top + size, left:left + size]
        if (fov[part] > 0).mean() >= INSIDE:
            break
    return part


def _turned(crop: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A crop (C, C, K) in one of the eight positions of a square."""
    crop = np.rot90(crop, random.integers(4))
    return np.ascontiguousarray(crop[:, ::-1] if random.random() < 0.5 else crop)


def segmenter_batches(views: Views, config: Stage2Config, schedule: Schedule, first_step: int) -> tf.data.Dataset:
    """Batches of (green channel float32 (B, C, C, 1) in [0, 1], relit, masks float32 (B, C, C, 1), 0 or 1)."""
    def cut(index, number):
        random = numpy_generator(schedule.seed, int(number), LIGHT)
        mask, fov, photograph = views[index]
        part = place(fov, config.crop, random)
        crop = _turned(np.dstack([photograph[part][..., 1], mask[part]]), random).astype(np.float32) / 255
        green = np.clip(crop[..., :1], 1e-3, 1) ** random.uniform(0.6, 1.6) + random.uniform(-0.1, 0.1)
        green += random.uniform(0, 0.05) * random.standard_normal(green.shape)
        return green.astype(np.float32), crop[..., 1:]

    def example(index, number):
        green, mask = read(cut, [index, number], [tf.float32, tf.float32])
        shape = (config.crop, config.crop, 1)
        return tf.ensure_shape(green, shape), tf.ensure_shape(mask, shape)

    return _examples(views, example, schedule, first_step)


def coarse_batches(views: Views, schedule: Schedule, first_step: int) -> tf.data.Dataset:
    """Batches for `CoarseGAN.train_step`, moved and mirrored."""
    stacks = []
    for index, coarse in enumerate(views.coarse):
        stacks.append(np.concatenate(coarse_example(coarse, views[index].fov, views.meeting(index)), axis=-1))

    def move(index, number):
        random = numpy_generator(schedule.seed, int(number), PLACE)
        planes = np.pad(stacks[index], ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), constant_values=-1)
        planes[..., ROOM] = stacks[index][0, 0, ROOM]
        top, left = random.integers(0, 2 * SHIFT + 1, 2)
        planes = planes[top:top + COARSE, left:left + COARSE]
        for axis in (0, 1):
            planes = np.flip(planes, axis) if random.random() < 0.5 else planes
        return np.ascontiguousarray(planes)

    def example(index, number):
        planes = tf.ensure_shape(read(move, [index, number], tf.float32), (COARSE, COARSE, COARSE_KNOWN + 3))
        return {"known": planes[..., :COARSE_KNOWN], "picture": planes[..., COARSE_KNOWN:],
                "noise": normal(schedule.seed, number, COARSE_NOISE, (COARSE, COARSE, NOISES)),
                "d_noise": normal(schedule.seed, number, COARSE_D_NOISE, (COARSE, COARSE, 3))}

    return _examples(views, example, schedule, first_step)


def fine_batches(views: Views, config: Stage2Config, schedule: Schedule, first_step: int) -> tf.data.Dataset:
    """Batches for `FineGAN.train_step`."""
    known = fine_known(config)
    # The enlarged coarse pictures are kept as float16, for half of the memory, and the other planes rounded alike.
    rounded = signed(np.arange(256)).astype(np.float16).astype(np.float32)

    @lru_cache(max(1, KEPT // (config.size ** 2 * 3 * 2)))
    def enlarged(index):
        return enlarge(views.coarse[index], config.size).astype(np.float16)

    @lru_cache(None)
    def looks(index):  # next to nothing in memory, for most of it is 128
        return zlib.compress(measured(*views[index], views.meeting(index)).tobytes(), 1)

    def cut(index, number):
        random = numpy_generator(schedule.seed, int(number), CROP)
        mask, fov, photograph = views[index]
        disc = views.meeting(int(index)).astype(int) if random.random() < AT_DISC else None
        part = place(fov, config.crop, random, disc)
        planes = [rounded[np.dstack([mask[part], fov[part]])], enlarged(int(index))[part]]
        if config.vessel_looks:
            own = np.frombuffer(zlib.decompress(looks(int(index))), np.uint8).reshape(*mask.shape, LOOKS)
            planes.append(rounded[own[part]])
        planes.append(rounded[photograph[part]])
        return _turned(np.concatenate(planes, axis=-1), random)

    def example(index, number):
        planes = tf.ensure_shape(read(cut, [index, number], tf.float32), (config.crop, config.crop, known + 3))
        noise = normal(schedule.seed, number, FINE_NOISE, (config.crop, config.crop, NOISES))
        return {"known": planes[..., :known], "photograph": planes[..., known:], "noise": noise}

    return _examples(views, example, schedule, first_step)


def _examples(views: Views, example, schedule: Schedule, first_step: int) -> tf.data.Dataset:
    source = examples(len(views), schedule.batch_size, schedule.steps, schedule.seed, first_step)
    return batches(source.map(example, num_parallel_calls=2), schedule.batch_size)

"""Records of which the right verdict is known: an audit that misses copies, or sees some where there are none, is none.
"""
from __future__ import annotations

import cv2
import numpy as np

from data.fundus import square
from data.phantom.retina import fundus
from data.randomness import numpy_generator
from unet_eval.audit.records import SIZE, Records

COPIES, QUADRANTS, EYES = range(3)  # streams of random numbers


def altered(records: Records, seed: int, stream: int = COPIES) -> Records:
    """Copies as a generator that learned by heart would make them: mirrored, turned, scaled, shifted and bent a little,
    vessels thicker or not, in other light, with noise."""
    changed = []
    for row in range(len(records)):
        random = numpy_generator(seed, row, stream)
        flip, grid = random.random() < 0.5, _grid(random, turn=12, scale=0.04, shift=8, bend=2)
        mask, photograph, fov = (_warp(each[row], grid, flip) for each in
                                 (records.masks, records.photographs, records.fovs))
        mask, fov = (_binary(each) for each in (mask, fov))
        if random.random() < 0.5:
            mask = cv2.dilate(mask, np.ones((2, 2), np.uint8))
        changed.append((np.minimum(mask, fov), _relit(photograph, fov, random), fov))
    return records.with_pictures(*map(list, zip(*changed)))


def with_quadrants(hosts: Records, records: Records, seed: int) -> Records:
    """One pair for each of `records`: one of `hosts`, in turn, with a quarter of the record, itself a little changed,
    in the place of its own."""
    copies, pasted, half = altered(records, seed, QUADRANTS), [], SIZE // 2
    for row in range(len(records)):
        top, left = half * numpy_generator(seed, len(records) + row, QUADRANTS).integers(2, size=2)
        part, host = np.s_[top:top + half, left:left + half], row % len(hosts)
        mask, photograph, fov = (each[host].copy() for each in (hosts.masks, hosts.photographs, hosts.fovs))
        mask[part], photograph[part] = copies.masks[row][part], copies.photographs[row][part]
        pasted.append((np.minimum(mask, fov), np.where(fov[..., None] > 0, photograph, 0), fov))
    return records.with_pictures(*map(list, zip(*pasted)))


def eyes_twice(count: int, seed: int) -> tuple[Records, Records]:
    """Drawn eyes, and the same eyes in another visit: under a camera that stands elsewhere, in other light, with the
    vessels as a second annotator sees them."""
    visits = ([], [])
    for number in range(count):
        random = numpy_generator(seed, number, EYES)
        eye = fundus(random, (SIZE + 24, SIZE + 24), SIZE)
        left, top, width, height = cv2.boundingRect(eye.fov)
        image, first, second, fov = (square(each[top:top + height, left:left + width], SIZE)
                                     for each in (eye.image, eye.vessels, eye.second, eye.fov))
        visits[0].append((np.minimum(first, fov), np.where(fov[..., None] > 0, image, 0), fov))
        grid = _grid(random, turn=8, scale=0.05, shift=12, bend=3)
        mask, photograph, seen = _binary(_warp(second, grid)), _warp(image, grid), _binary(_warp(fov, grid))
        visits[1].append((np.minimum(mask, seen), _relit(photograph, seen, random), seen))
    names = [f"drawn eye {number}" for number in range(count)]
    first, second = ([np.stack(each) for each in zip(*visit)] for visit in visits)
    return Records(*first, names, names), Records(*second, names, names)


def _grid(random, turn, scale, shift, bend):
    """float32 (SIZE, SIZE, 2): where each pixel, column and row, comes from."""
    angle, size = np.radians(random.uniform(-turn, turn)), 1 + random.uniform(-scale, scale)
    at = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), axis=-1).astype(np.float32) - (SIZE - 1) / 2
    matrix = np.float32([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / size
    waves = random.uniform(-bend, bend, (5, 5, 2)).astype(np.float32)
    bent = cv2.resize(waves, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return at @ matrix.T + bent + random.uniform(-shift, shift, 2).astype(np.float32) + np.float32((SIZE - 1) / 2)


def _warp(picture, grid, flip=False):
    source = np.ascontiguousarray(picture[:, ::-1]) if flip else picture
    return cv2.remap(source, grid, None, cv2.INTER_LINEAR)


def _binary(mask):
    return np.where(mask >= 128, 255, 0).astype(np.uint8)


def _relit(photograph, fov, random):
    """In other light, a little less sharp, with noise."""
    light = 255 * (photograph / 255) ** random.uniform(0.8, 1.25) * random.uniform(0.85, 1.15)
    light = cv2.GaussianBlur(light, (0, 0), random.uniform(0.3, 0.8)) + random.normal(0, 3, photograph.shape)
    return np.where(fov[..., None] > 0, np.clip(np.round(light), 0, 255), 0).astype(np.uint8)

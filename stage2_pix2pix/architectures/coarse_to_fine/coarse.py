"""The coarse picture of a photograph, and the numbers, a code, that describe its light, its colours and where its optic
disc lies. Codes are drawn at random for renderings.
"""
from __future__ import annotations

import cv2
import numpy as np
import tensorflow as tf

from data.randomness import numpy_generator
from stage2_pix2pix import inputs

COARSE = 48           # pixels of the coarse picture
DISC = 4.2            # its pixels from the middle of an optic disc to its edge, as in 13 eyes of CHASE_DB1 (4.1)
BRIGHT = 1.5          # so many times as far as its edge the disc makes its surroundings brighter
RING = 2              # pixels around it, which are darker
BESIDE = 4            # its pixels by which discs lie at most beside the point where vessels meet
SPREAD = 0.5          # of the deviation of their places; with all of it, vessels of some renderings met off the disc
COARSE_KNOWN = 3      # planes of `coarse_inputs`
NEAR, ROOM = 1, 2     # two of them: how near the disc is, and how far red may rise
_DOWN, _ACROSS = np.indices((COARSE, COARSE), np.float32) * 2 / (COARSE - 1) - 1
# Light is a polynomial of second degree. (COARSE, COARSE, 6): its terms, whose means over a full circle are 1, 0, 0 ...
TERMS = np.stack([np.ones_like(_DOWN), _DOWN, _ACROSS, _DOWN * _ACROSS, _DOWN ** 2 - 0.25, _ACROSS ** 2 - 0.25], -1)
COLOURED = 21         # numbers of `colours`
CODE = COLOURED + 2   # and how far the middle of the optic disc lies beside the point where vessels meet
LESS_RED = 0.75       # by so much of the mean `redness` of photographs, drawn light may fall below it
GREENEST = 1.2        # green over red is hardly more than so many times that of the light off a disc (docs/trials.md)
DARK = 0.05           # of 2, from black to white: so much green is allowed beside any red, for the dark has no colour
DISCS = 25            # stream of random numbers (data/randomness.py); inputs.py has those before it


def signed(pixels: np.ndarray) -> np.ndarray:
    """uint8 0..255 -> float32 in [-1, 1]."""
    return pixels.astype(np.float32) / 127.5 - 1


def shrink(picture: np.ndarray) -> np.ndarray:
    """(S, S[, C]) -> (COARSE, COARSE[, C]): averages."""
    return cv2.resize(picture, (COARSE, COARSE), interpolation=cv2.INTER_AREA)


def coarse_inside(fov: np.ndarray) -> np.ndarray:
    """uint8 (S, S) -> boolean (COARSE, COARSE): the field of view."""
    return shrink(signed(fov)) > 0


def coarse_inputs(disc: np.ndarray, fov: np.ndarray, code: np.ndarray) -> np.ndarray:
    """What the coarse network knows, float32 (COARSE, COARSE, 3): the field of view, from -1 to 1; the optic disc, 1 in
    it and -1 outside; and by how many deviations more than 2 red may rise until it is full, for on the disc it always
    is: about 1 to 6, the same everywhere. It is not told where the vessels are, by which it would learn each photograph
    by heart.

    disc: row and column of its middle. fov: uint8 (S, S). code: float32 (CODE,), see `described`.
    """
    row, column = shrunk(disc, len(fov))
    rows, columns = np.indices((COARSE, COARSE), np.float32)
    nearness = 2 * np.exp(-(((rows - row) ** 2 + (columns - column) ** 2) / DISC ** 2) ** 2) - 1
    room = np.full((COARSE, COARSE), (1 - code[0]) / code[3] - 2)
    return np.stack([shrink(signed(fov)), nearness, room], axis=-1, dtype=np.float32)


def shrunk(place: np.ndarray, size: int) -> np.ndarray:
    """Row and column of a picture with so many pixels -> of its coarse picture."""
    return (place + 0.5) * COARSE / size - 0.5


def find_disc(coarse: np.ndarray, inside: np.ndarray, meeting: np.ndarray, size: int) -> np.ndarray:
    """Row and column, of `size` pixels, of the middle of the optic disc of a photograph: where, around the point at
    which its vessels meet, a disc is brightest beside the ring around it, but for the light.

    Real discs lie up to BESIDE pixels from that point. Told the point alone, the coarse network could not know where
    their edges are.

    coarse: float32 (COARSE, COARSE, 3). inside: boolean (COARSE, COARSE).
    """
    green = coarse[..., 1] - TERMS @ fitted_light(coarse[..., 1], inside)
    bright = cv2.filter2D(np.where(inside, green, 0).astype(np.float32), -1, _disc_and_ring())
    away = np.abs(np.indices(bright.shape) - shrunk(meeting, size)[:, None, None]).max(axis=0)
    place = np.unravel_index(np.argmax(np.where(away <= BESIDE, bright, -np.inf)), bright.shape)
    return (np.array(place) + 0.5) * size / COARSE - 0.5


def _disc_and_ring() -> np.ndarray:
    """float32 (K, K): weights for the mean of a disc less that of the ring around it. The disc alone would be found
    where it is brightest, at one side of its middle."""
    reach = int(DISC + RING + 1)
    away = np.hypot(*np.mgrid[-reach:reach + 1, -reach:reach + 1])
    disc = np.clip(DISC + 0.5 - away, 0, 1)
    ring = np.clip(DISC + RING + 0.5 - away, 0, 1) - disc
    return np.float32(disc / disc.sum() - ring / ring.sum())


def coarse_picture(photograph: np.ndarray, mask: np.ndarray, fov: np.ndarray) -> np.ndarray:
    """uint8 (S, S, 3) -> float32 (COARSE, COARSE, 3) in [-1, 1]: the averages of what lies between the vessels.

    Where nothing does, the nearest pixels stand in.
    """
    weight = ((fov > 0) & (cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0)).astype(np.float32)
    total, count = shrink(signed(photograph) * weight[..., None]), shrink(weight)
    around = cv2.GaussianBlur(total, (0, 0), 1.5) / np.maximum(cv2.GaussianBlur(count, (0, 0), 1.5), 1e-3)[..., None]
    return np.where(count[..., None] > 0.3, total / np.maximum(count, 1e-3)[..., None], around).astype(np.float32)


def fitted_light(coarse: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(COARSE, COARSE[, C]), boolean (COARSE, COARSE) -> weights of TERMS, (6[, C]): least squares."""
    return np.linalg.lstsq(TERMS[where], coarse[where], rcond=None)[0]


def colours(coarse: np.ndarray, inside: np.ndarray, disc: np.ndarray, size: int) -> np.ndarray:
    """float32 (COLOURED,), of a coarse picture where `inside`, boolean (COARSE, COARSE): the means of R, G and B, their
    deviations from the light, and the other weights of TERMS.

    Light is given to the coarse network, which would otherwise learn by heart how each training photograph was lit: no
    mask tells that. It is that of what lies off the optic disc: fitted to all, light made the side opposite a disc
    bright as well, and the network had to learn to darken it.

    disc: row and column of its middle, of `size` pixels.
    """
    weights = fitted_light(coarse, inside & off_the_disc(disc, size))
    deviations = np.sqrt(np.mean((coarse[inside] - TERMS[inside] @ weights) ** 2, axis=0)) + 1e-3
    return np.concatenate([weights[0], deviations, weights[1:].ravel()]).astype(np.float32)


def off_the_disc(disc: np.ndarray, size: int) -> np.ndarray:
    """Boolean (COARSE, COARSE): farther from the middle of an optic disc, of `size` pixels, than its light reaches."""
    return np.hypot(*(np.indices((COARSE, COARSE)) - shrunk(disc, size)[:, None, None])) > BRIGHT * DISC


def standardised(coarse: np.ndarray, code: np.ndarray) -> np.ndarray:
    """A picture (COARSE, COARSE, 3) without the light of its `code`, in deviations from that."""
    return (coarse - light(code)) / code[3:6]


def coarse_example(coarse: np.ndarray, fov: np.ndarray, meeting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the coarse network learns from, of the coarse picture of a photograph whose vessels meet at a point:
    (`coarse_inputs`, the `standardised` picture)."""
    disc, code = described(coarse, fov, meeting)
    return coarse_inputs(disc, fov, code), standardised(coarse, code)


def described(coarse: np.ndarray, fov: np.ndarray, meeting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(`find_disc`, code), of the coarse picture of a photograph whose vessels meet at a point. The code, float32
    (CODE,), is its `colours`, and by how many coarse pixels the disc lies below that point, and to the right of it."""
    inside, size = coarse_inside(fov), len(fov)
    disc = find_disc(coarse, inside, meeting, size)
    beside = shrunk(disc, size) - shrunk(meeting, size)
    return disc, np.float32([*colours(coarse, inside, disc, size), *beside])


def disc_of(code: np.ndarray | tf.Tensor, meeting: np.ndarray | tf.Tensor, size: int) -> np.ndarray | tf.Tensor:
    """Row and column, of `size` pixels, of the disc of a rendering whose vessels meet at a point."""
    return meeting + code[COLOURED:] * (size / COARSE)


def light(code: np.ndarray) -> np.ndarray:
    """float32 (COARSE, COARSE, 3), from -1 to 1 for pictures in this range: a mean colour, and how it falls off."""
    return TERMS @ np.concatenate([code[:3], code[6:COLOURED]]).reshape(-1, 3)


def without_green_patches(coarse: tf.Tensor, lit: tf.Tensor, nearness: tf.Tensor) -> tf.Tensor:
    """A drawn coarse picture with red raised where, off the disc, green is too strong beside it: else greenish patches
    lie beside discs, which photographs lack. Green stays, for U-Nets see vessels by it. In dark corners the light may
    have next to no green; there, the ratio of its means counts.

    coarse: float32 (COARSE, COARSE, 3). lit: its `light`. nearness: (COARSE, COARSE), that of `coarse_inputs`.
    """
    red, green, blue = tf.unstack(coarse, axis=-1)
    red_light, green_light, _ = tf.unstack(tf.maximum(lit + 1, DARK), axis=-1)
    ratio = tf.maximum(green_light / red_light, tf.reduce_mean(green_light) / tf.reduce_mean(red_light))
    most = (GREENEST + 1 + nearness) * ratio
    return tf.stack([tf.maximum(red, (green + 1 - DARK) / most - 1), green, blue], axis=-1)


def redness(code: np.ndarray) -> float:
    """By how much red is above green where it is least so, of the light in the field of view, -2 to 2."""
    inside = _DOWN ** 2 + _ACROSS ** 2 <= 1
    return float((light(code)[inside] @ [1, -1, 0]).min())


def drawn_codes(codes: np.ndarray, seed: int) -> np.ndarray:
    """As inputs.drawn_codes, and nowhere much less red than photographs: where red fell off alone, rims turned green.

    Colours whose `redness` is far below the mean of those of photographs are brought halfway to the mean colours until
    it is not. Those have at least the mean redness, for light follows linearly from a code.
    """
    mean, reds = codes.mean(axis=0)[:COLOURED], np.mean([redness(code) for code in codes])
    least = reds - LESS_RED * abs(reds) - 1 / 127.5  # a grey level, so that grey photographs keep their variety
    drawn = inputs.drawn_codes(codes[:, :COLOURED], seed)
    for row in range(len(drawn)):
        while redness(drawn[row]) < least:
            drawn[row] = (drawn[row] + mean) / 2
    return np.hstack([drawn, _drawn_places(codes[:, COLOURED:], seed)])


def _drawn_places(places: np.ndarray, seed: int) -> np.ndarray:
    """(N, 2) -> float32 (DRAWN, 2): places of discs, as far down and as far to either side as those of photographs in
    the mean, and less differently so, for both points of a photograph are found with errors."""
    random = numpy_generator(seed, 0, DISCS)
    down, aside = places[:, 0], np.abs(places[:, 1])
    chance = np.clip(random.standard_normal((inputs.DRAWN, 2)), -2, 2)
    drawn = [down.mean(), aside.mean()] + SPREAD * np.array([down.std(), aside.std()]) * chance
    return np.float32(drawn * [1, -1] ** random.integers(2, size=(inputs.DRAWN, 1)))

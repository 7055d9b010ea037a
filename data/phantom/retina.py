"""Procedural fundus photographs: the vessels of data.phantom.vessels in tissue, under a lamp, before a camera.

Sizes are in DRIVE pixels where they are multiplied by `scale`, picture pixels a DRIVE pixel. Colours are 0 to
255.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from data.phantom.vessels import DISC, FIELD, grow

# Share of red, green and blue light that a wide vein and a wide artery keep back.
VEIN, ARTERY = (0.2, 0.5, 0.52), (0.09, 0.37, 0.4)


@dataclass(frozen=True)
class Fundus:
    """One drawn eye: image uint8 (H, W, 3) RGB, black outside the field of view; masks uint8 (H, W), 0 or 255."""

    image: np.ndarray
    vessels: np.ndarray
    second: np.ndarray  # by another annotator: narrower, a little off, without the thinnest vessels
    fov: np.ndarray


def fundus(rng, shape, diameter, variety=1.0):
    """Draws one eye.

    Args:
      shape: (H, W) of the picture, at least 16 pixels more than
      diameter: of the field of view, in pixels.
      variety: how much framing, colour and texture differ from eye to eye; 1 is DRIVE.
    """
    side, scale = diameter + 8, diameter / (2 * FIELD)
    fovea = rng.normal(0, 12 * variety, 2)
    disc = fovea - (rng.normal(195, 8), rng.uniform(8, 30))
    tilt, mirror = rng.normal(0, np.radians(4)), rng.choice([-1, 1])
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]) * [[mirror], [1]]
    rows, columns = np.mgrid[:side, :side].astype(np.float32) - (side - 1) / 2
    x, y = np.moveaxis(np.stack([columns, rows], -1) @ turn.astype(np.float32) / scale, -1, 0)
    edge_distance = field(rng, rows, columns, diameter / 2)

    vessels, second, dark, shine = blood(rng, disc, fovea, turn * scale, side)
    image = tissue(rng, x, y, disc, fovea, scale, variety)
    for density, colour in zip(dark, (VEIN, ARTERY)):
        image *= 1 - rng.uniform(0.8, 1.1) * density[..., None] * colour
    image *= 1 + rng.uniform(0.08, 0.26) * shine[..., None] * (0.5, 1.0, 0.9)

    image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), rng.uniform(0.45, 0.9) * scale)
    grain = sum(rng.standard_normal((side, side, channels), np.float32) for channels in (1, 3))
    image += rng.uniform(1.5, 4.0) * cv2.GaussianBlur(grain, (0, 0), 0.6)
    image = np.clip(image, 0, 255) * rise(-edge_distance / 1.6 - 0.3)[..., None]

    fov = edge_distance < 0
    top, left = (np.array(shape) - side) // 2 + rng.integers(-4, 5, 2)

    def framed(square):
        frame = np.zeros(shape + square.shape[2:], np.uint8)
        frame[top:top + side, left:left + side] = np.round(square)
        return frame

    return Fundus(framed(image), *(framed(255 * area) for area in (fov & vessels, fov & second, fov)))


def field(rng, rows, columns, radius):
    """Distance (H, W) in pixels, negative inside, to the edge of a round field of view with a notch."""
    corner = np.radians(rng.choice([45, 135, 225, 315]) + rng.uniform(-12, 12))
    notch = np.hypot(columns - np.cos(corner) * radius, rows - np.sin(corner) * radius) - 0.034 * radius
    return np.minimum(np.hypot(columns, rows) - radius, notch)


def blood(rng, disc, fovea, turn, side):
    """Grows veins and arteries and draws them, turned (2, 2), on squares of `side` pixels.

    Returns:
      where vessels are, bool (side, side); the same by a second annotator; how dark they are (veins,
      arteries), 0 to 1; and the light that the walls of the wider ones reflect along their middle, 0 to 1.
    """
    fine = 4 if side < 700 else 3  # drawn so many times larger, for smooth edges
    density, height, order = rng.uniform(0.66, 0.95), rng.normal(138, 12), rng.choice([-1, 1], 2)
    least_seen, dark = rng.uniform(0.72, 0.9, 2), []  # the second annotator sees no vessels of a smaller radius
    magnified = fine * abs(np.linalg.det(turn)) ** 0.5
    vessels, second, shine = (np.zeros((side * fine, side * fine), np.uint8) for _ in range(3))

    def shrink(picture):
        return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)

    def draw(picture, radius, level, least=0.0, shift=0.0):
        """Draws the segments of a radius above `least`, thin ones first, as grey level(width)."""
        ends = (tree.position @ turn.T + shift) * fine + (side * fine - 1) / 2
        ends = np.round(ends * 16).astype(int).tolist()
        for node in np.argsort(radius):
            if node and radius[node] > least:
                width = 2 * radius[node]
                thickness = max(1, round(width * magnified))
                cv2.line(picture, ends[tree.parent[node]], ends[node], level(width), thickness, cv2.LINE_8, 4)

    # Veins, then arteries: their width, how far their arcades lie from the mean height, gloss, what is not seen.
    for width, offset, gloss, unseen in zip((1.25, 0.95), (13, -13), (110, 255), least_seen):
        tree = grow(rng, disc, fovea, height + offset * order + rng.normal(0, 5, 2), density)
        radius = width * tree.radii(tip=0.7, leak=0.002)
        darkness = np.zeros_like(vessels)
        draw(darkness, radius, lambda width: min(255, int(102 + 25 * width)))
        dark.append(cv2.GaussianBlur(shrink(darkness).astype(np.float32) / 255, (0, 0), 0.0013 * side))
        vessels |= darkness
        draw(second, 0.95 * radius, lambda width: 255, least=unseen, shift=0.3)
        draw(shine, 0.3 * radius, lambda width, gloss=gloss: gloss, least=0.6)
    shine = cv2.GaussianBlur(shrink(shine).astype(np.float32) / 255, (0, 0), 0.0011 * side)
    vessels, second = (shrink((picture > 0) * np.uint8(255)) > 127 for picture in (vessels, second))
    return vessels, second, dark, shine


def cloud(rng, side, size, stretch=1.0):
    """Smooth noise float32 (side, side), deviation about 1, its lumps `size` pixels high and `stretch` as long."""
    lattice = rng.standard_normal((int(side / size) + 4, int(side / size / stretch) + 4), np.float32)
    return 1.3 * cv2.resize(lattice, (side, side), interpolation=cv2.INTER_CUBIC)


def hill(x, y, centre, size):
    """A Gaussian hill of height 1 and deviation `size` around centre."""
    return np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * size**2))


def rise(x):
    """0 below -1, 1 above 1, smooth between."""
    x = np.clip((x + 1) / 2, 0, 1)
    return x * x * (3 - 2 * x)


def tissue(rng, x, y, disc, fovea, scale, variety):
    """Colour float (H, W, 3) of an eye without vessels at x, y (H, W) of data.phantom.vessels' coordinates."""
    def noise(size, stretch=1.0):
        return cloud(rng, len(x), size * scale, stretch)

    slope = rng.normal(0, 0.12, 2) / FIELD
    light = 1 + slope[0] * x + slope[1] * y - rng.uniform(0.05, 0.4) * (np.hypot(x, y) / FIELD) ** 3
    light += rng.uniform(0.05, 0.2) * hill(x, y, disc, 90) + 0.05 * noise(150) + 0.012 * noise(60)
    light = np.maximum(light, 0.15)
    pigment = 0.016 * noise(28) + 0.014 * noise(10) + 0.014 * noise(5) + 0.014 * noise(2.5)
    # In some eyes choroidal vessels shine through as winding bands, least where the macula's pigment is.
    bands = np.exp(-((noise(20, 2.2) + 0.35 * noise(9, 2)) / 0.45) ** 2) - 0.4
    patches = (1 - hill(x, y, fovea, 110)) * (1 + 0.5 * noise(120))
    pigment += max(0, rng.uniform(-0.04, 0.08)) * variety * bands * patches
    macula = rng.uniform(0.25, 0.42) * hill(x, y, fovea, rng.uniform(36, 55)) + 0.12 * hill(x, y, fovea, 13)
    # Nerve fibres leave the disc along the arcades, about parabolas: a pale, striped sheen above and below.
    u, v = x - disc[0], y - disc[1]
    fibre = np.arctan2(v, np.sign(u) * np.sqrt(np.abs(u) * 190))
    stripes = np.interp(fibre, np.linspace(-np.pi, np.pi, 400), rng.normal(0, 0.22, 400))
    sheen = rng.uniform(0.05, 0.3) * np.exp(-np.hypot(u, v) / 95) * np.sin(fibre) ** 2 * (1 + stripes)

    red = 188 + variety * rng.uniform(-25, 25)
    green = red * (0.49 + variety * rng.uniform(-0.09, 0.06))
    base = red, green, green * (0.4 + variety * rng.uniform(-0.14, 0.14))
    # Where there is less light an eye is redder, and pigment, macula and fibres show in green most of all.
    shares = (0.8, 0.8, 0.45, 0.15), (1.15, 1.3, 0.95, 1.0), (1.3, 1.0, 1.0, 0.9)
    colour = np.stack([level * light**gamma * (1 + spots * pigment) * (1 - yellow * macula) * (1 + pale * sheen)
                       for level, (gamma, spots, yellow, pale) in zip(base, shares)], axis=-1)
    return with_disc(rng, colour, u, v, red * (light**0.6 * (1 + 0.01 * noise(6)))[..., None])


def with_disc(rng, colour, u, v, red):
    """Puts the optic disc into colour (H, W, 3), which is changed: pale rim, bright cup, dark or pale crescent, blurred
    edge.

    u, v (H, W): place relative to the disc's centre. red (H, W, 1): the red of the eye, to which its own is tied.
    """
    near = np.hypot(u, v) < 1.7 * DISC  # the widest crescent ends at 1.61; nothing changes beyond
    u, v, red, around = u[near], v[near], red[near], colour[near]
    angle = np.arctan2(v, u)
    wavy = 1 + 0.03 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.02 * np.sin(3 * angle + rng.uniform(0, 6))
    radial = np.hypot(u / rng.uniform(0.88, 1.0), v / rng.uniform(0.98, 1.14)) / DISC / wavy
    crescent = rise((1.22 - radial) / 0.12) * rise(np.cos(angle - rng.normal(0, 0.5)) * 1.5 - 0.6)
    around = around * (1 + rng.uniform(-0.25, 0.3) * crescent)[..., None]
    rim = np.float32([1.24, rng.uniform(0.8, 0.92), rng.uniform(0.4, 0.55)]) * (1 + 0.08 * u / DISC)[..., None]
    cup = np.float32([1.36, rng.uniform(1.05, 1.2), rng.uniform(0.65, 0.8)])
    depth = np.hypot(u - rng.uniform(2, 9), v - rng.normal(0, 2)) / DISC / rng.uniform(0.35, 0.62)
    inside = rise(2 - 2 * depth)[..., None]
    edge = rise((1 - radial) * DISC / rng.uniform(3, 7))[..., None]
    colour[near] = around * (1 - edge) + red * (rim * (1 - inside) + cup * inside) * edge
    return colour

"""Procedural smooth muscle cells as a phase-contrast microscope shows them, with their outlines.

Phase contrast turns thickness into grey: a bright halo lies outside a cell's edge, a dark seam inside it, and
the thick middle with the nucleus differs from the thin, spread parts.
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 512


def cloud(rng, size, stretch=1.0, angle=0.0):
    """Smooth noise float32 (SIDE, SIDE), deviation about 1, in lumps of `size` pixels, longer along `angle`."""
    padded = int(SIDE * 1.5)  # so that the turned square covers the picture
    shape = int(padded / size) + 4, int(padded / size / stretch) + 4
    lattice = 1.3 * rng.standard_normal(shape, np.float32)
    noise = cv2.resize(lattice, (padded, padded), interpolation=cv2.INTER_CUBIC)
    turn = cv2.getRotationMatrix2D((padded / 2, padded / 2), -np.degrees(angle), 1.0)
    turn[:, 2] -= (padded - SIDE) / 2
    return cv2.warpAffine(noise, turn, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def limb(mask, rng, start, angle, length, width, tip):
    """Draws a bent, tapering arm into mask, from start (x, y): `width` pixels wide there, `tip` at its end."""
    count = 40
    bend = np.cumsum(rng.normal(0, 0.05, count)) + np.linspace(0, rng.normal(0, 0.5), count)
    steps = np.stack([np.cos(angle + bend), np.sin(angle + bend)], axis=1) * length / count
    points = np.vstack([start, start + np.cumsum(steps, axis=0)])
    widths = tip + (width - tip) * (1 - np.linspace(0, 1, count)) ** rng.uniform(0.6, 1.5)
    for begin, end, thickness in zip(points[:-1], points[1:], widths):
        cv2.line(mask, np.round(begin * 16).astype(int).tolist(), np.round(end * 16).astype(int).tolist(), 255,
                 max(1, round(thickness)), cv2.LINE_AA, 4)  # 4: coordinates are in sixteenths of a pixel


def outline(rng):
    """A cell: mask uint8 (SIDE, SIDE) in {0, 255}, its centre (x, y) and the angle of its long axis."""
    skeleton = np.zeros((SIDE, SIDE), np.uint8)  # body and arms, as an ellipse and lines
    centre, angle = SIDE / 2 + rng.uniform(-75, 75, 2), rng.uniform(0, np.pi)
    spread = rng.beta(0.8, 0.8)  # 0 a spindle, 1 flat and star-shaped
    length = rng.uniform(150, 260) * (1 - 0.45 * spread)
    width = rng.uniform(32, 56) + spread * rng.uniform(50, 110)
    axes = int(0.45 * length + 0.2 * width), int(0.55 * width)
    cv2.ellipse(skeleton, np.round(centre).astype(int).tolist(), axes, np.degrees(angle), 0, 360, 255, -1)
    for side in (0, np.pi):
        limb(skeleton, rng, centre, angle + side + rng.normal(0, 0.2), length, width, rng.uniform(3, 10))
    for _ in range(rng.poisson(1 + 5 * spread)):
        direction = rng.uniform(0, 2 * np.pi)
        limb(skeleton, rng, centre + rng.normal(0, 0.15 * width, 2), direction, rng.uniform(0.8, 1.5) * width,
             rng.uniform(0.25, 0.7) * width, rng.uniform(2, 8))
    # The blur webs the arms to the body, the noise makes the edge ragged.
    field = cv2.GaussianBlur(skeleton.astype(np.float32) / 255, (0, 0), rng.uniform(3, 6))
    field += 0.09 * cloud(rng, 18) + 0.05 * cloud(rng, 7)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((field > 0.42).astype(np.uint8))
    body = np.where(labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA]), 255, 0).astype(np.uint8)
    contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)  # the outer one: holes are filled
    return cv2.drawContours(body, contours, -1, 255, -1), centre, angle


def debris(rng, image):
    """Adds specks out of focus and in focus: bright points with a dark ring, or the other way round."""
    for _ in range(rng.integers(4, 30)):
        x, y = rng.uniform(0, SIDE, 2)
        size, height = rng.uniform(1, 4.5), rng.choice([-1, 1]) * rng.uniform(8, 45)
        box = np.s_[max(0, int(y) - 20):min(SIDE, int(y) + 21), max(0, int(x) - 20):min(SIDE, int(x) + 21)]
        rows, columns = np.mgrid[box]
        r2 = ((columns - x) ** 2 + (rows - y) ** 2) / size**2
        image[box] += height * (np.exp(-r2 / 2) - 0.5 * np.exp(-((np.sqrt(r2) - 2.2) ** 2)))


def nucleus(rng, inner, angle, centre):
    """Grey (SIDE, SIDE) to add for the nucleus, its nucleoli and the granules around it.

    It lies where the distance from the cell's edge, `inner` (SIDE, SIDE), is large, near `centre`, along `angle`.
    """
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    remote = 0.15 * np.hypot(columns - centre[0], rows - centre[1])
    y, x = np.unravel_index(np.argmax(inner - remote), inner.shape)
    along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    across = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    breadth = np.clip(0.5 * inner.max(), 7, 20)
    radial = np.hypot(along / (breadth * rng.uniform(1.2, 1.9)), across / breadth) * (1 + 0.04 * cloud(rng, 25))
    grey = rng.uniform(2, 8) * rng.choice([-1, 1]) * (1 - np.tanh(4.5 * (radial - 1)))
    grey -= rng.uniform(12, 24) * np.exp(-(((radial - 1) / 0.13) ** 2))
    for _ in range(rng.integers(1, 4)):
        place, size = rng.uniform(-0.6, 0.6, 2) * breadth, rng.uniform(1.5, 3)
        grey -= rng.uniform(16, 34) * np.exp(-np.hypot(along - place[0], across - place[1]) ** 2 / (2 * size**2))
    granules = np.maximum(cloud(rng, 2.6) - 1.5, 0) * np.exp(-(((radial - 1.5) / 0.9) ** 2))
    return grey + rng.uniform(10, 40) * granules


def cell(rng):
    """Draws one cell: its photograph, uint8 (SIDE, SIDE), and its mask, uint8 (SIDE, SIDE), 0 or 255."""
    mask, centre, angle = outline(rng)
    inner = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    outer = cv2.distanceTransform(255 - mask, cv2.DIST_L2, 5)
    inside = cv2.GaussianBlur(mask, (0, 0), 1.0).astype(np.float32) / 255
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)

    tilt = rng.normal(0, 16, 2)
    image = rng.uniform(95, 150) + tilt[0] * (columns / SIDE - 0.5) + tilt[1] * (rows / SIDE - 0.5)
    sweep = rng.uniform(0, np.pi)  # turned, so that the noise's lattice does not show
    image += 6 * cloud(rng, 170, 1.3, sweep) + 1.2 * cloud(rng, 60, 1.5, sweep + 1)
    image += 1.5 * cloud(rng, 9, 1, sweep)
    debris(rng, image)

    patchy = 1 + 0.35 * cloud(rng, 45)
    reach = rng.uniform(4, 9)
    image += (1 - inside) * rng.uniform(30, 75) * patchy * np.exp(-((outer - 1.5) / reach) ** 2)
    image -= (1 - inside) * rng.uniform(3, 9) * np.exp(-(((outer - 3.2 * reach) / (1.5 * reach)) ** 2))
    thick = 1 - np.exp(-inner / rng.uniform(12, 30))
    fibres = cloud(rng, 3.5, 6, angle) * 5 + cloud(rng, 9, 3, angle) * 5 + cloud(rng, 2.2) * 4
    body = rng.uniform(-16, 4) + rng.uniform(8, 32) * thick
    body += fibres * (0.4 + 0.8 * thick) * rng.uniform(0.7, 1.4)
    body -= rng.uniform(14, 32) * np.exp(-((inner - 2) / 3.0) ** 2) * patchy

    image += inside * (body + nucleus(rng, inner, angle, centre))
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 1.2))
    grain = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE), np.float32), (0, 0), 0.7)
    return np.clip(np.round(image + rng.uniform(3, 8) * grain), 0, 255).astype(np.uint8), mask

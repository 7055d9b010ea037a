"""Vessels of a fundus image: their centre lines, and the point at which they meet, which lies on the optic disc."""
from __future__ import annotations

import cv2
import numpy as np

SIDE = 128   # pixels to which a mask is scaled; lengths below are in these
STEP = 2     # between the places that are tried
ASIDE = 5.0  # standard deviation of the distance at which a vessel passes the point
FAR = 30.0   # a vessel's vote falls to 1 / e over this distance, for vessels bend
THICK = 2.5  # standard deviation of the blur that tells thick vessels, which lie near the point, from thin ones
FOREGROUND = 0.3  # share of a pixel that is vessel, for the pixel to vote
PLACES = np.arange(STEP / 2 - 0.5, SIDE, STEP, dtype=np.float32)  # rows, and columns, that are tried
AWAY = np.arange(PLACES[0] - SIDE + 1, SIDE, dtype=np.float32)  # a place from a pixel, in rows or in columns
FADING = np.exp(-np.hypot(AWAY[:, None], AWAY) / FAR)  # what is left of a vote there


def neighbours(lines: np.ndarray) -> np.ndarray:
    """How many of the eight pixels around each pixel lie on centre lines, boolean (h, w) -> uint8 (h, w). A line has 1
    at its end, 2 along it, and more where it forks."""
    ring = np.ones((3, 3), np.uint8)
    ring[1, 1] = 0
    return cv2.filter2D(lines.astype(np.uint8), -1, ring, borderType=cv2.BORDER_CONSTANT)


def meeting_point(mask: np.ndarray) -> np.ndarray:
    """Row and column, float32 (2,), in pixels of a mask, uint8 (S, S), 0 to 255; the centre if there is no vessel.

    Each pixel of a vessel votes, with the more weight the thicker that is, for the places on the straight line along it
    (compare Hoover and Goldbaum, "Locating the optic nerve in a retinal image using the fuzzy convergence of the blood
    vessels", 2003).
    """
    small = cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    smooth = cv2.GaussianBlur(small, (0, 0), 1)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), 1.25) for product in (across ** 2, down ** 2, across * down))
    normal = 0.5 * np.arctan2(2 * xy, xx - yy)  # direction in which the mask changes most: across the vessel
    rows, columns = np.nonzero(small > FOREGROUND)
    weight = small * cv2.GaussianBlur(small, (0, 0), THICK)
    angles = normal[rows, columns]
    # How far a place lies aside of a pixel's line is a sum of two terms, one by its row and one by its column.
    by_row = np.sin(angles)[:, None] / ASIDE * (PLACES - rows[:, None]).astype(np.float32)
    by_column = np.cos(angles)[:, None] / ASIDE * (PLACES - columns[:, None]).astype(np.float32)
    votes = np.zeros((len(PLACES), len(PLACES)), np.float32)
    for row, column, rise, run in zip(rows, columns, by_row, by_column):
        aside = rise[:, None] + run
        fading = FADING[SIDE - 1 - row:, SIDE - 1 - column:][:SIDE:STEP, :SIDE:STEP]
        votes += weight[row, column] * fading * np.exp(-aside * aside / 2)
    best = np.unravel_index(votes.argmax(), votes.shape) if len(rows) else (len(PLACES) // 2,) * 2
    return ((PLACES[list(best)] + 0.5) * len(mask) / SIDE - 0.5).astype(np.float32)

"""Procedural vessels of a retina: an arterial and a venous tree that grow from the optic disc.

Geometry is in DRIVE pixels (a field of view 540 pixels, or 45 degrees, across), the origin in the middle of
the field, x towards the temple, y down. A picture of any size is drawn from it at that size.
"""

from __future__ import annotations

import cv2
import numpy as np

FIELD = 270.0  # radius of the field of view
REACH = 296.0  # vessels grow a little beyond the field, so that its edge cuts them as it does in a photograph
DISC = 40.0  # radius of the optic disc
FOVEA = 26.0  # radius of the zone around the fovea that no vessel enters
STEP = 3.0  # distance of two nodes of a vessel
MURRAY = 3.0  # r0^3 = r1^3 + r2^3 (Murray 1926)
CLEARANCE = 5  # vessels of one kind do not come nearer to each other
GRID = 680  # side of the occupancy maps, one cell a DRIVE pixel


class Tree:
    """Vessels of one kind, as nodes.

    position (n, 2); heading (n, 2), the direction of growth; way (n,), the distance from the root along the
    vessels; parent (n,), an earlier node.
    """

    def __init__(self, root):
        self.position = np.array([root], float)
        self.heading = np.zeros((1, 2))
        self.way = np.zeros(1)
        self.parent = np.array([-1])
        self.occupied = np.zeros((GRID, GRID), np.uint8)
        self.crowded = np.zeros((GRID, GRID), np.uint8)

    def add(self, start, path):
        """Appends path (n, 2) as a vessel that leaves node `start`."""
        line = np.vstack([self.position[start], path])
        heading, first = np.diff(line, axis=0), len(self.parent)
        length = np.linalg.norm(heading, axis=1)
        self.position = np.vstack([self.position, path])
        self.heading = np.vstack([self.heading, heading / (length[:, None] + 1e-9)])
        self.way = np.r_[self.way, self.way[start] + np.cumsum(length)]
        self.parent = np.r_[self.parent, start, np.arange(first, first + len(path) - 1)]
        cells = np.round((line + GRID / 2) * 16).astype(np.int32)
        cv2.polylines(self.occupied, [cells], False, 255, 1, cv2.LINE_8, 4)
        cv2.polylines(self.crowded, [cells], False, 255, 2 * CLEARANCE, cv2.LINE_8, 4)

    def radii(self, tip, leak):
        """Radius (n,) of every node by Murray's law, from `tip` at the ends.

        The cubes of the branches add up, and the unseen branches that leave on the way (`leak`, cubic pixels a
        pixel) make a vessel taper between its forks.
        """
        flow = np.where(np.isin(np.arange(len(self.parent)), self.parent), 0.0, tip**MURRAY)
        flow[1:] += leak * np.linalg.norm(self.position[1:] - self.position[self.parent[1:]], axis=1)
        for node in range(len(flow) - 1, 0, -1):
            flow[self.parent[node]] += flow[node]
        return flow ** (1 / MURRAY)


def lookup(grid, points):
    """Values (n,) of an occupancy map at points (n, 2); points beyond it count as its edge."""
    cells = np.clip(np.round(points + GRID / 2).astype(int), 0, GRID - 1)
    return grid[cells[:, 1], cells[:, 0]]


def bent(rng, points, amount):
    """The curve through points (n, 2) as nodes STEP apart, after the first, displaced sideways by smooth waves."""
    steps = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    at = np.linspace(0, steps[-1], max(3, int(steps[-1] / STEP) + 1))
    curve = np.stack([np.interp(at, steps, points[:, axis]) for axis in (0, 1)], axis=1)
    stiff = min(1, 120 / steps[-1])  # a long vessel is a wide one, and bends in wide curves
    waves = np.zeros(len(at))
    for wavelength, share in ((210, 0.06), (95, 0.042), (45, 0.028 * stiff)):
        phase = rng.uniform(0, 2 * np.pi)
        waves += rng.uniform(-1, 1) * share * wavelength * np.sin(2 * np.pi * at / wavelength + phase)
    tangent = np.gradient(curve, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    return (curve + (amount * waves * np.minimum(1, at / 70))[:, None] * tangent[:, ::-1] * (-1, 1))[1:]


def arcades(rng, disc, fovea, heights):
    """Yields the two main temporal vessels of a kind, about parabolas `heights` above and below the fovea."""
    t = np.linspace(0, 1.6, 120)
    reach = fovea[0] - disc[0]
    for side, height in zip((-1, 1), heights):
        flat = rng.uniform(0.08, 0.3)
        x, y = reach * t**2, side * height * ((1 + flat) * t - flat * t**3)
        yield np.stack([disc[0] + x, disc[1] + y + (fovea[1] - disc[1]) * np.minimum(1, x / reach)], axis=1)


def spray(rng, disc, side, course, length):
    """A vessel that leaves the disc upright, as all do, and turns to `course`, degrees (0 temporal, 180 nasal)."""
    at = np.arange(0, length, STEP)
    angle = np.radians(90 + (course - 90) * (1 - np.exp(-at / 30)) + rng.normal(0, 0.08) * at)
    return disc + np.cumsum(STEP * np.stack([np.cos(angle), side * np.sin(angle)], axis=1), axis=0)


def branch(rng, tree, target, disc, fovea, bend):
    """Joins target (2,) to the tree by a curve that leaves a vessel forwards, as a fork does, where one fits."""
    direction = target - tree.position
    distance = np.linalg.norm(direction, axis=1) + 1e-6
    forward = (direction * tree.heading).sum(1) / distance
    # A short branch is cheap, and so is a short way for the blood (Cuntz et al. 2010, for dendrites).
    cost = distance * (1.9 - 0.9 * forward) + 0.2 * tree.way
    cost[(forward < -0.1) | (np.linalg.norm(tree.position - disc, axis=1) < 0.8 * DISC)] = np.inf
    # The upper and the lower vessels meet temporally at a seam, the raphe, and do not cross it.
    above = tree.position[:, 1] < fovea[1]
    cost[(tree.position[:, 0] > fovea[0] - 60) & (above != (target[1] < fovea[1]))] = np.inf
    start = int(np.argmin(cost))
    if not np.isfinite(cost[start]):
        return
    origin, along, length = tree.position[start], tree.heading[start], distance[start]
    across = np.array([-along[1], along[0]])
    across *= np.sign(direction[start] @ across)
    # From the end of a vessel growth goes straight on; elsewhere a branch has to get clear of its stem.
    angle = 1.15 * np.arccos(np.clip(forward[start], -1, 1))
    angle = np.clip(angle, *np.radians((28, 75) if start in tree.parent else (0, 20)))
    leave = np.cos(angle) * along + np.sin(angle) * across
    arrive = direction[start] / length + 0.35 * along
    arrive /= np.linalg.norm(arrive)
    control = origin, origin + 0.38 * length * leave, target - 0.32 * length * arrive, target
    u = np.linspace(0, 1, 40)[:, None]
    weights = (1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u**2 * (1 - u), u**3
    path = bent(rng, sum(weight * point for weight, point in zip(weights, control)), bend)
    away = path[np.linalg.norm(path - origin, axis=1) > 2.6 * CLEARANCE]
    free = len(away) and not lookup(tree.crowded, away).any()
    if free and np.linalg.norm(path - fovea, axis=1).min() > FOVEA:
        tree.add(start, path)


def grow(rng, disc, fovea, heights, density):
    """A Tree of one kind: trunks first, then branches to wherever the tissue is farthest from blood.

    disc, fovea: (x, y). heights: of the upper and the lower arcade. density: of the thin vessels, about 0.8.
    """
    tree = Tree(disc + rng.normal(0, 2.5, 2) - (5, 0))
    root, bend = tree.position[0], rng.uniform(0.6, 1.4)

    def add_trunk(line):
        path = bent(rng, line, bend)
        outside = np.flatnonzero(np.linalg.norm(path, axis=1) > REACH)
        tree.add(0, path[: outside[0]] if len(outside) else path)

    for line in arcades(rng, root, fovea, heights):
        add_trunk(line)
    for side in (-1, 1):
        for course in rng.choice([(112, 148), (130, 130), (120, 165)]):
            add_trunk(spray(rng, root, side, course + rng.normal(0, 6), 400))
    for order, spacing in enumerate(np.array([100, 75, 55, 42, 34, 28, 24]) / density):
        if order == 2:  # late, so that these stay thin: few vessels run straight to the macula
            for side in (-1, 1):
                add_trunk(spray(rng, root, side, rng.uniform(10, 35), rng.uniform(70, 130)))
        free = cv2.distanceTransform(255 - tree.occupied, cv2.DIST_L2, 3)
        spots = rng.uniform(-REACH, REACH, (400, 2))
        fit = (np.linalg.norm(spots, axis=1) < REACH) & (np.linalg.norm(spots - disc, axis=1) > 1.3 * DISC)
        taken = np.zeros((0, 2))
        for spot in spots[fit & (lookup(free, spots) > spacing)]:
            if not len(taken) or np.linalg.norm(taken - spot, axis=1).min() > 1.3 * spacing:
                taken = np.vstack([taken, spot])
                branch(rng, tree, spot, disc, fovea, bend)
    return tree

"""How alike vessel trees are as fingerprints are: by their branch points and crossings, the minutiae of a retina.

As in Ratha et al. (A real-time matching system for large fingerprint databases, IEEE TPAMI 18(8), 1996) pairs of points
vote for how one tree has to be turned, scaled and shifted to lie on the other one, which may be mirrored; then points
that meet are counted.
"""
from __future__ import annotations

from operator import itemgetter

import numpy as np
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from unet_eval.audit.records import SIZE, Records
from unet_eval.audit.search import Position
from unet_eval.measures.morphology import branch_places

NEIGHBOURS = 6           # of each point, to which segments lead
LEAST = 8.0              # pixels, length of a segment; the direction of a shorter one is chance
STRETCH = 1.12           # the largest scale, either way
REACH = SIZE / 6         # pixels of a shift, either way
TURN, CELL = 12, 12.0    # degrees and pixels of a cell that votes are counted in
CANDIDATES = 6           # cells with most votes that are looked at
NEAR = 5.0               # pixels between two points that meet
ROUNDS = 3               # of fitting the position to the points that meet
NOWHERE = (0, 1 + 0j, 0j)  # no points that meet, and the position of trees that are left where they are


def points(records: Records) -> list[np.ndarray]:
    """Branch points and crossings of each mask: complex128 (n,), column + i row from the middle, in pixels of SIZE."""
    middle = (SIZE - 1) / 2
    places = (branch_places(skeletonize(mask > 0)) - middle for mask in records.masks)
    return [each[:, 1] + 1j * each[:, 0] for each in places]


def similarity(trees: list[np.ndarray], others: list[np.ndarray]) -> np.ndarray:
    """float32 (N, M): 2 m / (n + n'), m being how many of n and n' points meet at the best position. 0 to 1."""
    segments = [_segments(tree) for tree in trees]
    mirrored = [(each, _segments(each)) for other in others for each in (other, -other.conj())]
    scores = [[_match(tree, own, *other)[0] for other in mirrored] for tree, own in zip(trees, segments)]
    return np.array(scores, np.float32).reshape(len(trees), len(others), 2).max(axis=2)


def find(tree: np.ndarray, other: np.ndarray) -> Position:
    """Where `other` has to be moved for most of its points to meet points of `tree`; where it is, if none do."""
    own = _segments(tree)
    straight, mirrored = (_match(tree, own, each, _segments(each)) for each in (other, -other.conj()))
    flip = mirrored[0] > straight[0]
    _, turn, shift = mirrored if flip else straight
    degrees = -float(np.degrees(np.angle(turn)))  # rows count downwards
    return Position(flip, degrees, float(np.abs(turn)), (round(shift.imag), round(shift.real)))


def _segments(tree):
    """(start, vector) of the segments between near points, complex (k,) each."""
    if len(tree) < 3:
        return tree[:0], tree[:0]
    _, near = cKDTree(_plane(tree)).query(_plane(tree), min(NEIGHBOURS + 1, len(tree)))
    start = np.repeat(tree, near.shape[1] - 1)
    vector = tree[near[:, 1:].ravel()] - start
    long = np.abs(vector) >= LEAST
    return start[long], vector[long]


def _plane(tree):
    return np.stack([tree.real, tree.imag], axis=1)


def _match(tree, segments, other, other_segments):
    """(how alike, turn, shift), where most points of `other`, at turn * point + shift, meet one of `tree`."""
    if min(len(segments[0]), len(other_segments[0])) == 0:
        return NOWHERE
    (start, vector), (from_, along) = segments, other_segments
    turns = vector[:, None] / along
    size = np.abs(turns)
    alike = (size < STRETCH) & (size > 1 / STRETCH)
    turns, shifts = turns[alike], (start[:, None] - turns * from_)[alike]
    inside = np.abs(shifts) < REACH
    turns, shifts = turns[inside], shifts[inside]
    if not len(turns):
        return NOWHERE
    cells = int(2 * REACH / CELL) + 1
    turned = (np.degrees(np.angle(turns)) % 360 / TURN).astype(int)
    right, down = (((part + REACH) / CELL).astype(int) for part in (shifts.real, shifts.imag))
    cell = (turned * cells + right) * cells + down
    votes = np.bincount(cell)
    tree_index, best = cKDTree(_plane(tree)), NOWHERE
    for chosen in np.argsort(votes)[-min(CANDIDATES, np.count_nonzero(votes)):]:
        here = cell == chosen
        met = _meeting(tree, tree_index, other, turns[here].mean(), shifts[here].mean())
        best = max(best, met, key=itemgetter(0))
    most, turn, shift = best
    return 2 * most / (len(tree) + len(other)), turn, shift


def _meeting(tree, index, other, turn, shift):
    """(how many points of `other` meet one of `tree`, each one of its own; turn; shift): the most at turn * point +
    shift, or at the positions that then fit best."""
    best = NOWHERE
    for _ in range(ROUNDS):
        distance, nearest = index.query(_plane(turn * other + shift))
        order = np.argsort(distance)
        order = order[distance[order] <= NEAR]
        _, first = np.unique(nearest[order], return_index=True)
        kept = order[first]
        best = max(best, (len(kept), turn, shift), key=itemgetter(0))
        if len(kept) < 2:
            break
        a, b = tree[nearest[kept]], other[kept]
        spread = np.sum(np.abs(b - b.mean()) ** 2)
        if spread == 0:
            break
        turn = np.sum((a - a.mean()) * (b - b.mean()).conj()) / spread
        if not 1 / STRETCH <= np.abs(turn) <= STRETCH:
            break
        shift = a.mean() - turn * b.mean()
    return best

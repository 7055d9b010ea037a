"""From the field that Stage-I draws to a tree of vessels that fork, taper and meet at the optic disc.

The field is a signed distance (encoding.py), enlarged to GRID x GRID pixels. Lengths here are in pixels of that grid.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from skimage.graph import MCP_Geometric
from skimage.morphology import skeletonize

from data.distances import to_background
from data.vessels import neighbours

GRID = 256       # pixels, square: twice Stage-I's. A finer search takes longer and finds nothing new
STEEP = 6.0      # a step over field f costs exp(-STEEP x f): ways keep to ridges, and can cross gaps
FAINT = -0.45    # a ridge above it may be a vessel: with it vessels at 544 pixels are as long as CHASE_DB1's
CERTAIN = -0.15  # a ridge above it is a vessel, even where it closes a loop: vessels cross, and run side by side
BREAK = 0.06     # where a way lies less than this above FAINT it is not drawn: real masks have gaps, and as many parts
GAP = 2          # shorter gaps are bridged
THICK = 1.3      # wider vessels have no gaps
SIGMA = 1.5      # of the Gaussian in which ridges are looked for
CURVED = 0.012   # second derivative across a ridge, at least, of the smoothed field
SHORT = 4        # a branch that is less than so much longer than its vessel is wide is a dent in that vessel's outline
LOOP = 9         # a shorter way that closes a loop is a rung between two vessels side by side
NEAR = 4         # so near to the other vessel a loop is closed
SURE = 0.8       # of a way that closes a loop is certain
HOLE = 5         # square pixels; smaller holes in the mask are filled
RIM = 6.0        # vessels cross a rim of this width along the edge of the field of view, and do not run along it:
ALONG = 17       # none stays in it for so many steps
LEAVES = 12.0    # a vessel that ends so near to the edge, and heads for it, leaves the picture
HEADS = 0.5      # it heads for the edge if each step leads it by so much nearer, which 30 degrees do
HEADING = 8      # steps that give the direction of a vessel's end,
CORNER = 5       # but for the last ones, for a ridge may turn into a corner of a blunt end
OUTERMOST = 1.0  # distance of the outermost pixels from the edge, of the field of view or of the picture
TIP = 12.0       # a vessel narrows to half over this length before its end
FORK = 3.0       # r^3 = r1^3 + r2^3 where a vessel forks (Murray, 1926)
LEAK = 0.03      # ends of side branches that no mask shows, for each pixel of way
# Width of a vessel: a constant, and so much for the height of its ridge and for the flow to the power 1 / FORK. Fitted
# to 16 masks of CHASE_DB1, encoded with a clip of 8 pixels (r^2 = 0.77; the flow adds 0.01 to it).
WIDTH, BY_HEIGHT, BY_FLOW = 0.9, 6.7, 0.13
THINNEST = 0.5   # of all widths
ALIKE = 8        # sigma of the Gaussian over steps: the width of a vessel changes slowly
SMOOTH = 2       # sigma of the Gaussian over steps along a centre line, unless --match_share finds another
FOLLOW = 12      # steps of a branch that move with the branch that it meets
FINE = 4         # lines are drawn so many times larger, because OpenCV draws whole widths


@dataclass
class Branch:
    """A vessel from its outer end to where it meets an older one, or the root.

    points: float (n, 2), rows and columns of pixels. width: float32 (n,). seen: boolean (n,), False in a gap. meets:
    the older branch and its point, their indices, at which its first point lies, and its last; None where none does.
    """

    points: np.ndarray
    width: np.ndarray
    seen: np.ndarray
    meets: tuple[tuple[int, int] | None, tuple[int, int] | None]


def find_root(field: np.ndarray) -> tuple[int, int]:
    """Where thick vessel lies densest: the optic disc. float32 (s, s) in [-1, 1] -> row, column."""
    thick = cv2.GaussianBlur(np.maximum(field, -0.2) + 0.2, (0, 0), len(field) / 36)
    return np.unravel_index(np.argmax(thick), thick.shape)


def ridges(field: np.ndarray, faint: float) -> np.ndarray:
    """Centre lines of the ridges above `faint`: float32 (s, s) in [-1, 1] -> boolean (s, s).

    On a ridge the field bends down to both sides, so two vessels with a shallow valley between them remain two.
    """
    smooth = cv2.GaussianBlur(field, (0, 0), SIGMA)
    across, down, mixed = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3) / 4 for order in ((2, 0), (0, 2), (1, 1)))
    bend = (across + down) / 2 - np.sqrt(((across - down) / 2) ** 2 + mixed ** 2)
    return skeletonize((bend < -CURVED) & (field > faint))


def _ways(field, edge, faint):
    """The cheapest ways from ends of ridges, and from certain ridges, to the root, each up to an older way.

    edge: float32 (s, s), the distance to the edge of the field of view, 0 outside. Yields pixels, int (n, 2), and
    whether the first of them is the end of a ridge. The last is a pixel of an older way, or the root.
    """
    cost = np.exp(-STEEP * np.clip(field, -1, 1)) * (1 + 9 * (edge < RIM))
    search = MCP_Geometric(np.where(edge > 0, cost, -1))
    total, came = search.find_costs([find_root(np.where(edge > 0, field, -1))])
    lines = ridges(field, faint) & (edge > 0) & np.isfinite(total)
    ends = lines & (neighbours(lines) == 1)
    starts = np.argwhere(ends | (lines & (field > CERTAIN)))
    at = tuple(starts.T)
    steps, taken, dents = np.array(search.offsets), np.zeros(field.shape, bool), np.zeros(field.shape, bool)
    for start in starts[np.lexsort((-total[at], ~ends[at]))]:  # ends first, far ones first
        way, end = [start], bool(ends[tuple(start)])
        while not taken[tuple(way[-1])] and came[tuple(way[-1])] >= 0:
            way.append(way[-1] - steps[came[tuple(way[-1])]])
        heights = field[tuple(np.transpose(way))]
        if end and len(way) < SHORT + _width(heights[-1]):
            dents[tuple(np.transpose(way))] = True  # none of its pixels begins a way that would close a loop
            continue
        if not end and (dents[tuple(start)] or len(way) < LOOP or np.mean(heights > CERTAIN) < SURE):
            continue
        corner = np.maximum(start - NEAR, 0)
        others = np.argwhere(taken[corner[0]:start[0] + NEAR + 1, corner[1]:start[1] + NEAR + 1]) + corner
        if len(others) and not end:  # the loop is closed
            way.insert(0, others[np.argmin(np.abs(others - start).sum(axis=1))])
        way = np.concatenate([_beyond(way, edge), way]) if end else np.array(way)
        taken[tuple(way.T)] = True
        yield way, end


def _width(height, flow=0):
    """Width of a vessel by the height of its ridge and the ends beyond it: floats or float32 (n,)."""
    return np.maximum(THINNEST, WIDTH + BY_HEIGHT * height + BY_FLOW * flow ** (1 / FORK))


def _beyond(way, edge):
    """What a way lacks up to the edge of the field of view: pixels, int (n, 2), straight on from its first pixel, the
    last one first. None where it ends far from the edge, or does not head for it.

    Real vessels leave the picture. Drawn ones end too early, because Stage-I's fields fade towards the edge.
    """
    end, near, far = (way[min(step, len(way) - 1)] for step in (0, CORNER, CORNER + HEADING))
    ahead = (near - far) / max(1, np.linalg.norm(near - far))
    steps = np.round(end + np.outer(np.arange(1, LEAVES / HEADS + 1), ahead)).astype(int)
    steps = np.clip(steps, 0, len(edge) - 1)
    reached, distance = np.flatnonzero(edge[tuple(steps.T)] <= OUTERMOST), edge[tuple(end)]
    if distance > LEAVES or not len(reached) or distance < HEADS * (reached[0] + 1):
        return steps[:0]
    return steps[reached[0]::-1]


def _smooth(values, sigma):
    """Gaussian along the first axis of (n,) or (n, c), as float32."""
    flat = values.reshape(len(values), -1).astype(np.float32)
    return cv2.GaussianBlur(flat, (1, 6 * sigma + 1), sigma, borderType=cv2.BORDER_REPLICATE).reshape(values.shape)


def _flows(ways):
    """How many ends lie beyond each pixel of each way, float32 (n,), and `Branch.meets` of each."""
    flows, meets, place = [], [], {}
    for number, (way, end) in enumerate(ways):
        flows.append(end + LEAK * np.arange(len(way), dtype=np.float32))
        meets.append((place.get(tuple(way[0])), place.get(tuple(way[-1]))))
        for step, pixel in enumerate(map(tuple, way)):
            place.setdefault(pixel, (number, step))
    for flow, (_, join) in zip(reversed(flows), reversed(meets)):
        if join:
            flows[join[0]][join[1]:] += flow[-1]
    return flows, meets


def grow(field: np.ndarray, inside: np.ndarray, faint: float = FAINT) -> list[Branch]:
    """The tree in a drawn field, older branches first; an empty one where nothing was drawn.

    Args:
      field: float32 (s, s), about -1 to 1, above 0 in vessels.
      inside: boolean (s, s), the field of view.
      faint: ridges below it are no vessels.
    """
    field = cv2.resize(field, (GRID, GRID), interpolation=cv2.INTER_CUBIC if len(field) < GRID else cv2.INTER_AREA)
    inside = cv2.resize(inside.astype(np.uint8), (GRID, GRID), interpolation=cv2.INTER_NEAREST)
    edge = to_background(np.pad(inside, 1))[1:-1, 1:-1]
    ways = list(_ways(field, edge, faint))
    ridge, tree = cv2.dilate(field, np.ones((3, 3), np.uint8)), []
    for (way, end), flow, meets in zip(ways, *_flows(ways)):
        height = ridge[tuple(way.T)]
        leaves = edge[tuple(way[0])] <= OUTERMOST
        if leaves:  # it is there as high as further in
            inner = np.argmax(edge[tuple(way.T)] > RIM)
            height[:inner] = np.maximum(height[:inner], height[inner])
        drawn = _smooth(height, ALIKE)
        drawn = (np.maximum.accumulate(drawn) + np.minimum.accumulate(drawn[::-1])[::-1]) / 2  # wider towards the root
        width = _width(drawn, flow)
        if meets[1]:
            parent, step = meets[1]
            width = np.minimum(width, tree[parent].width[step])
        if end and not leaves:
            width = width * np.minimum(1, 0.5 + 0.5 * np.arange(len(way)) / TIP)
        above = (_smooth(height, 1) > faint + BREAK).astype(np.uint8)
        seen = cv2.morphologyEx(above, cv2.MORPH_CLOSE, np.ones((GAP, 1), np.uint8)).ravel() > 0
        in_rim = (edge[tuple(way.T)] < RIM).astype(np.uint8)
        # A constant border: else the rim would seem to go on beyond a vessel's end, and half of ALONG would do there.
        runs = cv2.morphologyEx(in_rim, cv2.MORPH_OPEN, np.ones((ALONG, 1), np.uint8), borderType=cv2.BORDER_CONSTANT,
                                borderValue=0).ravel() > 0
        seen = (seen | (width > THICK)) & ~runs
        tree.append(Branch(way.astype(np.float32), width, seen, meets))
    return tree


def smoothed(tree: list[Branch], sigma: int) -> list[Branch]:
    """The tree with its points after a Gaussian of `sigma` steps along each branch. Branches meet as before."""
    after = []
    for branch in tree:
        points, steps = _between_ends(branch.points, sigma), np.arange(len(branch.points))
        for end, away, met in ((0, steps, branch.meets[0]), (-1, steps[::-1], branch.meets[1])):
            if met:
                following = np.maximum(0, 1 - away / FOLLOW)[:, None]
                points = points + following * (after[met[0]].points[met[1]] - points[end])
        after.append(replace(branch, points=points))
    return after


def _between_ends(points, sigma):
    """Gaussian of `sigma` steps along float32 (n, 2), less in a short line. The ends stay where they are, for the line
    goes on beyond them as in a mirror at a point."""
    sigma = min(sigma, (len(points) - 1) // 3)
    if sigma < 1:
        return points
    reach = 3 * sigma
    longer = np.concatenate([2 * points[0] - points[reach:0:-1], points, 2 * points[-1] - points[-2:-reach - 2:-1]])
    return _smooth(longer, sigma)[reach:-reach]


def draw_tree(tree: list[Branch], size: int, scale: float = 1.0) -> np.ndarray:
    """uint8 (size, size) 0/255: the branches as lines, their widths times `scale`."""
    fine, enlarge = np.zeros((FINE * size, FINE * size), np.uint8), FINE * size / GRID
    for branch in tree:
        places = np.round(enlarge * (branch.points + 0.5) - 0.5).astype(int)[:, ::-1].tolist()
        widths = np.maximum(1, np.round(enlarge * scale * branch.width)).astype(int).tolist()
        for step in np.flatnonzero(branch.seen[:-1] & branch.seen[1:]):
            cv2.line(fine, places[step], places[step + 1], 255, widths[step])
    mask = (cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    holes = stats[:, cv2.CC_STAT_AREA] < HOLE * (size / GRID) ** 2
    return np.where(holes[labels], 255, 255 * mask).astype(np.uint8)

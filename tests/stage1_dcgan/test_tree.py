"""Trees from small drawn fields."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from data.distances import to_background
from stage1_dcgan.encoding import encode
from stage1_dcgan.tree import FAINT, FOLLOW, GRID, RIM, draw_tree, find_root, grow, smoothed

SIZE = 256
INSIDE = cv2.circle(np.zeros((SIZE, SIZE), np.uint8), (128, 128), 126, 1, cv2.FILLED) > 0
TRUNK = [[(128, 128), (128, 60), (110, 30)], [(128, 128), (100, 180), (90, 220)], [(128, 128), (180, 140), (225, 150)]]


def drawn(lines, widths):
    """float32 (128, 128): what a good Stage-I would draw of lines [(x, y), ...] on SIZE pixels."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    for line, width in zip(lines, widths):
        cv2.polylines(mask, [np.array(line)], False, 255, width)
    return encode(mask, 128, "signed_distance", 4.0)


def components(mask):
    return cv2.connectedComponents(mask, connectivity=8)[0] - 1


def width_at(mask, row=None, column=None):
    """Pixels of a mask in a row or column."""
    return int((mask[row] if column is None else mask[:, column]).astype(bool).sum())


def test_vessels_meet_at_the_root_where_thick_ones_lie_densest():
    field = drawn(TRUNK + [[(40, 100), (60, 110)]], [7, 7, 7, 3])
    root = 2 * np.array(find_root(field))
    assert np.hypot(*(root - 128)) < 15
    mask = draw_tree(grow(drawn(TRUNK, [5, 5, 5]), INSIDE), SIZE)
    assert components(mask) == 1
    for x, y in ((128, 70), (98, 185), (200, 145)):  # each vessel is there
        assert mask[y - 4:y + 5, x - 4:x + 5].any()


def test_dashes_are_joined_and_a_long_gap_stays():
    trunk = [(128, 20), (128, 236)]
    dashes = [trunk, [(128, 128), (170, 128)], [(176, 128), (220, 128)]]
    assert components(draw_tree(grow(drawn(dashes, [7, 3, 3]), INSIDE), SIZE)) == 1
    mask = draw_tree(grow(drawn([trunk, [(190, 128), (235, 128)]], [7, 3]), INSIDE), SIZE)
    assert components(mask) == 2 and not mask[:, 145:180].any() and mask[:, 195:222].any(axis=0).all()


def test_vessels_taper_towards_their_ends_and_grow_where_they_meet():
    """All lines of the field are equally wide; more ends lie beyond the stem than beyond its branches."""
    fan = [[(128, 30), (128, 170)], [(128, 60), (60, 30)], [(128, 60), (196, 30)], [(128, 100), (215, 80)],
           [(128, 100), (40, 80)], [(128, 140), (210, 190)], [(128, 140), (46, 190)], [(100, 225), (128, 170)]]
    tree = grow(drawn(fan, [5] * len(fan)), INSIDE)
    assert len(tree) >= 6
    for branch in tree:
        assert branch.width[0] < 0.9 * branch.width[-1] and (np.diff(branch.width) > -1e-3).all()
    single = grow(drawn(fan[:1], [5]), INSIDE)
    assert max(branch.width.max() for branch in tree) > 1.15 * max(branch.width.max() for branch in single)


def test_the_more_ends_lie_beyond_a_place_the_wider_it_is():
    """Murray's law, where the drawn distance is the same everywhere."""
    stem, twigs = [(128, 30), (128, 215)], [[(128, y), (x, y - 30)] for y in (80, 110, 140, 170) for x in (60, 196)]
    few, many = (grow(np.minimum(drawn(lines, [5] * len(lines)), 0.1), INSIDE) for lines in ([stem], [stem, *twigs]))
    assert max(branch.width.max() for branch in many) > 1.05 * max(branch.width.max() for branch in few)


def test_an_end_inside_the_view_is_thin_and_one_at_its_edge_is_cut_off():
    inner, outer = (grow(drawn([[(128, 128), (128, y)], [(128, 128), (60, 128)]], [7, 7]), INSIDE) for y in (40, 4))
    upwards = [next(branch for branch in tree if branch.points[0, 0] < 100) for tree in (inner, outer)]
    assert upwards[0].width[0] < 0.6 * upwards[0].width[16] and upwards[1].width[0] > 0.8 * upwards[1].width[16]


@pytest.mark.parametrize("end, leaves", [((128, 9), True), ((45, 45), True), ((128, 60), False)])
def test_a_vessel_that_ends_near_the_edge_and_heads_for_it_leaves_the_picture(end, leaves):
    mask = draw_tree(grow(drawn([[(128, 128), end], [(128, 128), (190, 150)]], [5, 5]), INSIDE), SIZE)
    rim = INSIDE & (to_background(INSIDE.astype(np.uint8)) < 3)
    assert ((mask > 0) & rim).any() == leaves


def test_a_vessel_crosses_the_rim_at_a_slant():
    """At 35 degrees to the edge it is in the rim for 11 steps, fewer than what runs along it."""
    slanted = [(128, 128), (118, 60), (128, 25), (214, 25)]
    mask = draw_tree(grow(drawn([slanted, [(128, 128), (190, 150)]], [5, 5]), INSIDE), SIZE)
    rim = INSIDE & (to_background(INSIDE.astype(np.uint8)) < 3)
    assert mask[25, 135:190].all() and ((mask > 0) & rim)[15:35, 185:].any()


@pytest.mark.parametrize("bend, end, faint, least", [  # the last part is parallel to the edge, or comes nearer by a
    ((60, 40), (120, 18), FAINT, 12), ((70, 29), (128, 13), FAINT, 7), ((70, 26), (128, 10), -0.33, 7),
    ((70, 26), (128, 10), FAINT, 5)])  # quarter of its length; in the last line a ridge turns into a corner of its end
def test_a_vessel_that_ends_near_the_edge_and_runs_along_it_stays_as_it_is(bend, end, faint, least):
    tree = grow(drawn([[(128, 128), bend, end], [(128, 128), (190, 150)]], [5, 5]), INSIDE, faint)
    assert min(branch.points[:, 0].min() for branch in tree) > least


def test_a_vessel_leaves_a_field_of_view_that_fills_the_picture():
    """As a circle does at its four sides."""
    mask = draw_tree(grow(drawn([[(128, 128), (128, 9)], [(128, 128), (190, 150)]], [5, 5]), INSIDE | True), SIZE)
    assert mask[:2, 120:137].any()


@pytest.mark.parametrize("width", [2, 4, 6, 9])
def test_a_vessel_is_drawn_as_wide_as_it_was(width):
    """With a clip of 8 pixels of masks that are twice as large, as for CHASE_DB1."""
    mask = np.zeros((2 * SIZE, 2 * SIZE), np.uint8)
    for line, thick in (([(256, 256), (256, 60), (225, 20)], width), ([(256, 256), (450, 290)], 6)):
        cv2.polylines(mask, [np.array(line)], False, 255, thick)
    tree = grow(encode(mask, 128, "signed_distance", 8.0), INSIDE)
    upwards = next(branch for branch in tree if branch.points[0, 0] < 40)
    assert 2 * np.median(upwards.width[:80]) == pytest.approx(width, abs=1)


def test_a_branch_is_nowhere_wider_than_what_it_leaves():
    """A blob at the end of a vessel, which GANs draw, stays a vessel."""
    lines = [(128, 20), (128, 236)], [(128, 60), (60, 90)], [(128, 160), (60, 190)], [(128, 128), (200, 128)]
    thick = drawn([*lines, [(194, 128), (200, 128)]], [9, 7, 7, 3, 11])
    mask = draw_tree(grow(thick, INSIDE), SIZE)
    assert 0 < width_at(mask[100:156], column=196) <= width_at(mask[:, 108:149], row=100)


def test_vessels_side_by_side_and_their_loops_stay():
    """An artery and a vein that leave the disc and cross again: the eye between them is open, and closed all round."""
    loop = [(60, 128), (110, 100), (160, 100), (200, 128)], [(60, 128), (110, 156), (160, 156), (200, 128)]
    mask = draw_tree(grow(drawn(loop, [5, 5]), INSIDE), SIZE)
    _, labels = cv2.connectedComponents(255 - mask, connectivity=4)
    assert labels[128, 130] != labels[10, 10] and not mask[128, 130]


def test_faint_ridges_make_no_net():
    """Two vessels from one root, with faint rungs between them."""
    rungs = [[(100, 40 + 12 * k), (156, 40 + 12 * k)] for k in range(12)]
    field = drawn([[(100, 30), (100, 190), (128, 215)], [(156, 30), (156, 190), (128, 215)]], [5, 5])
    faint = drawn(rungs, [3] * 12) - 0.67
    mask = draw_tree(grow(np.maximum(field, faint), INSIDE), SIZE)
    assert faint.max() > FAINT and components(255 - mask) <= 2  # the background, and at most one hole
    assert mask[60:190, 95:106].any(axis=1).all() and mask[60:190, 151:162].any(axis=1).all()


@pytest.mark.parametrize("wide, kept", [(3, True), (9, False)])
def test_a_twig_leaves_a_thin_vessel_and_is_a_dent_in_the_outline_of_a_wide_one(wide, kept):
    trunk, twig = [(128, 20), (128, 236)], [(128, 80), (138, 80)]
    assert len(grow(drawn([trunk, twig], [wide, 3]), INSIDE)) - len(grow(drawn([trunk], [wide]), INSIDE)) == kept


def test_certain_ridges_close_no_loop_over_faint_ones():
    rungs = [[(100, 40 + 12 * k), (156, 40 + 12 * k)] for k in range(15)]
    field = np.maximum(drawn([[(100, 30), (100, 220)], [(156, 30), (156, 220)]], [5, 5]), drawn(rungs, [3] * 15) - 0.67)
    assert components(255 - draw_tree(grow(field, INSIDE), SIZE)) <= 3


def test_no_vessel_runs_along_the_edge_of_the_field_of_view():
    angles = np.linspace(-1, 1, 60)
    arc = np.round(128 + 123 * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(int).tolist()
    mask = draw_tree(grow(drawn([[(128, 20), (128, 236)], [(128, 128), (251, 128)], arc], [7, 5, 3]), INSIDE), SIZE)
    edge = cv2.distanceTransform(INSIDE.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    rim = (edge > 0) & (edge < RIM * SIZE / GRID)
    assert mask[118:139, 200:230].any(axis=0).all()       # the vessel towards the edge is there
    assert (mask[rim] > 0).mean() < 0.03                   # the arc fills much of the rim
    line = cv2.polylines(np.zeros((SIZE, SIZE), np.uint8), [np.array(arc)], False, 255, 3)
    assert (line[rim] > 0).mean() > 0.1


def test_the_size_of_the_mask_changes_its_resolution_only():
    tree = grow(drawn(TRUNK, [5, 5, 5]), INSIDE)
    small, large = draw_tree(tree, 256), draw_tree(tree, 512)
    halved = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA) > 127
    assert ((small > 0) & halved).sum() / ((small > 0) | halved).sum() > 0.85


@pytest.mark.parametrize("level", [-1.0, 0.0, 1.0])
def test_a_field_without_ridges_has_no_tree(level):
    tree = grow(np.full((128, 128), level, np.float32), INSIDE)
    assert not draw_tree(tree, SIZE).any()


def test_no_field_of_view_has_no_tree():
    assert not draw_tree(grow(drawn(TRUNK, [5, 5, 5]), np.zeros((SIZE, SIZE), bool)), SIZE).any()


def test_a_mask_is_0_or_255_and_the_same_again():
    field = drawn(TRUNK, [5, 5, 5])
    first, again = draw_tree(grow(field, INSIDE), SIZE), draw_tree(grow(field.copy(), INSIDE), SIZE)
    assert first.dtype == np.uint8 and set(np.unique(first)) == {0, 255} and np.array_equal(first, again)


def test_more_is_drawn_where_fainter_ridges_count():
    field = np.maximum(drawn(TRUNK, [5, 5, 5]), drawn([[(128, 128), (30, 120)]], [3]) - 0.65)
    few, many = (draw_tree(grow(field, INSIDE, faint), SIZE) for faint in (-0.1, -0.4))
    assert not few[100:140, 30:100].any() and many[100:140, 30:100].any()


def test_smoothing_straightens_vessels_and_leaves_ends_and_forks_where_they_are():
    wave = [(int(128 + 6 * np.sin(y / 5)), y) for y in range(20, 237, 2)]
    tree = grow(drawn([wave, [(128, 100), (220, 80)], [(128, 160), (40, 190)]], [5, 3, 3]), INSIDE)
    after = smoothed(tree, 8)
    lines = [branch.points for branch in after]
    trunk = int(np.argmax([len(line) for line in lines]))
    waved, straight = (np.abs(np.diff(line[:, 1])).sum() for line in (tree[trunk].points, lines[trunk]))
    assert straight < 0.5 * waved
    assert len(tree) > 2
    for branch, line in zip(tree, lines):
        assert branch.meets[0] is None
        assert len(line) <= FOLLOW or np.allclose(line[0], branch.points[0], atol=1e-3)  # short ones move as a whole
        if branch.meets[1]:
            assert np.allclose(line[-1], lines[branch.meets[1][0]][branch.meets[1][1]])
    assert components(draw_tree(after, SIZE)) == 1


def test_a_loop_stays_closed_at_both_ends_when_it_is_smoothed():
    loop = [(60, 128), (110, 100), (160, 100), (200, 128)], [(60, 128), (110, 156), (160, 156), (200, 128)]
    tree = grow(drawn(loop, [5, 5]), INSIDE)
    tree = smoothed(tree, 8)
    closed = [branch for branch in tree if branch.meets[0]]
    assert closed
    for branch in closed:
        met, step = branch.meets[0]
        assert np.allclose(branch.points[0], tree[met].points[step])

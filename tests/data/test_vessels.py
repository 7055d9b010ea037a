"""Centre lines, and the point at which vessels meet."""
import cv2
import numpy as np
import pytest

from data.vessels import meeting_point, neighbours


def arcades(row, column, size=256):
    """Six bent vessels from one point, one that passes it by, and a bundle of thin ones far away."""
    mask = np.zeros((size, size), np.uint8)
    radius = np.linspace(0, 90, 40)
    for number, start in enumerate((0, 55, 125, 180, 235, 305)):
        angle = np.radians(start + (-1) ** number * 0.4 * radius)
        points = np.stack([column + radius * np.cos(angle), row + radius * np.sin(angle)], axis=-1)
        cv2.polylines(mask, [np.round(points).astype(np.int32)], False, 255, 2 + 2 * (number % 3 > 0))
    cv2.line(mask, (60, 16), (size - 60, 16), 255, 4)
    for offset in range(0, 40, 8):
        cv2.line(mask, (20, size - 60 + offset), (60, size - 60 + offset), 255, 2)
    return mask


@pytest.mark.parametrize("place", [(128, 128), (110, 90), (140, 160)])
def test_it_is_where_the_vessels_come_from(place):
    assert np.abs(meeting_point(arcades(*place)) - place).max() < 14


def test_it_scales_and_turns_with_the_mask():
    mask = arcades(120, 150)
    row, column = meeting_point(mask)
    large = meeting_point(cv2.resize(mask, (512, 512), interpolation=cv2.INTER_NEAREST))
    assert np.abs(large - (2 * row + 0.5, 2 * column + 0.5)).max() < 5
    turned = meeting_point(np.ascontiguousarray(np.rot90(mask)))
    assert np.abs(turned - (255 - column, row)).max() < 5


def test_a_fan_of_thin_branches_is_no_root():
    """As where many branches leave a thick vessel side by side, and it comes from the disc far away."""
    mask = np.zeros((256, 256), np.uint8)
    for end in ((20, 60), (128, 140), (236, 60)):
        cv2.line(mask, (220, 128), end[::-1], 255, 6)
    for angle in np.radians(range(0, 360, 15)):
        along = np.float64([np.cos(angle), np.sin(angle)])
        start, end = (np.round((60, 190) + length * along).astype(int).tolist() for length in (20, 60))
        cv2.line(mask, start, end, 255, 2)
    assert np.abs(meeting_point(mask) - (128, 220)).max() < 14


def test_without_vessels_it_is_the_centre():
    assert np.abs(meeting_point(np.zeros((100, 100), np.uint8)) - 49.5).max() < 1


def test_neighbours_tell_ends_and_forks_of_a_line_that_reaches_the_border():
    lines = np.zeros((5, 6), bool)
    lines[2] = lines[:2, 3] = True
    found = neighbours(lines)
    assert found[2, [0, 5]].tolist() == [1, 1] and found[0, 3] == 1  # ends
    assert found[2, 1] == 2 and found[2, 3] == 3  # along a line, and at the fork
    assert found[4].tolist() == [0] * 6

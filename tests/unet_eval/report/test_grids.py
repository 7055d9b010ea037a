"""Grids of pictures with text beside them."""
import cv2
import numpy as np

from unet_eval.report.grids import grid, tile


def test_pictures_of_a_grid_stand_in_order_pixel_by_pixel(tmp_path):
    """2 rows of 2, 230 pixels a side: 0.9 inches wide, at 200 to 300 dpi they are drawn one to one."""
    rows = [[np.full((230, 230), value, np.uint8) for value in row] for row in ((10, 60), (110, 160))]
    rows[0][0][100:103, 50:52] = 255
    grid(tmp_path / "grid.png", rows, width=2.0)
    picture = cv2.imread(str(tmp_path / "grid.png"), cv2.IMREAD_GRAYSCALE)
    height, width = picture.shape
    for (y, x), value in {(0.1, 0.1): 10, (0.1, 0.9): 60, (0.9, 0.1): 110, (0.9, 0.9): 160}.items():
        assert abs(int(picture[int(y * height), int(x * width)]) - value) <= 1
    assert np.count_nonzero(picture[:230, :230] == 255) == 6
    assert (picture[height // 2 - 1] == 255).all()  # white between the rows


def test_heads_labels_and_feet_take_their_room(tmp_path):
    rows = [[np.zeros((100, 100), np.uint8)] * 2] * 2
    grid(tmp_path / "bare.png", rows, width=2.0)
    grid(tmp_path / "full.png", rows, [("left", 1), ("right", 1)], ["a", "b"], {0: ["1", "2"]}, width=2.0)
    bare, full = (cv2.imread(str(tmp_path / f"{name}.png"), 0) for name in ("bare", "full"))
    assert abs(bare.shape[1] - full.shape[1]) <= 3 and (full[:20] < 128).any() and not (bare[5:15, 5:15] > 0).any()


def test_a_tile_holds_the_whole_picture_undistorted():
    shrunk = tile(np.full((60, 120, 3), (200, 100, 50), np.uint8), 60)
    assert shrunk.shape == (60, 60, 3)
    assert (shrunk[15:45] == (200, 100, 50)).all() and not shrunk[:15].any() and not shrunk[45:].any()
    assert tile(np.full((8, 8, 1), 7, np.uint8), 8).tolist() == np.full((8, 8, 3), 7).tolist()
    assert len(np.unique(tile(np.eye(8, dtype=np.uint8) * 255, 5))) > 2  # masks keep their grey edges


def test_names_are_drawn_as_they_are(tmp_path):
    """A $ begins no formula, and a byte that is no UTF-8 is a letter."""
    rows = [[np.zeros((60, 60), np.uint8)] * 2]
    drawn = []
    for name in ("$5_{x$y", "\udce4", "ä"):
        grid(tmp_path / "names.png", rows, [(name, 2)], [name], {0: [name, name]}, width=2.0)
        drawn.append((tmp_path / "names.png").read_bytes())
    assert drawn[0] != drawn[1] == drawn[2]

"""The paper's figures as files, and what stands in them."""
from dataclasses import replace

import cv2
import numpy as np
import pytest

from unet_eval import canvas, paper_figures
from unet_eval.canvas import tile


@pytest.fixture
def drawn(tmp_path, results, material):
    paper_figures.draw(tmp_path, results, material)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_figure_is_drawn_twice(drawn):
    assert names(drawn) == sorted(f"figure_{n}.{kind}" for n in (1, 3, 4, 5, 6, 7, 8) for kind in ("png", "pdf"))
    for path in drawn.iterdir():
        assert path.stat().st_size < 3_000_000
        if path.suffix == ".pdf":
            assert path.read_bytes().startswith(b"%PDF") and b"/Type3" not in path.read_bytes()
        else:
            picture = cv2.imread(str(path))
            assert picture.std() > 10 and 600 < picture.shape[1] < 2200  # 3.4 or 7 inches at 200 to 300 dpi


def test_figures_that_lack_pictures_are_left_out(tmp_path, few, material):
    paper_figures.draw(tmp_path, few, replace(material, nearest=[], single=None, second=None))
    assert [name for name in names(tmp_path) if name.endswith("png")] == [f"figure_{n}.png" for n in (1, 3, 5, 8)]


def test_a_run_of_cells_is_its_own_second_data_set(tmp_path, few, material):
    few["dataset"]["pairs"] = "folder"
    paper_figures.draw(tmp_path, few, replace(material, second=None, single=None, nearest=[],
                                              pairs=material.second.pairs))
    assert "figure_6.png" in names(tmp_path)


def test_few_pictures_are_enough(tmp_path, results, material):
    """One training image, four pairs, one photograph of the single GAN."""
    paper_figures.draw(tmp_path, results, replace(material, training=material.training[:1], pairs=material.second.pairs,
                                                  single=material.single[:1], nearest=material.nearest[:2]))
    assert len(names(tmp_path)) == 14


def test_pictures_of_a_grid_stand_in_order_pixel_by_pixel(tmp_path):
    """2 rows of 2, 230 pixels a side: 0.9 inches wide, at 200 to 300 dpi they are drawn one to one."""
    rows = [[np.full((230, 230), value, np.uint8) for value in row] for row in ((10, 60), (110, 160))]
    rows[0][0][100:103, 50:52] = 255
    canvas.grid(tmp_path / "grid.png", rows, width=2.0)
    picture = cv2.imread(str(tmp_path / "grid.png"), cv2.IMREAD_GRAYSCALE)
    height, width = picture.shape
    for (y, x), value in {(0.1, 0.1): 10, (0.1, 0.9): 60, (0.9, 0.1): 110, (0.9, 0.9): 160}.items():
        assert abs(int(picture[int(y * height), int(x * width)]) - value) <= 1
    assert np.count_nonzero(picture[:230, :230] == 255) == 6
    assert (picture[height // 2 - 1] == 255).all()  # white between the rows


def test_heads_labels_and_feet_take_their_room(tmp_path):
    rows = [[np.zeros((100, 100), np.uint8)] * 2] * 2
    canvas.grid(tmp_path / "bare.png", rows, width=2.0)
    canvas.grid(tmp_path / "full.png", rows, [("left", 1), ("right", 1)], ["a", "b"], {0: ["1", "2"]}, width=2.0)
    bare, full = (cv2.imread(str(tmp_path / f"{name}.png"), 0) for name in ("bare", "full"))
    assert abs(bare.shape[1] - full.shape[1]) <= 3 and (full[:20] < 128).any() and not (bare[5:15, 5:15] > 0).any()


def test_a_tile_holds_the_whole_picture_undistorted():
    picture = np.full((30, 60, 3), (200, 100, 50), np.uint8)
    square = tile(picture, 120)
    assert square.shape == (120, 120, 3)
    assert (square[30:90] == (200, 100, 50)).all() and not square[:30].any() and not square[90:].any()
    assert tile(np.full((8, 8, 1), 7, np.uint8), 8).tolist() == np.full((8, 8, 3), 7).tolist()

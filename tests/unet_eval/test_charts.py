"""Charts of results: which are drawn, and that odd results do not stop them."""
import cv2
import numpy as np
import pytest

from unet_eval import charts
from unet_eval.canvas import plt

ALL = {"arms", "curve", "differences", "mask_statistics", "widths", "nearest", "distances"}


def drawn(folder, results):
    charts.draw(folder, results)
    for path in folder.glob("*.png"):
        picture = cv2.imread(str(path))
        assert picture.std() > 5 and picture.shape[1] >= 900 and path.stat().st_size < 500_000
    return {path.stem for path in folder.iterdir()}


def test_a_whole_evidence_has_every_chart(tmp_path, results):
    assert drawn(tmp_path, results) == ALL


def test_a_plain_run_has_what_its_numbers_allow(tmp_path, few):
    assert drawn(tmp_path, few) == {"arms", "differences"}


def test_undefined_numbers_are_left_out(tmp_path, results):
    for key in ("frechet", "precision"):
        results["distances"]["sets"]["real_real"][key] = results["distances"]["sets"]["single"][key] = None
    results["masks"]["statistics"]["density"].update(synthetic=[None], real=[0.1, 0.1, 0.1], p=None, p_holm=None)
    results["nearest"]["test"] = []
    assert drawn(tmp_path, results) == ALL


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_curve_runs_over_the_number_of_pairs(results):
    (axes,) = charts.curve(results["arms"], ["synthetic", "synthetic-10", "synthetic-100"]).axes
    line = next(line for line in axes.lines if line.get_label() == "synthetic")
    assert line.get_xdata().tolist() == [10, 50, 100] and line.get_ydata().tolist() == [0.68, 0.73, 0.74]
    flat = {line.get_label(): line.get_ydata()[0] for line in axes.lines if "pairs" in line.get_label()}
    assert flat == {"real, 19 pairs": 0.8, "rendered, 20 pairs": 0.76} and axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10", "50", "100"]


def test_arms_have_a_ring_a_seed_and_the_paper_s_value(results):
    vessel, macro = charts.arms(results).axes
    assert [label.get_text() for label in vessel.get_yticklabels()][:3] == ["real", "real+synthetic", "rendered"]
    rings = [line.get_xdata() for line in vessel.lines if line.get_fillstyle() == "none"]
    assert np.allclose(rings[0], [0.796, 0.8, 0.804])
    dotted = [line.get_xdata()[0] for line in macro.lines if line.get_linestyle() == ":"]
    assert dotted == [0.8988, 0.8877] and not [line for line in vessel.lines if line.get_linestyle() == ":"]


def test_shares_of_a_histogram_add_up(results):
    (axes,) = charts.nearest(results["nearest"]).axes
    # The outline of each histogram has both corners of every step, then goes back along the axis.
    for patch, count in zip(axes.patches, (30, 3)):
        steps = patch.get_xy()[1:2 * charts.BINS + 1:2, 1]
        assert steps.sum() == pytest.approx(1) and np.allclose(steps * count, np.round(steps * count))

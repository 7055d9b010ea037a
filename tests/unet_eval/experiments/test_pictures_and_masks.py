"""Tables and charts of the experiments on photographs and masks, and odd results that must not stop them."""
from types import SimpleNamespace

import numpy as np
import pytest

from data.fundus import View, square
from unet_eval.experiments import intensities, masks, nearest, photographs
from unet_eval.inputs import pair_views
from unet_eval.measures import kl
from unet_eval.measures.distances import compare_sets
from unet_eval.observers import fixed_features
from unet_eval.report.charts import plt


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_nearest_definition_is_stressed(results):
    results["kl"]["nearest"] = 6
    for key in ("synthetic_real", "real_synthetic", "real_real"):
        results["kl"]["definitions"][4][key] = None  # without smoothing
    table = intensities.tables(results)["KL divergence"]
    assert len(table.rows) == 20 + 1 and table.rows[table.strong][:4] == ["64", "R, G, B", "field of view", "1"]
    assert table.rows[4][4:] == ["–", "–", "–"]


@pytest.mark.parametrize("height", [40, 60])
def test_grey_levels_of_the_same_photographs_are_the_same_whatever_shape_they_have(height):
    """Synthetic photographs are padded to a square, and real ones are cropped to their field of view."""
    random, fov = np.random.default_rng(0), np.full((height, 60), 255, np.uint8)
    views = [View(str(i), random.integers(30, 220, (height, 60, 3), np.uint8), None, fov, (0, 0, height, 60),
                  (height, 60)) for i in range(3)]
    made = [{"images": square(view.image, 60), "fovs": square(fov, 60)[..., None]} for view in views]
    real, synthetic = intensities.histograms(SimpleNamespace(training=views, count=3, rows=lambda count: made[:count]))
    assert np.array_equal(real, synthetic)
    assert np.array_equal(real[:, 1, 0].sum(axis=-1), [3600] * 3)
    inside = kl.histograms((view.image, view.fov) for view in views)
    assert np.array_equal(real[:, 0], inside[:, 0]) and (height < 60 or np.array_equal(real, inside))


def test_nearest_masks_come_first(results):
    table = nearest.tables(results)["Nearest training masks"]
    shown = [float(row[table.head.index("distance")]) for row in table.rows]
    assert shown == pytest.approx(sorted(results["nearest"]["synthetic"])[:5], abs=5e-5)


def test_shares_of_a_histogram_add_up(results):
    (axes,) = nearest.distances_chart(results["nearest"]).axes
    # The outline of each histogram has both corners of every step, then goes back along the axis.
    for patch, count in zip(axes.patches, (7, 3)):
        steps = patch.get_xy()[1:2 * nearest.BINS + 1:2, 1]
        assert steps.sum() == pytest.approx(1) and np.allclose(steps * count, np.round(steps * count))


def test_the_second_observer_is_the_fixed_network(run, results):
    """Its distances are not those of the real arm's U-Net, which knows the photographs that it is asked about."""
    fixed = fixed_features()
    real, synthetic = ([fixed(view) for view in views] for views in
                       (run.training, pair_views(run.stores["synthetic"], range(run.count))))
    found = results["distances"]
    expected = compare_sets(real, synthetic, found["n"])
    assert found["fixed"]["synthetic"]["frechet"] == pytest.approx(expected["frechet"], rel=1e-3)
    assert found["sets"]["synthetic"]["frechet"] != pytest.approx(expected["frechet"], rel=1e-3)


def test_undefined_numbers_are_left_out(results):
    sets = {name: {**entry, "frechet": None, "precision": None} for name, entry in
            results["distances"]["sets"].items()}
    assert not [line for line in photographs.distances_chart(sets).axes[0].lines if len(line.get_xdata())]
    statistics = results["masks"]["statistics"]
    statistics["density"].update(synthetic=[None], real=[0.1, 0.1, 0.1], p=None, p_holm=None)
    first = masks.statistics_chart(statistics).axes[0]
    assert len(first.collections) == 2 and first.get_title().endswith("p = –")  # a violin and its median
    assert masks.tables(results)["Statistics of masks"].rows[0][1] == "–"


def test_few_pictures_are_enough(results, run, tmp_path):
    results["nearest"]["matches"] = results["nearest"]["matches"][:1]
    nearest.figures(tmp_path, results, run)
    assert {path.name for path in tmp_path.iterdir()} == {"nearest.png", "figure_4.png", "figure_4.pdf"}

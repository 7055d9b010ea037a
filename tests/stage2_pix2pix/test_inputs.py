"""What Stage-II is told and shown."""
from __future__ import annotations

import numpy as np
import pytest

from data.images import write_image
from data.layouts import samples
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.inputs import colour_code, dataset, drawn_codes
from stage2_pix2pix.preparation import prepared
from training.fit import Schedule


def config(**options):
    return Stage2Config(**{"pairs": "drive:x", "out": "x", "size": 64, "tell_fov": True, **options})


@pytest.fixture
def marked(tmp_path):
    """Pairs of different sizes, whose photograph is bright exactly where their mask is set, cut by a field of view."""
    random = np.random.default_rng(0)
    for stem, (height, width) in enumerate([(128, 128), (100, 128), (540, 520)]):
        blocks = random.random((8, 8)) < 0.4
        mask = np.kron(blocks, np.ones((68, 68)))[:height, :width].astype(np.uint8) * 255
        fov = np.full((height, width), 255, np.uint8)
        fov[height // 4:-(height // 4), :width // 4] = 0
        image = np.where(mask[..., None] > 0, 250, 40).repeat(3, axis=-1).astype(np.uint8)
        for part, picture in (("images", image), ("masks", mask), ("fov", fov)):
            write_image(tmp_path / "train" / part / f"{stem}.png", picture)
    return prepared(samples(f"folder:{tmp_path}", "train"), 64, tmp_path / "pairs.h5", {})


def batches(pairs, config, steps=1, batch_size=3):
    return list(dataset(pairs, config, Schedule(1, steps, batch_size, seed=2)).as_numpy_iterator())


def test_shapes_and_ranges(pairs):
    [batch] = batches(pairs, config(noise=2, colour_code=True))
    shapes = {name: (value.shape, value.dtype.name) for name, value in batch.items()}
    assert shapes == {"known": ((3, 64, 64, 2), "float32"), "photograph": ((3, 64, 64, 3), "float32"),
                      "inside": ((3, 64, 64, 1), "float32"), "noise": ((3, 64, 64, 2), "float32"),
                      "codes": ((3, 6), "float32"), "keys": ((3, 2), "int64")}
    assert set(np.unique(batch["known"])) == {-1, 1} and set(np.unique(batch["inside"])) == {0, 1}
    assert batch["photograph"].min() == -1 and 0 < batch["photograph"].max() <= 1
    assert abs(batch["noise"].mean()) < 0.05 and abs(batch["noise"].std() - 1) < 0.05
    assert len({tuple(keys) for keys in batch["keys"]}) == 3


def test_options_that_are_off_are_not_told(pairs):
    [batch] = batches(pairs, config(tell_fov=False))
    assert batch["known"].shape[-1] == 1 and batch["noise"].shape[-1] == 0 and "codes" not in batch


@pytest.mark.parametrize("flips", [False, True])
def test_mask_photograph_and_field_of_view_stay_together(marked, flips):
    seen = set()
    for batch in batches(marked, config(flips=flips), steps=8):
        mask, fov = batch["known"][..., 0], batch["known"][..., 1]
        inside = batch["inside"][..., 0] > 0
        assert np.array_equal(fov > 0, inside)
        assert (batch["photograph"][~inside] == -1).all() and (mask[~inside] == -1).all()
        agree = (batch["photograph"][..., 0] > 0) == (mask > 0)
        assert agree[inside].mean() > 0.97  # the photograph is scaled smoothly, the mask is cut
        seen.update(inside[k].tobytes() for k in range(3))
    assert len(seen) == (6 if flips else 3)  # alike above and below, but not left and right


def test_a_colour_code_is_mean_and_spread_within_the_field_of_view():
    photograph = np.zeros((4, 4, 3), np.uint8)
    photograph[:2] = (255, 51, 102)
    photograph[2] = (255, 153, 102)
    fov = np.full((4, 4), 255, np.uint8)
    fov[3] = fov[0] = 0
    assert np.allclose(colour_code(photograph, fov), [1, -0.2, -0.2, 0, 0.4, 0], atol=1e-6)


@pytest.fixture
def photographs_codes():
    """As of coarse_to_fine: 18 photographs whose red, green and blue vary together in each of 7 things."""
    random = np.random.default_rng(0)
    together, alone = random.normal(size=(18, 7, 1)), random.normal(size=(18, 7, 3))
    return (0.5 + 0.1 * (0.9 * together + 0.4 * alone)).reshape(18, 21).astype(np.float32)


def test_colours_of_renderings_are_distributed_as_those_of_photographs(photographs_codes):
    drawn = drawn_codes(photographs_codes, 4)
    assert drawn.shape == (200, 21) and drawn.dtype == np.float32
    mean, deviation = photographs_codes.mean(axis=0), photographs_codes.std(axis=0)
    assert np.abs((drawn.mean(axis=0) - mean) / deviation).max() < 0.3
    assert np.all((0.6 < drawn.std(axis=0) / deviation) & (drawn.std(axis=0) / deviation < 1.3))
    assert np.corrcoef(drawn[:, :3].T)[0, 1:].min() > 0.6, "a light photograph is light in all channels"
    assert np.abs(np.corrcoef(drawn[:, [0, 3]].T)[0, 1]) < 0.3
    np.testing.assert_array_equal(drawn, drawn_codes(photographs_codes, 4))
    assert np.abs(drawn - drawn_codes(photographs_codes, 5)).max() > 0.1


def test_colours_of_renderings_do_not_tell_whose_they_were_made_of(photographs_codes):
    """Those of 18 photographs lie in a space of 17 dimensions, and so do mixtures of them. Others do not lie there."""
    drawn = drawn_codes(photographs_codes, 0)
    sizes = np.linalg.svd(drawn - drawn.mean(axis=0), compute_uv=False)
    assert sizes[-1] > 0.05 * sizes[0], "drawn colours fill all 21 dimensions"


def test_deviations_of_grey_levels_stay_positive():
    codes = np.tile(np.float32([[-0.5, 0, 0.5, 0.01, 0.3, 0.3]]), (2, 1))
    codes[1, 3] = 0.21
    assert drawn_codes(codes, 0)[:, 3:].min() > 0 > drawn_codes(codes, 0)[:, 0].max()


def test_deviations_of_a_channel_that_is_black_in_a_photograph_are_not_negative():
    """As of blue, which some cameras hardly see: drawn below 0 they would turn light and dark round."""
    codes = np.tile(np.float32([[-0.5, -0.2, -1, 0.2, 0.2, 0]]), (2, 1))
    codes[1, [2, 5]] = -0.8, 0.1
    drawn = drawn_codes(codes, 0)
    assert 0 <= drawn[:, 5].min() < 0.02 and drawn[:, 5].max() > 0.1


def test_one_photograph_has_one_colour():
    code = np.float32([[0.2, 0.3, -0.1]])
    np.testing.assert_allclose(drawn_codes(code, 0), np.tile(code, (200, 1)), rtol=1e-6)

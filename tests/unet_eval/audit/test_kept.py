"""Comparisons are made once, as long as they are of the same."""
from __future__ import annotations

import numpy as np
import pytest

from data.errors import UserError
from unet_eval.audit.kept import Kept
from unet_eval.audit.measures import MEASURES


def test_what_was_compared_is_not_compared_again(tmp_path):
    calls = []

    def make():
        calls.append(1)
        return {"set": np.full((2, 3), len(calls), np.float32)}

    for made_from, version, expected in (({"a": 1}, 1, 1), ({"a": 1}, 1, 1), ({"a": 2}, 1, 2), ({"a": 2}, 2, 3),
                                         ({"a": 2}, 2, 3), ({"a": 2}, 1, 4)):
        assert (Kept(tmp_path, made_from)("masks", version, make)["set"] == expected).all()
    (tmp_path / "masks.npz").write_bytes(b"mine")
    with pytest.raises(UserError, match="masks.npz has been changed"):
        Kept(tmp_path, {"a": 1})("masks", 1, make)


@pytest.mark.parametrize("name, version", [("photographs", 1), ("photograph_patches", 2), ("features", 1)])
def test_comparisons_that_a_black_photograph_made_nan_are_made_again(tmp_path, name, version):
    """These versions gave NaN where a photograph had no contrast, and later ones do not."""
    for made_by, value in ((version, np.nan), (MEASURES[name].version, 0)):
        found = Kept(tmp_path, {})(name, made_by, lambda value=value: {"synthetic": np.full((2, 3), value)})
    assert np.isfinite(found["synthetic"]).all()

"""Fields of view and colours of a set tell what it was made of."""
from __future__ import annotations

import numpy as np
import pytest

from unet_eval.audit.looks import looks
from unet_eval.audit.records import SIZE, Records


def records(count, seed, fovs=None, light=None):
    """Photographs that are lit at random, in fields of view of their own."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((SIZE, SIZE)) / SIZE - 0.5
    radius, more = random.uniform(0.4, 0.49, (count, 1, 1)), random.uniform(0.98, 1.02, (count, 1, 1))
    fovs = np.where(rows ** 2 + (more * columns) ** 2 < radius ** 2, 255, 0).astype(np.uint8) if fovs is None else fovs
    light = random.uniform(-60, 60, (count, 3, 6)) if light is None else light
    terms = np.stack([np.ones_like(rows), rows, columns, rows * columns, rows ** 2, columns ** 2])
    shown = 128 + np.einsum("nct,trs->nrsc", light, terms) / 2
    names = [str(k) for k in range(count)]
    shown = np.where(fovs[..., None] > 0, shown, 0).astype(np.uint8)
    return Records(np.zeros_like(fovs), shown, fovs, names, names), light


@pytest.fixture
def own():
    return records(6, 0)


def test_fields_of_view_of_training_images_are_found(own):
    real, _ = own
    others, _ = records(6, 1)
    copies, _ = records(12, 2, np.tile(real.fovs, (2, 1, 1)))
    assert (looks(copies, real)["fields of view"] == 0).all() and looks(copies, others)["fields of view"].max() < 0
    assert looks(records(40, 3)[0], real)["fields of view"].max() < 0


def test_mixtures_of_training_images_light_are_found(own):
    real, light = own
    others, _ = records(6, 1)
    random = np.random.default_rng(4)
    first, second = random.integers(6, size=(2, 60))
    share = random.random((60, 1, 1))
    mixed, _ = records(60, 5, light=light[first] + share * (light[second] - light[first]))
    told = [looks(mixed, each)["colours of photographs"] for each in (real, others)]
    assert told[0].min() > told[1].max()
    told = [looks(records(60, 6)[0], each)["colours of photographs"] for each in (real, others)]
    assert told[0].min() < told[1].max(), "nobody's light tells of nobody"

"""Random numbers follow from (seed, example, stream), and from nothing else."""
from __future__ import annotations

import itertools

import numpy as np

from data.randomness import STREAMS, key, normal, numpy_generator, uniform
from stage1_dcgan import inputs as stage1
from stage2_pix2pix import inputs as stage2
from stage2_pix2pix.architectures.coarse_to_fine import inputs as coarse_to_fine
from stage2_pix2pix.architectures.coarse_to_fine.coarse import DISCS
from stage2_pix2pix.networks import DROPOUT_BLOCKS, SeededDropout
from unet_eval import inputs as unet

COUNT = 4000


def correlation(a, b):
    return abs(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


def test_every_seed_example_and_stream_has_a_key_of_its_own():
    uses = list(itertools.product((0, 1, 2, 2 ** 31 - 1), (0, 1, 63, 64, 65), (0, 1, 2, STREAMS - 1)))
    assert len({tuple(key(*use).numpy()) for use in uses}) == len(uses)


def test_numbers_are_the_same_for_the_same_key_and_independent_for_others():
    base = (3, 7, 2)
    for draw in (lambda *use: uniform(*use, (COUNT,)).numpy(), lambda *use: normal(*use, (COUNT,)).numpy(),
                 lambda *use: numpy_generator(*use).random(COUNT)):
        assert (draw(*base) == draw(*base)).all()
        for other in ((4, 7, 2), (3, 8, 2), (3, 7, 3), (2, 7, 3), (7, 3, 2)):
            assert correlation(draw(*base), draw(*other)) < 0.06  # four standard deviations


def test_the_streams_of_a_stage_are_not_shared():
    for module, names in ((stage1, ("NOISE", "VIEWS")), (unet, ("PLACE", "CHANGE")),
                          (stage2, ("NOISE", "FLIPS", "RENDERING", "COLOURS", "FOVS", "DROPOUT", "DRAWN_COLOURS"))):
        streams = [getattr(module, name) for name in names]
        assert len(set(streams)) == len(streams)
    assert stage2.DROPOUT == max(stage2.NOISE, stage2.FLIPS, stage2.RENDERING, stage2.COLOURS, stage2.FOVS, 5)
    assert stage2.DROPOUT + DROPOUT_BLOCKS <= coarse_to_fine.CROP  # the first of its own
    assert coarse_to_fine.MIRRORS < DISCS < stage2.DRAWN_COLOURS < STREAMS


def test_dropout_is_independent_of_the_noise_planes_and_of_its_other_layers():
    shape = (1, 40, 40, 2)
    ones = np.ones(shape, np.float32)
    keys = key(0, 5, stage2.DROPOUT)[None]
    kept = [SeededDropout(0.5, layer)(ones, keys, training=True).numpy() for layer in range(3)]
    noise = normal(0, 5, stage2.NOISE, shape[1:]).numpy()
    for a, b in itertools.combinations([*kept, noise], 2):
        assert correlation(a, b) < 0.08
    assert correlation(kept[0], (noise > 0).astype(float)) < 0.08

"""Architectures are reached by name."""
from __future__ import annotations

import inspect

import pytest

from stage2_pix2pix import architectures
from stage2_pix2pix.config import ARCHITECTURES, Stage2Config

FUNCTIONS = {"build": ["config"], "dataset": ["pairs", "config", "schedule", "first_step"], "generator": ["config"],
             "render": ["model", "config", "mask", "fov", "code", "seed", "row"]}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_name_is_a_module_with_the_four_functions(name):
    architecture = architectures.load(name)
    for function, parameters in FUNCTIONS.items():
        assert list(inspect.signature(getattr(architecture, function)).parameters) == parameters


def test_all_variables_of_the_optimizers_are_made():
    """Or a checkpoint would not restore them."""
    config = Stage2Config(pairs="drive:x", out="x", size=64, base=4, d_base=4, optimizer="adam")
    gan = architectures.load(config.architecture).build(config)
    for network, optimizer in ((gan.generator, gan.g_optimizer), (gan.discriminator, gan.d_optimizer)):
        assert len(optimizer.variables) > 2 * len(network.trainable_variables)

"""The architectures of Stage-II. Each is a module of this package with its name in config.ARCHITECTURES.

An architecture has four functions:

- `build(config) -> keras.Model`: the compiled GAN. It has `generator`, `discriminator`, `g_optimizer` and
  `d_optimizer`, and all variables of the optimizers exist, so that a checkpoint can be restored.
- `dataset(pairs, config, schedule, first_step) -> tf.data.Dataset`: the batches for its `train_step`, from step
  `first_step` on. `pairs` is an `inputs.Pairs`.
- `generator(config) -> keras.Model`: the generator alone, to load trained weights into.
- `render(model, config, mask, fov, code, seed, row) -> uint8 (S, S, 3) RGB`: a photograph for a mask, black outside
  the field of view. `mask` and `fov` are uint8 (S, S), 0 or 255. `code` is float32 (6,), see `inputs.colour_code`. The
  random numbers follow from `seed` and `row`.
"""
from __future__ import annotations

import importlib
from types import ModuleType


def load(name: str) -> ModuleType:
    """The module of the architecture `name`, one of config.ARCHITECTURES."""
    return importlib.import_module(f"{__name__}.{name}")

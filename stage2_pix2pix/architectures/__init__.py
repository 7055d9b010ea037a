"""Stage-II's architectures. Each is a module of this package, and its name an entry of config.ARCHITECTURES.

An architecture has four functions:

- `build(config) -> keras.Model`: the compiled GAN, with its `generator`, `discriminator`, `g_optimizer` and
  `d_optimizer`, all variables made.
- `dataset(pairs, config, schedule, first_step) -> tf.data.Dataset`: the batches that its `train_step` takes.
- `generator(config) -> keras.Model`: the network alone, to load trained weights into.
- `render(model, config, mask, fov, code, seed) -> uint8 (S, S, 3) RGB`: a photograph of a mask, black outside the
  field of view. mask and fov are uint8 (S, S), 0 or 255; code is float32 (6,), see `inputs.colour_code`.
"""
from __future__ import annotations

import importlib
from types import ModuleType


def load(name: str) -> ModuleType:
    """The module of the architecture `name`, one of config.ARCHITECTURES."""
    return importlib.import_module(f"{__name__}.{name}")

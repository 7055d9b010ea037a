"""Stage-II's architectures. Each is a module of this package, and its name an entry of config.ARCHITECTURES.

An architecture has eight functions, and two constants: CODE, the number K of numbers that describe a photograph's
colours, and IMITATED_ONLY, whether it learns from no other pairs than those that renderings imitate:

- `networks(config) -> {name: keras.Model}`: the networks that render. Their trained weights are kept in NAME.h5; one of
  them is called "generator" and is the last.
- `phases(config, networks, pairs, schedule)`: a Python generator of `Phase`. Each is trained to its end before the next
  one is asked for, so a phase may use what an earlier one has trained.
- `codes(config, pairs) -> float32 (N, K)`: the colours of the pairs.
- `drawn_codes(codes, seed) -> float32 (DRAWN, K)`: colours for renderings, drawn at random from what a few numbers say
  of those of the pairs (stage2_pix2pix/inputs.py).
- `render(networks, config, mask, fov, code, seed, row) -> uint8 (S, S, 3) RGB`: a photograph for a mask, black
  outside the field of view. mask and fov are uint8 (S, S), 0 or 255; code is float32 (K,). Its random numbers follow
  from `seed` and `row`.
- `traced(networks, config, mask, fov, code, seed, row) -> float32 (S, S, 3) in [-1, 1]`: the same in TensorFlow's
  operations only, of tensors; `row` is one too, int64. For the graph that is given away.
- `judges(config) -> {phase: keras.Model}`: the discriminator of each phase that has one, without its weights.
- `judged(judges, config, mask, fov, photograph) -> {name: float}`: what each says, high for real, of a photograph,
  uint8 (S, S, 3), and its mask.
"""
from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import tensorflow as tf
from tensorflow import keras

from training.fit import Schedule


@dataclass(frozen=True)
class Phase:
    """A part of a training: a compiled model, its batches from a step on, and what its checkpoints hold.

    name: its folder within the run folder; the last phase has none, and shows pictures while it trains.
    later: steps of the phases that follow it.
    """

    name: str
    model: keras.Model
    dataset: Callable[[int], tf.data.Dataset]
    schedule: Schedule
    parts: dict
    later: int = 0


def load(name: str) -> ModuleType:
    """The module of the architecture `name`, one of config.ARCHITECTURES."""
    return importlib.import_module(f"{__name__}.{name}")

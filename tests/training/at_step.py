"""For scripts that tests start: something happens to a training at one of its steps."""
from __future__ import annotations

from collections.abc import Callable

from tensorflow import keras


def at_step(number: int, act: Callable[[], object]) -> None:
    """Calls `act` once, before the `number`-th batch that this process trains on."""
    begin, steps = keras.callbacks.CallbackList.on_train_batch_begin, []

    def on_train_batch_begin(self, *arguments):
        steps.append(1)
        if len(steps) == number:
            act()
        begin(self, *arguments)

    keras.callbacks.CallbackList.on_train_batch_begin = on_train_batch_begin

"""Starts a training from the weights of another run (--warm_start), and records which images weights have seen."""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from absl import logging
from tensorflow import keras

from data import layouts
from data.copies import fingerprints
from data.errors import UserError, listed
from data.files import checksum, read_json, write_json
from data.layouts import Sample
from training.config import TrainingConfig
from training.provenance import learned_behind
from training.weights import take_weights

SEEN = "seen.json"  # of a training: {"images": [of each image that it learns from, sha256 over size and pixels]}


class WarmStart:
    """The weights that a training starts from; none without --warm_start.

    identity: for config.json, the checksums of the files, so that a training that goes on goes on with the same.
    seen: what these weights have seen, as in SEEN; and what the GANs of a release saw that the training learns from.
    """

    def __init__(self, config: TrainingConfig, stage: str, held_out: Iterable[Sample] = (),
                 instead: tuple[str, ...] = ()):
        """Of the subfolder `stage` of config.warm_start or, where that is not there, of the first of `instead` that is.

        Raises UserError if that does not say what its weights have seen, or if they have seen a test image of
        config.pairs or one of `held_out`.
        """
        there = [name for name in (stage, *instead) if (Path(config.warm_start) / name).exists()]
        self._folder = Path(config.warm_start) / (there or [stage])[0] if config.warm_start else None
        self.identity: dict = {}
        self.seen = [*(self._compared(config, held_out) if self._folder else []), *self._behind(config)]

    @staticmethod
    def _behind(config) -> list[str]:
        """All original training images, but for those that this training holds out where the release says that its GANs
        did, too."""
        pairs = layouts.original(config.pairs)
        if pairs == config.pairs:
            return []
        seen, held_out = layouts.training(pairs, config.validation, config.modality, config.foreground)
        alike = {*learned_behind(config.pairs).values()} == {layouts.checksum(seen)}
        return fingerprints(seen if alike else seen + held_out)

    def _compared(self, config, held_out) -> list[str]:
        remedy = "only weights that say which images they have seen can be started from; give another --warm_start"
        seen = read_seen(self._folder, remedy)
        unseen = [*layouts.samples(config.pairs, "test", modality=config.modality), *held_out]
        found = [sample.image for sample, image in zip(unseen, fingerprints(unseen)) if image in {*seen}]
        if found:
            raise UserError(f"--warm_start={config.warm_start}: these weights have seen {listed(found)}, on which this "
                            "run is tested or validated: give others, or none")
        return seen

    def load(self, networks: dict[str, keras.Model]) -> None:
        """Loads NAME.h5 into each network as far as names and shapes agree; the log says what did not. A moving average
        begins with what is loaded before the optimizer is built. UserError where a file is missing or damaged."""
        for name, network in networks.items() if self._folder else ():
            path = self._folder / f"{name}.h5"
            left = take_weights(network, path, "give another --warm_start")
            count = len(network.weights)
            logging.info("warm start: %d of %d weights from %s%s", count - len(left), count, path,
                         f"; no weights of this name and shape there for {listed(left)}" if left else "")
            self.identity.setdefault("warm_started_from", {})[path.name] = checksum(path)


def read_seen(folder: Path, remedy: str) -> list[str]:
    """Which images the weights of a training have seen. UserError where SEEN is missing or damaged."""
    seen = read_json(folder / SEEN, remedy).get("images")
    if not isinstance(seen, list) or not seen or not all(isinstance(image, str) for image in seen):
        raise UserError(f"{folder / SEEN} is damaged: {remedy}")
    return seen


def record_seen(folder: Path, samples: Iterable[Sample], start: WarmStart) -> None:
    """Writes SEEN into the folder of a training of these samples, unless it is there."""
    if not (folder / SEEN).exists():
        write_json(folder / SEEN, {"images": sorted({*fingerprints(samples), *start.seen})})

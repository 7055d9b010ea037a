"""Measures how well Stage-II renders real photographs: an attack that asks which of them it was trained on.

python -m stage2_pix2pix.members --model=checkpoints/quick/stage2 --out=checkpoints/quick/members-stage2.json
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from data import layouts
from data.fundus import load_view
from data.members import write_members
from stage2_pix2pix import architectures
from stage2_pix2pix.config import MembersConfig, Stage2Config
from stage2_pix2pix.inputs import Pairs
from training.cli import run
from training.run_folder import read_config
from training.weights import load_weights

REMEDY = "train Stage-II first (make stage2)"


def members(config: MembersConfig) -> None:
    """Writes config.out: less the mean absolute error in the field of view, 0 to 255, of each annotated training
    photograph and each held-out one, validation and test, rendered from its own mask in its own colours.

    Where Stage-II was trained on PHOTOS alone there are no scores: photographs of another source differ by more than
    by having been seen.
    """
    stage2 = read_config(config.model, Stage2Config, REMEDY)
    architecture = architectures.load(stage2.architecture)
    networks = architecture.networks(stage2)
    for name, network in networks.items():
        load_weights(network, Path(config.model) / f"{name}.h5", REMEDY)
    training, validation = layouts.training(stage2.pairs, stage2.validation, stage2.modality)
    held_out = validation + layouts.samples(stage2.pairs, "test", modality=stage2.modality)
    if stage2.photos and not stage2.add_pairs:
        training, held_out = [], []

    def scores(samples):
        if not samples:
            return []
        pairs = Pairs.from_views([load_view(sample) for sample in samples], stage2.size)
        codes, errors = architecture.codes(stage2, pairs), []
        for row in range(len(pairs)):
            rendered = architecture.render(networks, stage2, pairs.masks[row], pairs.fovs[row], codes[row], stage2.seed,
                                           row)
            difference = np.abs(rendered.astype(np.float32) - pairs.photographs[row])
            errors.append(-float(difference[pairs.fovs[row] > 0].mean()))
        return errors

    write_members(Path(config.out), training, scores(training), held_out, scores(held_out))


if __name__ == "__main__":
    run(members, MembersConfig)

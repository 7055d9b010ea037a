"""Measures how well Stage-II renders real photographs, and what its discriminators say of them: attacks that ask which
of them it was trained on.

python -m stage2_pix2pix.members --model=checkpoints/quick/stage2 --out=checkpoints/quick/members-stage2.json
"""
from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from data.members import find_sides, write_members
from stage2_pix2pix import architectures
from stage2_pix2pix.config import MembersConfig, Stage2Config
from stage2_pix2pix.generate import load_codes
from stage2_pix2pix.preparation import prepared
from training.checkpoints import read_newest
from training.cli import run
from training.cloud import mahalanobis
from training.run_folder import read_config
from training.weights import load_weights

REMEDY = "train Stage-II again (make stage2); its discriminators are in the checkpoints only"
RENDERED, JUDGED = "Stage-II, by how well it renders photographs", "Stage-II, by what its {} says of photographs"
COLOURED = "Stage-II, by the colours of its renderings"


def members(config: MembersConfig) -> None:
    """Writes config.out: of each annotated training photograph and each held-out one, validation and test, what every
    discriminator says, less the mean absolute error in the field of view, 0 to 255, of a rendering of its own mask in
    its own colours, and less the distance of these colours from those that renderings get.

    Where Stage-II was trained on PHOTOS alone there are no scores: photographs of another source differ by more than
    by having been seen. Raises UserError where weights or checkpoints are gone.
    """
    stage2 = read_config(config.model, Stage2Config, REMEDY)
    architecture = architectures.load(stage2.architecture)
    networks = architecture.networks(stage2)
    for name, network in networks.items():
        load_weights(network, Path(config.model) / f"{name}.h5", REMEDY)
    judges = architecture.judges(stage2)
    for phase, judge in judges.items():
        read_newest(Path(config.model) / phase, REMEDY, discriminator=judge)
    given = load_codes(Path(config.model), architecture)
    training, held_out = find_sides(stage2.pairs, stage2.validation, stage2.modality, stage2.foreground)
    if stage2.photos and not stage2.add_pairs:
        training, held_out = [], []

    def error(pair, row, code):
        rendered = architecture.render(networks, stage2, pair.mask, pair.fov, code, stage2.seed, row)
        difference = np.abs(rendered.astype(np.float32) - pair.photograph)
        return float(difference[pair.fov > 0].mean())

    def attack(samples):
        if not samples:
            return {RENDERED: [], COLOURED: []}
        with tempfile.TemporaryDirectory() as folder:
            pairs = prepared(samples, stage2.size, Path(folder) / "pairs.h5", {})
            codes = architecture.codes(stage2, pairs)
            said = [architecture.judged(judges, stage2, *pair) for pair in pairs]
            return {RENDERED: [-error(pairs[row], row, code) for row, code in enumerate(codes)],
                    COLOURED: (-mahalanobis(codes, given)).tolist(),
                    **{JUDGED.format(name): [answers[name] for answers in said] for name in said[0]}}

    write_members(Path(config.out), training, held_out, attack)


if __name__ == "__main__":
    run(members, MembersConfig)

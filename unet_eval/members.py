"""Measures how well a U-Net segments real photographs: an attack that asks which of them it was trained on.

python -m unet_eval.members --model=checkpoints/quick/unet-synthetic --out=checkpoints/quick/audit/unet-synthetic.json
"""
from __future__ import annotations

from pathlib import Path

from data.fundus import load_view
from data.members import find_sides, write_members
from training.cli import run
from training.run_folder import read_config
from unet_eval.agreement import agreement
from unet_eval.config import MembersConfig, UnetConfig
from unet_eval.segment import Segmenter

REMEDY = "train it first (make eval)"
TITLE = "U-Net, by how well it segments photographs"


def members(config: MembersConfig) -> None:
    """Writes config.out: the vessel F1 at 0.5, in the field of view on the working scale, of each annotated training
    photograph and each held-out one, validation and test. UserError where the training is not finished."""
    options, segmenter = read_config(config.model, UnetConfig, REMEDY), Segmenter(config.model)

    sides = find_sides(options.pairs, options.validation, options.modality, options.foreground)
    write_members(Path(config.out), *sides,
                  lambda samples: {TITLE: [agreement(segmenter, load_view(sample)) for sample in samples]})


if __name__ == "__main__":
    run(members, MembersConfig)

"""Scores real masks by Stage-I's discriminator: an attack that asks which of them it was trained on.

python -m stage1_dcgan.members --model=checkpoints/quick/stage1 --out=checkpoints/quick/members-stage1.json
"""
from __future__ import annotations

from pathlib import Path

from data.fundus import load_view
from data.members import find_sides, write_members
from stage1_dcgan.config import MembersConfig, Stage1Config
from stage1_dcgan.inputs import pictures
from stage1_dcgan.networks import discriminator
from training.checkpoints import read_newest
from training.cli import run
from training.run_folder import read_config

REMEDY = "the discriminator is in the checkpoints only: train Stage-I again (make stage1)"
TITLE = "Stage-I, by what its discriminator says of masks"


def members(config: MembersConfig) -> None:
    """Writes config.out: D's logit of each training mask and of each that was held out, validation and test.

    Raises UserError where the checkpoints are gone.
    """
    stage1 = read_config(config.model, Stage1Config, REMEDY)
    judge = discriminator(stage1.size, stage1.base, stage1.channels, stage1.d_norm)
    read_newest(Path(config.model), REMEDY, discriminator=judge)
    training, held_out = find_sides(stage1.pairs, stage1.validation, stage1.modality, stage1.foreground)

    def attack(samples):
        real = pictures([load_view(sample) for sample in samples], stage1)
        return {TITLE: [float(judge(picture[None], training=False)[0, 0]) for picture in real]}

    write_members(Path(config.out), training, held_out, attack)


if __name__ == "__main__":
    run(members, MembersConfig)

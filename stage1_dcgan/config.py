"""The options of Stage-I. Defaults are the authors' values."""
from __future__ import annotations

from dataclasses import dataclass

from data.errors import UserError
from data.shards import shard_rows
from training.config import Config, TrainingConfig, option, shard_option

DRAWN = ("masks", "photographs")
ENCODINGS = ("binary", "signed_distance")
DECODERS = ("cut", "tree")


@dataclass(frozen=True)
class Stage1Config(TrainingConfig):
    """Trains Stage-I."""

    draw: str = option("masks", "What it learns to draw; photographs is the single GAN of the paper's Section 13.",
                       choices=DRAWN, set_by_make=True)
    size: int = option(512, "Pixels, square; a multiple of 16.", low=64, high=512)
    base: int = option(64, "Filters at the highest resolution.", low=4, high=256)
    encoding: str = option("binary", "How masks (not photographs) are shown to the networks; signed_distance keeps "
                           "thin vessels at a low resolution.", choices=ENCODINGS)
    clip: float = option(8.0, "Limit of signed distances, in pixels of the mask.", low=1, high=64)
    d_norm: str = option("batch", "Normalisation in the discriminator.", choices=("batch", "spectral", "none"))
    generator_steps: int = option(2, "Updates of the generator for each update of the discriminator.", low=1, high=10)
    reach: float = option(0.0, "Shift the discriminator's inputs by up to this share of the size and flip them, so "
                          "that it does not learn a few pictures by heart.", low=0, high=0.5)
    vary_masks: float = option(0.0, "Mirror, turn and bend the masks of fundus photographs before each step: 1 as "
                               "much as real eyes differ, 0 not at all. The discriminator cannot learn by heart what "
                               "it never sees twice.", low=0, high=2)
    penalty: float = option(0.0, "Weight of the gradient penalty on real pictures (R1).", low=0, high=100)
    ema: float = option(0.0, "Draw with a moving average of the generator's weights, with this momentum; 0 is off.",
                        low=0, high=0.9999)
    learning_rate: float = option(2e-4, "Adam's learning rate, both networks.", low=1e-8, high=1)
    beta_1: float = option(0.5, "Adam's beta_1, both networks.", low=0, high=0.999)
    epochs: int = option(25, "Epochs.", low=1, may_change=True)
    batch_size: int = option(7, "Pictures per step, over all devices.", low=1)
    pictures_every: int = option(5, "Epochs from one sample picture to the next.", low=1)

    def check(self):
        if self.size % 16:
            raise UserError(f"--size={self.size} cannot be halved four times: use a multiple of 16")
        if self.vary_masks and (self.draw, self.encoding) == ("masks", "binary"):
            raise UserError("--vary_masks bends distances, not the outlines of vessels: add --encoding=signed_distance")
        if self.penalty and self.d_norm == "batch":
            raise UserError("--penalty is about single pictures, which --d_norm=batch mixes: use --d_norm=none or "
                            "spectral")

    @property
    def side(self) -> int:
        return self.size

    @property
    def channels(self) -> int:
        """Channels of the pictures: 1 for masks, 3 (RGB) for photographs."""
        return 3 if self.draw == "photographs" else 1


@dataclass(frozen=True)
class MasksConfig(Config):
    """Draws masks, or photographs of a single GAN, with a trained Stage-I."""

    model: str = option("", "Folder of a trained Stage-I, or of a single GAN.", required=True, set_by_make=True)
    out: str = option("", "File for the pictures (HDF5); a contact sheet is written beside it.", required=True,
                      set_by_make=True)
    count: int = option(50, "Pictures to draw; the paper renders 50 masks.", low=1)
    mask_size: int = option(512, "Pixels of the masks, or photographs, square.", low=64, high=1024)
    decoder: str = option("cut", "How drawn pictures become masks: cut at a threshold, as in the paper; or traced to "
                          "trees of vessels that fork, taper and meet at the optic disc. A tree is for fundus data: "
                          "masks of other modalities are cut. It needs Stage-I's --encoding=signed_distance.",
                          choices=DECODERS)
    match_share: bool = option(False, "Choose the threshold that gives masks the training masks' share of foreground; "
                               "trees also get vessels that are as wide, and wind as much, as theirs in the mean.")
    vary: float = option(0.0, "Mirror, turn and bend fundus masks, and make their vessels thicker or thinner, more or "
                         "fewer: 1 as much as real eyes differ, 0 not at all.", low=0, high=2)
    bridge: float = option(0.0, "With --decoder=cut: join broken vessels along ridges that are at most this much below "
                           "the threshold.", low=0, high=1)
    speck: int = option(0, "Remove connected components of fewer pixels from masks.", low=0)
    seed: int = option(1, "Seed of the noise z.", low=0, high=2 ** 31 - 1)
    shard: str = shard_option()

    def check(self):
        shard_rows(self.shard, self.count)


@dataclass(frozen=True)
class MembersConfig(Config):
    """Scores real masks by the discriminator, for the audit's membership inference."""

    model: str = option("", "Folder of a trained Stage-I.", required=True, set_by_make=True)
    out: str = option("", "File for the scores (JSON).", required=True, set_by_make=True)

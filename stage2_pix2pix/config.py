"""The options of Stage-II. Defaults are the authors' values."""
from __future__ import annotations

from dataclasses import dataclass

from data.errors import UserError
from training.config import Config, TrainingConfig, option

ARCHITECTURES = ("pix2pix",)  # each is a module in architectures/
NORMS = ("batch", "instance", "none")
UPSAMPLINGS = ("transposed", "resize")


@dataclass(frozen=True)
class Stage2Config(TrainingConfig):
    """Trains Stage-II."""

    photos: str = option("", "Photographs without masks, layout:path; none: trains on --pairs.", set_by_make=True)
    photo_masks: str = option("", "Folder of the photographs' masks, STEM.png.", set_by_make=True)
    add_pairs: bool = option(False, "Train on the annotated training pairs beside the photographs: masks of their "
                             "kind, and their colours, are then known to it.")
    architecture: str = option("pix2pix", "Which networks and losses.", choices=ARCHITECTURES)
    size: int = option(512, "Pixels, square; a multiple of 8.", low=64, high=1024)
    base: int = option(64, "Filters of the generator's first level.", low=4, high=256)
    d_base: int = option(64, "Filters of the discriminator's first level.", low=4, high=256)
    norm: str = option("batch", "Normalisation in the generator.", choices=NORMS)
    d_norm: str = option("none", "Normalisation in the discriminator.", choices=NORMS)
    dropout: float = option(0.5, "In the first three decoder blocks.", low=0, high=0.9)
    upsampling: str = option("transposed", "Of the generator's two finest levels; resize leaves no checkerboard.",
                             choices=UPSAMPLINGS)
    tell_fov: bool = option(False, "Tell the networks the field of view.")
    colour_code: bool = option(False, "Draw standardised colours; each photograph's own mean and spread of them are "
                               "given, not learned.")
    noise: int = option(0, "Planes of noise that the generator may make texture of.", low=0, high=16)
    grain: bool = option(False, "Add to renderings the fine texture that they lack, as noise of its strength.")
    flips: bool = option(False, "Show the pairs mirrored, too.")
    l1_weight: float = option(1.0, "Weight of the mean absolute difference.", low=0, high=1000)
    optimizer: str = option("rmsprop", "Optimizer of both networks.", choices=("rmsprop", "adam"))
    learning_rate: float = option(1e-3, "Learning rate of both networks.", low=1e-8, high=1)
    epochs: int = option(100, "Epochs.", low=1, may_change=True)
    batch_size: int = option(32, "Pairs a step, over all devices.", low=1)
    pictures_every: int = option(5, "Epochs between two sample sheets.", low=1)

    def check(self):
        if self.size % 8:
            raise UserError(f"--size={self.size} cannot be halved three times: use a multiple of 8")
        if self.photos and not self.photo_masks:
            raise UserError("--photos needs --photo_masks, the folder that unet_eval.segment wrote for them")

    @property
    def known_planes(self) -> int:
        """Channels of what both networks are told: the mask and, with tell_fov, the field of view."""
        return 1 + self.tell_fov


@dataclass(frozen=True)
class PairsConfig(Config):
    """Renders masks with a trained Stage-II."""

    model: str = option("", "Run folder of Stage-II.", required=True, set_by_make=True)
    masks: str = option("", "Masks to render (HDF5), from stage1_dcgan.generate; none: the real training masks, which "
                        "shows what Stage-II alone loses.", set_by_make=True)
    out: str = option("", "The synthetic pairs (HDF5); the contact sheet lies beside it.", required=True,
                      set_by_make=True)
    count: int = option(50, "Pairs to make of the real training masks, each as often as that takes.", low=1)
    seed: int = option(1, "Seed of fields of view, colours and noise.", low=0, high=2 ** 31 - 1)

"""The options of Stage-II. Defaults are the authors' values."""
from __future__ import annotations

from dataclasses import dataclass

from data.errors import UserError
from data.shards import shard_rows
from training.config import Config, TrainingConfig, option, shard_option

ARCHITECTURES = ("pix2pix", "coarse_to_fine")  # each is a module in architectures/
NORMS = ("batch", "instance", "none")
UPSAMPLINGS = ("transposed", "resize")


@dataclass(frozen=True)
class Stage2Config(TrainingConfig):
    """Trains Stage-II."""

    photos: str = option("", "Photographs to train on, layout:path; without it, trains on --pairs.", set_by_make=True)
    photo_masks: str = option("", "Folder with the masks of --photos, STEM.png, from unet_eval.segment.",
                              set_by_make=True)
    add_pairs: bool = option(False, "Train on --pairs as well as on --photos, and render in the colours of --pairs.")
    architecture: str = option("pix2pix", "Networks and losses.", choices=ARCHITECTURES)
    size: int = option(512, "Pixels, square; a multiple of 8.", low=64, high=1024)
    base: int = option(64, "Filters of the generator's first level.", low=4, high=256)
    d_base: int = option(64, "Filters of the discriminator's first level.", low=4, high=256)
    norm: str = option("batch", "Normalisation in the generator.", choices=NORMS)
    d_norm: str = option("none", "Normalisation in the discriminator.", choices=NORMS)
    dropout: float = option(0.5, "Dropout rate in the first three decoder blocks.", low=0, high=0.9)
    upsampling: str = option("transposed", "Upsampling in the generator's two finest levels; resize avoids "
                             "checkerboard patterns.", choices=UPSAMPLINGS)
    tell_fov: bool = option(False, "Give the field of view to both networks.")
    colour_code: bool = option(False, "The generator draws standardised colours; the mean and standard deviation of "
                               "each channel come from photographs.")
    noise: int = option(0, "Channels of Gaussian noise that the generator gets.", low=0, high=16)
    grain: bool = option(False, "Add noise to renderings that is as strong as the fine texture that they lack.")
    flips: bool = option(False, "Mirror the training pairs at random.")
    l1_weight: float = option(1.0, "Weight of the mean absolute error in the generator's loss.", low=0, high=1000)
    crop: int = option(128, "Pixels of the crops that coarse_to_fine is trained on, a multiple of 8.", low=64, high=512)
    coarse_steps: int = option(1500, "Steps of the coarse network, with coarse_to_fine, and two thirds as many of the "
                               "segmenter.", low=1)
    coarse_batch: int = option(8, "Pairs per step of the coarse network and of the segmenter, with coarse_to_fine, "
                               "over all devices.", low=1)
    vessel_looks: bool = option(False, "Tell coarse_to_fine how dark each vessel of a photograph is and how bright its "
                                "reflex, and draw that at random for renderings. Else all of a width look alike.")
    agreement: float = option(10.0, "Weight of the segmenter's agreement, with coarse_to_fine.", low=0, high=1000)
    optimizer: str = option("rmsprop", "Optimizer of both networks.", choices=("rmsprop", "adam"))
    learning_rate: float = option(1e-3, "Learning rate of both networks; with coarse_to_fine, of the fine generator at "
                                  "the start.", low=1e-8, high=1)
    epochs: int = option(100, "Epochs.", low=1, may_change=True)
    batch_size: int = option(32, "Pairs per step, over all devices.", low=1)
    pictures_every: int = option(5, "Epochs from one sample picture to the next.", low=1)

    def check(self):
        if self.size % 8:
            raise UserError(f"--size={self.size} cannot be halved three times: use a multiple of 8")
        if self.architecture == "coarse_to_fine" and (self.crop % 8 or self.crop > self.size):
            raise UserError(f"--crop={self.crop}: use a multiple of 8, at most --size={self.size}")
        if self.architecture == "coarse_to_fine" and self.accumulate > 1:
            raise UserError(f"--accumulate={self.accumulate} is not for --architecture=coarse_to_fine, whose updates "
                            "share a rendering: use a smaller --batch_size or --crop")
        if self.photos and not self.photo_masks:
            raise UserError("--photos needs --photo_masks, the folder that unet_eval.segment wrote for them")

    @property
    def side(self) -> int:
        return self.crop if self.architecture == "coarse_to_fine" else self.size

    @property
    def other_batches(self) -> dict[str, int]:
        return {"coarse_batch": self.coarse_batch} if self.architecture == "coarse_to_fine" else {}

    @property
    def known_planes(self) -> int:
        """Number of input channels that both networks get: the mask and, with tell_fov, the field of view."""
        return 1 + self.tell_fov


@dataclass(frozen=True)
class PairsConfig(Config):
    """Renders masks with a trained Stage-II."""

    model: str = option("", "Folder of a trained Stage-II.", required=True, set_by_make=True)
    masks: str = option("", "Masks to render (HDF5), Stage-I's or any others; without it, the real training masks.",
                        set_by_make=True)
    out: str = option("", "File for the pairs (HDF5); a contact sheet is written beside it.", required=True,
                      set_by_make=True)
    count: int = option(50, "Pairs to make without --masks; the training masks are used in turn. With --shard and "
                        "masks of which only parts are there: how many masks there will be.", low=1)
    seed: int = option(1, "Seed for fields of view, colours and noise.", low=0, high=2 ** 31 - 1)
    shard: str = shard_option()

    def check(self):
        shard_rows(self.shard, self.count)


@dataclass(frozen=True)
class MembersConfig(Config):
    """Measures how well Stage-II renders real photographs, for the audit's membership inference."""

    model: str = option("", "Folder of a trained Stage-II.", required=True, set_by_make=True)
    out: str = option("", "File for the scores (JSON).", required=True, set_by_make=True)

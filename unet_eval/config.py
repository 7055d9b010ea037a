"""The options of the U-Net's scripts. Defaults of the training are the authors' values."""
from __future__ import annotations

from dataclasses import dataclass

from data.errors import UserError
from data.shards import shard_rows
from training.config import Config, TrainingConfig, foreground_option, modality_option, option
from unet_eval.arms import NAMES, PAPER_PAIRS, parse_arm

INPUTS = ("green_clahe", "grey")
AUGMENTATIONS = ("none", "light", "strong")
LOSSES = ("bce", "bce_dice", "mse")
KL_BINS = ("2", "4", "8", "16", "32", "64", "128", "256")
KL_CHANNELS = ("grey", "rgb")
KL_PIXELS = ("fov", "all")


@dataclass(frozen=True)
class UnetConfig(TrainingConfig):
    """Trains the U-Net of one arm."""

    arm: str = option("real", f"What it is trained on: {NAMES}.", set_by_make=True)
    synthetic: str = option("", "The arm's made pairs (HDF5).", set_by_make=True)
    count: int = option(PAPER_PAIRS, "Made pairs that it takes, from the first; synthetic-N takes N.", low=1)
    agree_with: str = option("", "Folder of a trained U-Net: of all made pairs it takes those on whose masks that "
                             "U-Net agrees most, instead of the first.")
    real_share: float = option(0.5, "Share of the crops that are real in real+synthetic.", low=0.01, high=0.99)
    synthetic_first: float = option(0.0, "Share of the steps in which real+synthetic shows synthetic pairs only, to "
                                    "show real ones only in the rest (pre-training); 0 mixes them all along.", low=0,
                                    high=0.99)
    base: int = option(32, "Filters of the first level.", low=1, high=256)
    poolings: int = option(4, "Times the picture is halved.", low=1, high=6)
    space_to_depth: bool = option(False, "Halve the picture once more, before the first level, with the four pixels "
                                  "of a square as channels, and give as many back at the end: twice the filters take "
                                  "two thirds of the time.")
    input: str = option("grey", "What it sees of a photograph.", choices=INPUTS)
    test_flips: bool = option(False, "Average the answers to four flips of a picture; four times the work.")
    own_statistics: bool = option(False, "Where it answers, batch norm also uses means and variances of the picture "
                                  "itself, the more the fewer training photographs there are (docs/trials.md).")
    crop: int = option(128, "Side of the training crops in pixels, a multiple of 2^poolings, twice that with "
                      "--space_to_depth.", low=16, high=1024)
    augmentation: str = option("none", "Changes to crops; strong: light and noise as well.", choices=AUGMENTATIONS)
    texture: float = option(0.0, "Add smooth noise as wide as vessels to crops, up to so much of the range from black "
                            "to white, so that texture is not taken for vessels.", low=0, high=1)
    rotate: float = option(0.0, "Turn crops by up to so many degrees.", low=0, high=180)
    elastic: float = option(0.0, "Deform crops by up to so many pixels.", low=0, high=32)
    loss: str = option("mse", "What is minimised.", choices=LOSSES)
    optimizer: str = option("adagrad", "Optimizer.", choices=("adagrad", "adam"))
    learning_rate: float = option(1e-4, "Learning rate, at the start.", low=1e-8, high=1)
    cosine_decay: bool = option(False, "Let the learning rate fall to 0 along a cosine.")
    validation: int = option(2, "Training images held out to watch the F1 on: so many or more, for patients are "
                             "held out whole.", low=0)
    validate_every: int = option(1, "Epochs between two validations.", low=1)
    batch_size: int = option(8, "Crops a step, over all devices.", low=1)

    @classmethod
    def from_json(cls, saved: dict, where: str) -> UnetConfig:
        """Earlier versions wrote the seed of a repetition as `seed` and `repeat`, which were added."""
        saved = dict(saved)
        repeat = saved.pop("repeat", None)
        return super().from_json({**saved, "seed": saved.get("seed", 0) + repeat} if repeat else saved, where)

    def check(self):
        arm = parse_arm(self.arm, self.count)
        if self.crop % 2 ** self.halvings:
            raise UserError(f"--crop={self.crop} cannot be halved {self.halvings} times: use a multiple of "
                            f"{2 ** self.halvings}")
        if arm.kind.store and not self.synthetic:
            raise UserError(f"--arm={self.arm} needs --synthetic=FILE, its pairs: `make unet-{self.arm}` "
                            f"makes {arm.kind.store}.h5")

    @property
    def side(self) -> int:
        return self.crop

    @property
    def halvings(self) -> int:
        """Times the picture is halved down to the deepest level; its sides have to be multiples of 2^halvings."""
        return self.poolings + self.space_to_depth


@dataclass(frozen=True)
class SegmentConfig(Config):
    """Turns any images into masks with a trained U-Net."""

    model: str = option("", "Run folder of a trained U-Net.", required=True, set_by_make=True)
    images: str = option("", "layout:path, or any folder of images.", required=True, set_by_make=True)
    out: str = option("", "Folder for the masks, one PNG an image, on its own pixel grid.", required=True,
                      set_by_make=True)
    modality: str = modality_option()
    probability: float = option(0.5, "Probability from which a pixel is foreground.", low=0, high=1)
    shard: str = option("", "Segment the K-th of N shares of the images only, K/N, for example 3/16.", set_by_make=True)

    def check(self):
        shard_rows(self.shard, 1)


@dataclass(frozen=True)
class AgreementConfig(Config):
    """Measures how far a trained U-Net agrees with the masks of pairs."""

    model: str = option("", "Run folder of the trained U-Net.", required=True, set_by_make=True)
    store: str = option("", "The pairs (HDF5).", required=True, set_by_make=True)
    out: str = option("", "File for the F1 of each pair (JSON).", required=True, set_by_make=True)


@dataclass(frozen=True)
class MembersConfig(Config):
    """Scores real photographs by how well a trained U-Net segments them, for membership inference."""

    model: str = option("", "Run folder of the trained U-Net.", required=True, set_by_make=True)
    out: str = option("", "File for the scores (JSON).", required=True, set_by_make=True)


@dataclass(frozen=True)
class RelabelConfig(Config):
    """Gives pairs, or photographs, soft labels with a trained U-Net."""

    model: str = option("", "Run folder of the trained U-Net.", required=True, set_by_make=True)
    store: str = option("", "Pairs to relabel (HDF5).", set_by_make=True)
    pairs: str = option("", "Annotated data set, layout:path, whose training images are relabelled.", set_by_make=True)
    photos: str = option("", "Photographs to label, layout:path; masks are not read.", set_by_make=True)
    out: str = option("", "File for the pairs (HDF5).", required=True, set_by_make=True)
    modality: str = modality_option()
    foreground: tuple[str, ...] = foreground_option()
    mix: float = option(0.5, "Share of the U-Net's probability in a label; the rest is the mask's. Photographs without "
                        "masks get the probability alone.", low=0, high=1)

    def check(self):
        if sum(map(bool, (self.store, self.pairs, self.photos))) != 1:
            raise UserError("--store, --pairs or --photos has to be given, one of them: what is to be labelled")


@dataclass(frozen=True)
class EvaluateConfig(Config):
    """Measures every arm of a run on the real test images, and writes the report."""

    run: str = option("", "Folder of the run, with unet-ARM/ folders and synthetic.h5.", required=True,
                      set_by_make=True)
    pairs: str = option("", "Data set whose test images measure the arms, layout:path.", required=True,
                        set_by_make=True)
    photos: str = option("", "Photographs that Stage-II learned from, layout:path; empty where it had none.",
                         set_by_make=True)
    modality: str = modality_option()
    foreground: tuple[str, ...] = foreground_option()
    reports: str = option("", "Folder for results.json, results.md, report.html and figures/.", required=True,
                          set_by_make=True)
    second: str = option("", "Folder of the run on a second data set, for Figure 6.", set_by_make=True)
    test: tuple[str, ...] = option((), "Another data set, layout:path, on whose test images the arms are measured, "
                                   "too; may be given several times.", repeatable=True)
    threshold: str = option("0.5", "Probability from which a pixel is vessel; 'tuned' is, for each U-Net, the one of "
                            "the best vessel F1 on the pairs that it was trained on, without those held out.")
    arms: tuple[str, ...] = option((), "Arms to measure; by default all that are trained.")
    seeds: int = option(0, "U-Nets of every arm to measure at most; by default all that are trained.", low=0)
    kl_bins: str = option("256", "Bins of the histograms that KL compares.", choices=KL_BINS)
    kl_channels: str = option("grey", "Grey levels, or the mean of the KL of the three colours.", choices=KL_CHANNELS)
    kl_pixels: str = option("fov", "Pixels of those histograms: in the field of view, or all.", choices=KL_PIXELS)
    kl_smoothing: float = option(1.0, "Counts added to every bin of them.", low=0)

    def check(self):
        try:
            allowed = self.threshold == "tuned" or 0 < float(self.threshold) < 1
        except ValueError:
            allowed = False
        if not allowed:
            raise UserError(f"--threshold={self.threshold}: write 'tuned' or a number between 0 and 1")
        for name in self.arms:
            parse_arm(name)


@dataclass(frozen=True)
class FoldsConfig(Config):
    """Pools the reports of all folds of a data set."""

    reports: str = option("", "Folder of the run's reports, without the -foldK of the folds.", required=True)
    folds: int = option(3, "Number of folds.", low=2)


@dataclass(frozen=True)
class AuditConfig(Config):
    """Looks for copies of training images in synthetic pairs."""

    store: str = option("", "The synthetic pairs (HDF5).", required=True, set_by_make=True)
    run: str = option("", "Folder of their run, with the folder audit, which `make audit` fills.", required=True,
                      set_by_make=True)
    pairs: str = option("", "Annotated data set that the GANs learned from, layout:path.", required=True,
                        set_by_make=True)
    photos: str = option("", "Photographs without masks, layout:path, whether Stage-II learned from them or not; where "
                         "none are given, those that it learned from.", set_by_make=True)
    modality: str = modality_option()
    foreground: tuple[str, ...] = foreground_option()
    out: str = option("", "Folder for audit.json, audit.md, audit.html and pictures.", required=True, set_by_make=True)

"""Whether the trainings of a run saw the data as they are now, and no image that it is tested on.

    python -m training.provenance --run=checkpoints/mine --pairs=folder:/data/mine
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data import layouts
from data.copies import refuse_copies, without_copies
from data.errors import UserError
from data.few import parse_few
from data.layouts import Sample
from data.pairs import PairReader
from data.released import parse_release
from data.synthmed.source import STAGES
from training.cli import run
from training.config import Config, modality_option, option
from training.run_folder import read_record


@dataclass(frozen=True)
class ProvenanceConfig(Config):
    """Refuses a run whose trainings saw other data than there are now, or a copy of a test image."""

    run: str = option("", "Folder of the run.", required=True, set_by_make=True)
    pairs: str = option("", "Annotated data set, layout:path.", required=True, set_by_make=True)
    photos: str = option("", "Photographs that Stage-II learned from, layout:path; empty where it had none.",
                         set_by_make=True)
    modality: str = modality_option()


def learned_behind(pairs: str) -> dict[str, str | None]:
    """{stage: checksum of the images that it learned from, None where that is not said}, of the GANs behind a release;
    {} of other data sets."""
    release, _ = parse_release(parse_few(pairs)[1])
    if not release:
        return {}
    path = Path(release.folder) / "pairs.h5"
    if not path.is_file():
        return dict.fromkeys(STAGES)
    with PairReader(path, "make synthmed") as reader:
        learned = reader.attributes.get("learned_from")
    return {stage: learned.get(stage) if isinstance(learned, dict) else None for stage in STAGES}


def seen(flags: dict, pairs: str, photos: str, modality: str = "") -> list[Sample]:
    """What a training with these `flags` (config.json) sees of PAIRS and PHOTOS. UserError as `layouts.training`."""
    train, held_out = layouts.training(pairs, flags.get("validation", 0), modality)
    if "arm" in flags:  # a U-Net is validated on the others
        return train + held_out
    if not flags.get("photos"):
        return train
    photographed = without_copies(
        layouts.photographs(photos or flags["photos"], pairs, modality, flags["photo_masks"]), held_out)
    return photographed + (train if flags.get("add_pairs") else [])


def check_run(folder: Path, pairs: str, photos: str, modality: str = "") -> None:
    """UserError where a training in a subfolder of `folder` saw other data than there are now, or a copy of a test
    image of `pairs`. Trainings of earlier versions that kept no checksum are taken to have seen these data."""
    shown: dict[Path, Sample] = {}
    for path in sorted(folder.glob("*/config.json")):
        record = read_record(path.parent, "train this stage again")
        flags = record["flags"]
        if "pairs" not in flags:
            continue
        samples = seen(flags, pairs, photos, modality)
        shown.update((sample.image, sample) for sample in samples)
        try:
            same = record["data"].get("checksum") in (None, layouts.checksum(samples))
        except FileNotFoundError:
            same = False
        if not same:
            photographed = flags.get("photos")
            data = f"{pairs} and {photos}" if photographed else pairs
            copied = ", or an earlier version also learned from copies of held-out images" if photographed else ""
            raise UserError(f"{path.parent} was trained on other data than {data} holds now: images or masks were "
                            f"changed, added or removed since{copied}. Put back what there was, or train everything "
                            f"again with another RUN, or after make clean RUN={folder.name}")
    refuse_copies(layouts.samples(pairs, "test", modality=modality), list(shown.values()), "what trainings saw")


def main(config: ProvenanceConfig) -> None:
    check_run(Path(config.run), config.pairs, config.photos, config.modality)


if __name__ == "__main__":
    run(main, ProvenanceConfig)

"""Reads what an audit compares, and checks that it is what the GANs learned from."""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from data import layouts
from data.check import check
from data.copies import copies, fingerprints, without_copies
from data.errors import UserError
from data.few import parse_few
from data.files import checksum
from data.layouts import Sample
from data.members import SIDES, find_sides, read_members
from data.pairs import PairReader
from data.synthmed.source import STAGES, trainings
from training.provenance import learned_behind, seen
from training.warm import read_seen
from unet_eval.audit.examine import Real
from unet_eval.audit.records import Records, from_masks, from_samples, from_store
from unet_eval.audit.verdict import attack
from unet_eval.config import AuditConfig

LEAST_HELD_OUT = 2  # patients: a control compares one half with the other
FOLDER = "audit"    # of a run


def read_pairs(config: AuditConfig) -> tuple[Records, dict]:
    """(the synthetic pairs, {"stage1", "stage2": config.json of the training}). UserError where they are missing, or
    where the file does not say which GANs made it."""
    with PairReader(config.store, "make stage2", ("masks", "images", "fovs")) as reader:
        trained = trainings(reader)
        if not all(record.get("flags") for record in trained.values()):
            raise UserError(f"{config.store} does not say which Stage-I and Stage-II made it: give a synthetic.h5")
        return from_store(reader), trained


@dataclass(frozen=True)
class RealSamples:
    """What is read of the real images: pairs that the GANs learned from, pairs that they did not see, photographs."""

    training: list[Sample]
    held_out: list[Sample]
    photos: list[Sample]


def find_real(config: AuditConfig, trained: dict) -> RealSamples:
    """UserError where the images are not those that the GANs learned from, or not all of them, or are not read as they
    were then, or too few were held out."""
    for stage, record in trained.items():
        _check_reading(f"{stage} of {config.store}", record["flags"], config)
    flags, pairs = trained["stage2"]["flags"], layouts.original(config.pairs)
    alone = flags.get("photos") and not flags.get("add_pairs")  # then Stage-II saw no image of PAIRS
    held = {name: record["flags"].get("validation", 0) for name, record in trained.items()}

    def unseen(count):  # whole patients are held out, so two counts may be the same images
        return {sample.image for sample in layouts.training(pairs, count, config.modality, config.foreground)[1]}

    if not alone and unseen(held["stage1"]) != unseen(held["stage2"]):
        raise UserError(f"{config.store}: Stage-I was trained with --validation={held['stage1']}, Stage-II with "
                        f"--validation={held['stage2']}, so one saw what the other held out: train both with one value")
    training, held_out = find_sides(config.pairs, trained["stage1"]["flags"].get("validation", 0), config.modality,
                                    config.foreground)
    photos = layouts.photographs(config.photos or flags.get("photos", ""), pairs, config.modality)
    for stage, record in trained.items():
        samples = seen(record["flags"], config.pairs, config.photos, config.modality)
        _check(f"{stage} of {config.store}", record["data"].get("checksum"), samples, config.pairs)
        if record["flags"].get("warm_start"):
            compared = [] if stage == "stage2" and alone else training
            _check_warm(Path(config.run) / stage, [*samples, *compared])
    for stage, learned in learned_behind(config.pairs).items():
        _check(f"{stage} of the release", learned, training, pairs)
    # What the GANs learned from stays; a copy of a training image is of that image's patient.
    photos = without_copies(photos, held_out if flags.get("photos") else training + held_out)
    known = {photo.image: pair.patient for pair, photo in copies(training, photos)}
    patients = len({sample.patient for sample in held_out})
    if patients < LEAST_HELD_OUT:
        raise UserError(f"--pairs={config.pairs}: {patients} patient{' was' if patients == 1 else 's were'} held out, "
                        f"an audit needs {LEAST_HELD_OUT} or more that no training saw: add test images of others")
    others = [replace(sample, patient=known.get(sample.image, f"photograph {sample.patient}")) for sample in photos]
    return RealSamples(training, held_out, others)


def read_real(found: RealSamples, trained: dict) -> Real:
    """The images. UserError where one cannot be read."""
    check([*found.training, *found.held_out, *found.photos])
    flags = trained["stage2"]["flags"]
    return Real(from_samples(found.training), from_samples(found.held_out),
                from_samples(found.photos) if found.photos else None,
                learned=bool(flags.get("photos")), paired=not flags.get("photos") or flags.get("add_pairs", False))


def made_from(config: AuditConfig, found: RealSamples) -> dict:
    """What an audit depends on, as JSON has it: checksums of its files, patients, options. UserError where a file is
    missing."""
    files = {"pairs": Path(config.store), **{path.name: path for path in _files(config)}}
    missing = [path for path in files.values() if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]} is missing: call `make audit`")
    return {**{name: checksum(path) for name, path in files.items()},
            **{name: layouts.checksum(samples) for name, samples in vars(found).items()},
            "patients": [sample.patient for samples in vars(found).values() for sample in samples],
            "modality": config.modality, "foreground": list(config.foreground)}


def _files(config):
    return [Path(config.run) / FOLDER / name for name in ("overtrained.h5", *(f"{stage}.json" for stage in STAGES))]


def _check_reading(stage: str, flags: dict, config: AuditConfig) -> None:
    """With other options masks may be inverted, or photographs uncropped, and copies of them would not be found."""
    learned, now = (layouts.modality_of(config.pairs, given) for given in (flags.get("modality", ""), config.modality))
    if learned != now:
        raise UserError(f"--modality={config.modality}: {stage} learned from images that show {learned}, and so they "
                        f"would be read as {now}: give --modality={learned}")
    foreground = ",".join(flags.get("foreground", ()))
    if foreground != ",".join(config.foreground):
        raise UserError(f"--foreground={','.join(config.foreground)}: {stage} learned from masks that were read with "
                        f"--foreground={foreground}: give the same")


def _check(stage: str, learned: str | None, samples: list[Sample], pairs: str) -> None:
    """learned: the checksum of what it learned from."""
    try:
        same = learned == layouts.checksum(samples)
    except FileNotFoundError:
        same = False
    if not same:
        raise UserError(f"--pairs={pairs}: not the images that {stage} learned from; give those, as they were")


def _check_warm(folder: Path, samples: list[Sample]) -> None:
    """UserError where the weights that a stage began with saw others than these, of which nobody would find copies."""
    remedy = "train it without --warm_start, or from weights that saw only images of --pairs"
    others = {*read_seen(folder, remedy)} - {*fingerprints(samples)}
    if others:
        raise UserError(f"{folder} began with weights that have seen {len(others)} images which this audit does not "
                        f"look for: {remedy}")


def read_overtrained(config: AuditConfig) -> tuple[Records, Records, Records]:
    """(masks of an over-trained Stage-I, the few pairs that it learned by heart, others)."""
    with PairReader(Path(config.run) / FOLDER / "overtrained.h5", "make audit") as reader:
        few, _ = parse_few(reader.attributes["stage1"]["flags"]["pairs"])
        masks = from_masks(reader)
    training, tests = find_sides(config.pairs, 0, config.modality, config.foreground)
    learned = few.of(training)
    patients = {sample.patient for sample in learned}
    others = [sample for sample in sorted(training + tests, key=lambda sample: sample.stem)
              if sample.patient not in patients]
    return masks, from_samples(learned), from_samples(others)


def read_attacks(config: AuditConfig, found: RealSamples) -> dict[str, dict | None]:
    """{title: what `membership` takes, or None where nobody was scored}, of the attacks on both generators. UserError
    where these were asked about other images than `found`, such as before test images were added."""
    attacks, now = {}, [[(sample.stem, sample.patient) for sample in getattr(found, side)] for side in SIDES]
    for stage in STAGES:
        path = Path(config.run) / FOLDER / f"{stage}.json"
        for title, sides in read_members(path, "call `make audit`").items():
            asked = [[(entry["stem"], entry["patient"]) for entry in sides[side]] for side in SIDES]
            if any(asked) and asked != now:
                raise UserError(f"{path} is of other images, or patients, than --pairs={config.pairs} has now: remove "
                                "it and call `make audit` again")
            attacks[title] = attack(sides)
    return attacks

"""Reads what an audit compares, and checks that it is what the GANs learned from."""
from __future__ import annotations

from pathlib import Path

from data import layouts
from data.check import check
from data.errors import UserError
from data.few import parse_few
from data.members import read_members
from data.pairs import PairReader
from unet_eval.audit.examine import Real
from unet_eval.audit.records import Records, from_masks, from_samples, from_store
from unet_eval.audit.verdict import attack
from unet_eval.config import AuditConfig

ATTACKS = {"stage1": "Stage-I, by what its discriminator says of masks",
           "stage2": "Stage-II, by how well it renders photographs"}
LEAST_HELD_OUT = 2  # patients: one half sets thresholds, the other half is a control


def read_pairs(config: AuditConfig) -> tuple[Records, dict]:
    """(the synthetic pairs, {"stage1", "stage2": config.json of the training}). UserError where they are missing, or
    where the file does not say which GANs made it."""
    with PairReader(config.store, "make stage2", ("masks", "images", "fovs")) as reader:
        stage1, stage2 = ((reader.attributes.get(name) or {}) for name in ("stage1", "stage2"))
        trained = {"stage1": stage1.get("stage1", {}), "stage2": stage2}
        if not all(record.get("flags") for record in trained.values()):
            raise UserError(f"{config.store} does not say which Stage-I and Stage-II made it: give a synthetic.h5")
        return from_store(reader), trained


def read_real(config: AuditConfig, trained: dict) -> Real:
    """The real images. UserError where they are not those that the GANs learned from, or too few were held out."""
    flags = trained["stage2"]["flags"]
    training, validation = layouts.training(config.pairs, trained["stage1"]["flags"]["validation"], config.modality)
    held_out = validation + layouts.samples(config.pairs, "test", modality=config.modality)
    photos = layouts.samples(config.photos, "all", masks=False, modality=config.modality) if flags["photos"] else []
    check([*training, *held_out, *photos])
    for stage, record in trained.items():
        if (stage == "stage1" or not photos) and record["data"]["checksum"] != layouts.checksum(training):
            raise UserError(f"--pairs={config.pairs}: not the images that {stage} of {config.store} learned from; give "
                            "those, as they were")
    patients = sorted({sample.patient for sample in held_out})
    if len(patients) < LEAST_HELD_OUT:
        raise UserError(f"--pairs={config.pairs}: {len(patients)} patient was held out, an audit needs "
                        f"{LEAST_HELD_OUT} or more that no training saw: add test images")
    halves = [[sample for sample in held_out if patients.index(sample.patient) % 2 == half] for half in (0, 1)]
    return Real(from_samples(training), *map(from_samples, halves), photos=from_samples(photos) if photos else None,
                paired=not photos or flags.get("add_pairs", False))


def read_overtrained(config: AuditConfig) -> tuple[Records, Records, Records] | None:
    """(masks of an over-trained Stage-I, the few pairs that it learned by heart, others), or None without its file."""
    path = Path(config.run) / "overtrained.h5"
    if not path.exists():
        return None
    with PairReader(path, "make audit") as reader:
        few, _ = parse_few(reader.attributes["stage1"]["flags"]["pairs"])
        masks = from_masks(reader)
    samples = layouts.samples(config.pairs, "all", modality=config.modality)
    learned = few.of(layouts.samples(config.pairs, "train", modality=config.modality))
    patients = {sample.patient for sample in learned}
    others = [sample for sample in samples if sample.patient not in patients]
    return masks, from_samples(learned), from_samples(others)


def read_attacks(config: AuditConfig) -> dict[str, dict | None]:
    """Scores of both generators' attacks, None where there are none."""
    found: dict[str, dict | None] = {}
    for stage, title in ATTACKS.items():
        path = Path(config.run) / f"members-{stage}.json"
        members = read_members(path, "call `make audit` again") if path.exists() else {"training": []}
        found[title] = attack(members) if members["training"] else None
    return found

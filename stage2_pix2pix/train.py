"""Trains Stage-II on photographs and their masks.

python -m stage2_pix2pix.train --pairs=drive:data/raw/DRIVE --photos=messidor:data/raw/MESSIDOR \
    --photo_masks=checkpoints/quick/photo_masks --out=checkpoints/quick/stage2
"""
from __future__ import annotations

import numpy as np
from absl import logging

from data import layouts
from data.check import check
from data.copies import refuse_copies, without_copies
from data.errors import UserError, listed
from stage2_pix2pix import architectures
from stage2_pix2pix.config import Stage2Config
from stage2_pix2pix.generate import load_codes
from stage2_pix2pix.grain import missing_power
from stage2_pix2pix.preparation import prepared
from stage2_pix2pix.sheet import contact_sheet, contrast_ratios
from training import devices
from training.cli import run
from training.fit import Schedule, fit
from training.run_folder import RunFolder
from training.tensorboard import Pictures
from training.warm import WarmStart, record_seen
from training.weights import save_array, save_weights

MEASURED = 200  # photographs at most whose colours and texture renderings have


def load_samples(config: Stage2Config) -> tuple[list[layouts.Sample], list[layouts.Sample]]:
    """(training samples, those of them whose colours and texture renderings imitate).

    Training samples are the photographs with the masks that a U-Net made of them. The annotated pairs are added with
    --add_pairs, and then imitated; they are used alone if there are no photographs. Raises UserError if a mask is
    missing, or if a photograph is a copy of a test image of the annotated data set. Copies of images that --validation
    holds out are left out.
    """
    annotated, held_out = layouts.training(config.pairs, config.validation, config.modality, config.foreground)
    if not config.photos:
        return annotated, annotated
    photos = layouts.photographs(config.photos, config.pairs, config.modality, config.photo_masks)
    refuse_copies(layouts.samples(config.pairs, "test", modality=config.modality), photos, f"--photos={config.photos}")
    found, photos = len(photos), without_copies(photos, held_out)
    if not photos and not config.add_pairs:
        raise UserError(f"--photos={config.photos}: each of the photographs is an image that --validation="
                        f"{config.validation} holds out: give others, or none")
    if len(photos) < found:
        logging.info("%d photographs are images that --validation holds out: left out", found - len(photos))
    missing = [sample.stem for sample in photos if not sample.mask.is_file()]
    if missing:
        raise UserError(f"{config.photo_masks} lacks the masks of {listed(missing)}: run unet_eval.segment again")
    return (photos + annotated, annotated) if config.add_pairs else (photos, photos)


def train(config: Stage2Config) -> None:
    """Starts or resumes the training in config.out. The generator's weights are then in generator.h5 there.

    Raises UserError as `load_samples`, `fit`, `RunFolder` and `check` do, and Stopped after a signal.
    """
    samples, imitated = load_samples(config)
    check(samples)
    _, held_out = layouts.training(config.pairs, config.validation, config.modality, config.foreground)
    warm = WarmStart(config, "stage2", held_out)
    architecture = architectures.load(config.architecture)
    learned = imitated if architecture.IMITATED_ONLY else samples
    schedule = Schedule.from_config(config, len(learned))
    device = devices.start(config, schedule)
    with device.strategy.scope():
        networks = architecture.networks(config)
        warm.load(networks)
    if config.dry_run:
        logging.info("Stage-II: %d pairs, %d weights, %d steps; nothing written (--dry_run)", len(learned),
                     sum(network.count_params() for network in networks.values()), schedule.steps)
        return

    identity = {"pairs": config.pairs, "photos": config.photos, "checksum": layouts.checksum(samples)}
    with RunFolder(config, {**identity, **warm.identity}, device.resolved) as folder:
        record_seen(folder, learned, warm)
        reading = {"modality": config.modality, "foreground": list(config.foreground)}
        pairs = prepared(samples, config.size, folder / "pairs.h5", {**identity, **reading}, len(imitated))
        rows = pairs.imitated_rows[:MEASURED]
        if (folder / "codes.npy").exists():  # no training of another version goes on
            load_codes(folder, architecture, "remove it, and it is made again")
        codes = architecture.codes(config, pairs)
        save_array(architecture.drawn_codes(codes[rows], config.seed), folder / "codes.npy")
        shown = np.linspace(0, len(pairs) - 1, min(8, len(pairs))).astype(int)

        def render(row):
            return architecture.render(networks, config, *pairs[row][:2], codes[row], config.seed, row)

        def sheet():
            rows = [(render(row), *pairs[row]) for row in shown]
            rendered, masks, _, photographs = zip(*rows)
            # The others may be of a camera that is not drawn.
            drawn, own_masks, fovs, own = zip(*(row for index, row in zip(shown, rows) if index in pairs.imitated_rows))
            return contact_sheet(masks, rendered, photographs), contrast_ratios(drawn, own, own_masks, fovs)

        phases = architecture.phases(config, networks, pairs, schedule)
        while True:
            with device.strategy.scope():
                phase = next(phases, None)
            if phase is None:
                break
            pictures = [] if phase.name else [Pictures(folder, sheet, config.pictures_every)]
            fit(phase.model, phase.dataset, phase.schedule, config, phase.parts, pictures, phase.name, phase.later)
        if config.grain:
            power = missing_power((pairs[row].photograph for row in rows), (render(row) for row in rows))
            save_array(power, folder / "grain.npy")
        for name, network in networks.items():
            save_weights(network, folder / f"{name}.h5")
        logging.info("Stage-II: weights in %s, pictures in %s/samples, TensorBoard logs in %s/logs", *[folder] * 3)


if __name__ == "__main__":
    run(train, Stage2Config)

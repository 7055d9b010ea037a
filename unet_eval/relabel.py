"""Gives pairs soft labels: what a trained U-Net finds in their pictures, mixed with their masks.

python -m unet_eval.relabel --model=checkpoints/quick/unet-real --store=checkpoints/quick/synthetic.h5 \
    --out=checkpoints/quick/synthetic-relabelled.h5

The U-Net's knowledge passes through any picture. What relabelling gains is therefore to the credit of the GANs only as
far as it exceeds what it gains on other pictures: on drawn ones (--store=phantom.h5), on the U-Net's own training pairs
(--pairs) and on photographs without masks (--photos).
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
from absl import logging

from data import layouts
from data.check import check
from data.copies import without_copies
from data.fundus import ACROSS, load_view, resize, square
from data.layouts import Sample
from data.pairs import PairReader, PairWriter
from training.cli import run
from training.run_folder import read_config, read_record
from unet_eval.config import RelabelConfig, UnetConfig
from unet_eval.inputs import pair_views
from unet_eval.segment import Segmenter

REMEDY = "train that U-Net first (make unet-real)"


def relabel(config: RelabelConfig) -> None:
    """Writes config.out: masks, images and fovs as they were, and labels, uint8 (N, S, S, 1), 255 times a probability.

    A label is mix * p + (1 - mix) * mask, p being the probability that the U-Net gives. Photographs without masks have
    the label p, and the mask p >= 0.5. Outside the field of view labels are 0. UserError where an input is missing or
    damaged, or where config.out is a file that this project did not write.
    """
    with ExitStack() as stack:
        segmenter = Segmenter(config.model)
        if config.store:
            reader = stack.enter_context(PairReader(config.store, "make evidence", ("masks", "images", "fovs")))
            source, rows = reader.attributes, from_store(reader, segmenter)
        else:
            trained = read_config(config.model, UnetConfig, REMEDY)
            if config.pairs:  # without the images that the U-Net is validated on
                samples, _ = layouts.training(config.pairs, trained.validation, config.modality, config.foreground)
            else:
                samples = without_copies(layouts.photographs(config.photos, trained.pairs,
                                                             config.modality or trained.modality), held_out_by(trained))
            check(samples)
            source, rows = config.pairs or config.photos, from_samples(samples, segmenter)
        attributes = {"source": source, "mix": config.mix, "labelled_by": read_record(config.model, REMEDY)}
        writer = stack.enter_context(PairWriter(config.out, attributes))
        mix = 1 if config.photos else config.mix
        for row, probability in rows:
            writer.append(**row, labels=label(row["masks"], probability, row["fovs"], mix))
    logging.info("labels of %s: %s", config.model, config.out)


def held_out_by(trained: UnetConfig) -> list[Sample]:
    """The images that a U-Net with these options is validated on. None where its data set is not here, as with networks
    that come with the project: a warning says so."""
    if not trained.validation:
        return []
    if not layouts.folder_of(layouts.original(trained.pairs)).exists():
        logging.warning("%s, from which the U-Net held out images, is not here: copies of them among the photographs "
                        "are not found", trained.pairs)
        return []
    return layouts.training(trained.pairs, trained.validation, trained.modality, trained.foreground)[1]


def label(mask: np.ndarray, probability: np.ndarray, fov: np.ndarray, mix: float) -> np.ndarray:
    """Mask and field of view uint8 (S, S, 1) 0/255, probability float32 (S, S) -> label uint8 (S, S, 1)."""
    mixed = mix * probability[..., None] + (1 - mix) * (mask / 255)
    return np.where(fov > 0, np.round(255 * mixed), 0).astype(np.uint8)


def from_store(reader: PairReader, segmenter: Segmenter) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """(masks, images and fovs of a row, the U-Net's answer at their size float32 (S, S)) of each."""
    for index, view in enumerate(pair_views(reader, range(len(reader)))):
        row = reader[index]
        row = {name: row[name] for name in ("masks", "images", "fovs")}
        yield row, np.clip(resize(segmenter.probability(view), row["masks"].shape[:2]), 0, 1)


def from_samples(samples: list[layouts.Sample], segmenter: Segmenter) \
        -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """The same of photographs, at the working scale, on which nothing is lost."""
    for sample in samples:
        view = load_view(sample)
        probability = np.clip(square(segmenter.probability(view)[..., None], ACROSS), 0, 1)
        fov = square(view.fov, ACROSS)
        mask = (np.where(probability >= 0.5, fov, 0) if view.mask is None
                else square(np.minimum(view.mask, view.fov), ACROSS))
        yield {"masks": mask[..., None], "images": square(view.image, ACROSS), "fovs": fov[..., None]}, probability


if __name__ == "__main__":
    run(relabel, RelabelConfig)

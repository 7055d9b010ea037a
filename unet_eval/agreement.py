"""How far a segmenter agrees with the masks of synthetic pairs, and which pairs to keep by that.

python -m unet_eval.agreement --model=checkpoints/quick/unet-real --store=checkpoints/quick/synthetic.h5 \
    --out=checkpoints/quick/agreement.json
"""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from data.files import OutputFolder, checksum
from data.fundus import View
from data.pairs import PairReader
from training.cli import run
from unet_eval.config import AgreementConfig
from unet_eval.inputs import pair_views
from unet_eval.measures.metrics import confusion, scores
from unet_eval.segment import Segmenter


def agreement(segmenter: Segmenter, view: View) -> float:
    """Vessel F1 at 0.5, in the field of view, of what the segmenter finds against the view's mask; 1 where neither has
    a vessel."""
    return float(scores(confusion(view.mask > 0, segmenter.probability(view) >= 0.5, view.fov > 0))["f1_vessel"])


def agreements(pairs: PairReader, folder: str | Path) -> list[float]:
    """Of each row of `pairs`, the vessel F1 of its mask against what the U-Net in `folder` finds in its photograph, at
    0.5, in the field of view; nan where neither has a vessel.

    Where Stage-II has not drawn a vessel of the mask, or has drawn one that is not in it, the pair teaches an error.
    UserError where the folder has no finished training.
    """
    segmenter, found = Segmenter(folder), []
    for view in pair_views(pairs, range(len(pairs))):
        f1 = agreement(segmenter, view)
        found.append(float("nan") if f1 == 1 and not view.mask.any() else f1)
    return found


def most_agreed(pairs: PairReader, folder: str | Path, count: int) -> list[int]:
    """The `count` rows of `pairs`, in their order, with the highest `agreements`, those without a vessel last;
    of equals the earlier ones."""
    agreed = agreements(pairs, folder)
    return sorted(np.argsort(-np.array(agreed), kind="stable")[:count].tolist())


def write_agreements(config: AgreementConfig) -> None:
    """Writes {"pairs_sha256": of the file of pairs, "f1_vessel": of each row, null where it is not defined}.

    Raises UserError where the pairs or the U-Net are missing, or the file is somebody else's.
    """
    out = Path(config.out)
    folder = OutputFolder(out.parent, "--out")
    folder.check([out.name])
    with PairReader(config.store) as pairs:
        f1 = [None if np.isnan(value) else value for value in agreements(pairs, config.model)]
    folder.write(out.name, json.dumps({"pairs_sha256": checksum(Path(config.store)), "f1_vessel": f1}).encode())


if __name__ == "__main__":
    run(write_agreements, AgreementConfig)

"""Which synthetic pairs to keep: those on whose masks a segmenter agrees with Stage-I."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from data.pairs import PairReader
from unet_eval.inputs import pair_views
from unet_eval.measures.metrics import confusion, scores
from unet_eval.segment import Segmenter


def most_agreed(pairs: PairReader, folder: str | Path, count: int) -> list[int]:
    """The `count` rows of `pairs`, in their order, with the highest vessel F1 of their masks against what the U-Net in
    `folder` finds in their photographs, at 0.5, in the field of view; of equals the earlier ones.

    Where Stage-II has not drawn a vessel of the mask, or has drawn one that is not in it, the pair teaches an error.
    UserError where the folder has no finished training.
    """
    segmenter = Segmenter(folder)
    agreed = [float(scores(confusion(view.mask > 0, segmenter.probability(view) >= 0.5, view.fov > 0))["f1_vessel"])
              for view in pair_views(pairs, range(len(pairs)))]
    return sorted(np.argsort(-np.array(agreed), kind="stable")[:count].tolist())

"""What a U-Net found on test images, as colours."""
from __future__ import annotations

import numpy as np

from unet_eval.arms import ordered, parse_arm
from unet_eval.run import Run

HIT, FALSE_POSITIVE, FALSE_NEGATIVE, OUTSIDE = (240, 240, 240), (255, 122, 20), (64, 164, 244), (70, 70, 70)
MEANINGS = {"vessel, found": HIT, "false positive": FALSE_POSITIVE, "false negative (missed)": FALSE_NEGATIVE,
            "background": (0, 0, 0), "outside the field of view": OUTSIDE}


def agreement(truth: np.ndarray, predicted: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Reference and prediction, boolean (h, w), as colours: uint8 (h, w, 3)."""
    colours = np.zeros((*truth.shape, 3), np.uint8)
    colours[truth & predicted], colours[~truth & predicted] = HIT, FALSE_POSITIVE
    colours[truth & ~predicted] = FALSE_NEGATIVE
    colours[~within] = OUTSIDE
    return colours


def segmentation(run: Run, arm: str, index: int) -> np.ndarray:
    """The `agreement` of an arm's first U-Net with a test image's reference, on the working grid."""
    net, view = run.nets[arm][0], run.tests[index].view
    return agreement(view.mask > 0, net.segmenter.probability(view) >= run.threshold(net), view.fov > 0)


def unnumbered(results: dict) -> list[str]:
    """The arms to show: those without a number in their name, or all where each has one."""
    names = ordered(results["arms"])
    return [name for name in names if not parse_arm(name).numbered] or names


def ranked_images(results: dict) -> list[int]:
    """Test images, the best first, by the vessel F1 of the first arm that is shown."""
    f1 = [image["f1_vessel"] for image in results["arms"][unnumbered(results)[0]]["per_image"]]
    return sorted(range(len(f1)), key=lambda index: -f1[index])

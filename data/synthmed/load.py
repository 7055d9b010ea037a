"""Reads this data set: python load.py shows what is in it. It needs numpy and Pillow, nothing else.

    from load import pairs
    for pair in pairs("."):
        pair["image"], pair["mask"]
"""
import json
from pathlib import Path

import numpy as np
from PIL import Image


def pairs(folder="."):
    """Yields dicts in the order of metadata.jsonl.

    image: uint8 (H, W, 3) RGB. mask, and fov where there is one: uint8 (H, W), 0 or 255. Other keys are as in it.
    """
    root = Path(folder) / "train"
    with open(root / "metadata.jsonl", encoding="utf-8") as lines:
        for line in lines:
            pair = json.loads(line)
            for name in [name for name in pair if name.endswith("_file_name")]:
                pair[name[:-len("_file_name")]] = np.asarray(Image.open(root / pair[name]))
            yield pair


if __name__ == "__main__":
    for pair in pairs(Path(__file__).parent):
        print(pair["id"], pair["image"].shape, f"{(pair['mask'] > 0).mean():.1%} foreground")

"""Contact sheets of pairs, and what is measured on them."""
from __future__ import annotations

import numpy as np

from data.fundus import square
from training.contrast import mean_contrast
from training.pictures import GREY, grid

SIDE = 192    # pixels of a picture
COLUMNS = 8


def contact_sheet(masks, rendered, photographs=()) -> np.ndarray:
    """Rows of masks, the renderings below them and, if given, the real photographs below those -> uint8 (H, W, 3).

    All are uint8 (h, w), (h, w, 1) or (h, w, 3) of any size.
    """
    # A mask is shrunk as a grey picture is: as a mask, its thin vessels would break into dashes.
    rows = [[square(np.atleast_3d(picture), SIDE) for picture in pictures]
            for pictures in (masks, rendered, photographs) if len(pictures)]
    columns = min(COLUMNS, len(masks))
    rest = [np.full((SIDE, SIDE), GREY, np.uint8)] * (-len(masks) % columns)  # fills the last row
    rows = [row + rest for row in rows]
    return grid([picture for start in range(0, len(masks), columns) for row in rows
                 for picture in row[start:start + columns]], columns)


def contrast_ratios(rendered, photographs, masks, fovs) -> dict[str, float]:
    """{"contrast/thin", "contrast/middle", "contrast/wide"}: contrast of vessels in renderings as a multiple of that in
    the photographs of the same masks; 1 is as it should be.

    The arguments have N entries, as `training.contrast.contrast` takes them. A width is left out if the masks have no
    such vessels, or if the photographs do not show them darker than their surroundings.
    """
    drawn, real = (mean_contrast(zip(pictures, masks, fovs)) for pictures in (rendered, photographs))
    return {f"contrast/{name}": drawn[name] / real[name] for name in real if real[name] > 0}

"""How Stage-I's drawings become masks: cut at a threshold or traced to trees, with what was measured for that."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from absl import logging

from data import rims
from data.errors import UserError
from data.fundus import View, square
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage1_dcgan.encoding import Cut, decode, level_for_share, without_specks
from stage1_dcgan.matching import mean_width, scale_for_width, smoothing_for_winding, winding
from stage1_dcgan.tree import FAINT, SMOOTH, Branch, draw_tree, grow, smoothed
from stage1_dcgan.variety import draw_variation, vary

MEASURED = 32     # pictures that --match_share is measured on, whatever --count is
MARGIN = 1 / 32   # of the side is left out at each side when eyes are varied: Stage-I draws few vessels along the edge


@dataclass(frozen=True)
class Tree:
    """How a drawn picture becomes a tree of vessels.

    level: what becomes 0, for at which level vessels end changes from training to training. scale: of the widths.
    smooth: sigma of the Gaussian along centre lines. speck: as in `Cut`.
    """

    level: float = 0.0
    scale: float = 1.0
    smooth: int = SMOOTH
    speck: int = 0


@dataclass(frozen=True)
class Recipe:
    """How drawings become masks.

    size: pixels of a mask, square. vary: as MasksConfig.vary. way: how they are made binary. inside: boolean (size,
    size), the field of view that trees are drawn in.
    """

    size: int
    vary: float
    way: Cut | Tree
    inside: np.ndarray

    @classmethod
    def from_record(cls, record: dict, size: int, inside: np.ndarray) -> Recipe:
        """The recipe of masks that were drawn, from the attributes of their file. UserError where these say none."""
        kind, name = (Tree, "tree") if "tree" in record else (Cut, "cut")
        try:
            known = {"smooth": SMOOTH, **record[name]}  # which older records of trees lack
            way = {field: type(default)(known[field]) for field, default in vars(kind()).items()}
            return cls(size, float(record["vary"]), kind(**way), inside)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"the record of how masks were drawn is damaged ({error}): draw them again (make stage1)") \
                from None

    @property
    def record(self) -> dict:
        """What masks.h5 says of it."""
        return {"vary": self.vary, "tree" if isinstance(self.way, Tree) else "cut": vars(self.way)}

    def varied(self, drawn: np.ndarray, seed: int, number: int) -> np.ndarray:
        """Drawing `number` of a seed, float32 (s, s), without its MARGIN, varied and enlarged to `size`; as it is if
        `vary` is 0."""
        if not self.vary:
            return drawn
        margin = round(MARGIN * len(drawn))
        inner = drawn[margin:len(drawn) - margin, margin:len(drawn) - margin]
        fine = cv2.resize(inner, (self.size, self.size), interpolation=cv2.INTER_CUBIC)
        return vary(fine, draw_variation(seed, number, self.vary))

    def grown(self, field: np.ndarray, seed: int, number: int) -> list[Branch]:
        """The tree in the varied drawing `number` of a seed."""
        variation = draw_variation(seed, number, self.vary)
        # A thicker field has more faint ridges, too, which are thin. Half of them are left out, so that widths differ.
        faint = FAINT + variation.fainter + variation.thicker / 2
        return grow(field - np.float32(self.way.level), self.inside, faint)

    def mask(self, drawn: np.ndarray, seed: int, number: int) -> np.ndarray:
        """The mask of drawing `number` of a seed: float32 (s, s) in [-1, 1] -> uint8 (size, size) 0/255."""
        field = self.varied(drawn, seed, number)
        if isinstance(self.way, Cut):
            return decode(field, self.size, self.way)
        tree = draw_tree(smoothed(self.grown(field, seed, number), self.way.smooth), self.size, self.way.scale)
        return without_specks(np.where(self.inside, tree, 0).astype(np.uint8), self.way.speck)


def measured(draw: Callable[[int], np.ndarray], config: MasksConfig, stage1: Stage1Config, views: list[View],
             fundus: bool) -> Recipe:
    """The recipe that `config` asks for. With --match_share, the level is such that MEASURED drawings have the share of
    foreground of the training views, and trees of them the mean width of their vessels, which wind as much.

    Args:
      draw: number -> float32 (s, s, C) in [-1, 1].
      fundus: whether the masks are of eyes; nothing else is a tree, or has a left and a right eye.
    Raises:
      UserError: a tree is asked for, and Stage-I did not learn distances.
    """
    size, tree = config.mask_size, fundus and config.decoder == "tree"
    if tree and stage1.encoding != "signed_distance":
        raise UserError(f"--decoder=tree needs drawn distances, and {config.model} was trained with --encoding="
                        f"{stage1.encoding}: use --decoder=cut")
    inside = rims.draw(rims.describe([view.fov for view in views]), size) > 0
    masks = [square(np.minimum(view.mask, view.fov), size) for view in views]
    way = Tree(speck=config.speck) if tree else Cut(bridge=config.bridge, speck=config.speck)
    recipe = Recipe(size, config.vary if fundus else 0.0, way, inside)
    fields = [recipe.varied(draw(number)[..., 0], config.seed, number)
              for number in range(MEASURED if config.match_share else 0)]
    if not fields:
        return recipe
    # Where a plain cut has the training masks' share is 0 for a tree. Its widths are another matter, and matched for
    # themselves.
    level = level_for_share(fields, size, Cut() if tree else way, np.mean(masks) / 255)
    recipe = replace(recipe, way=replace(way, level=level))
    if not tree:
        return recipe
    trees = [recipe.grown(field, config.seed, number) for number, field in enumerate(fields)]
    without = [without_specks(mask, config.speck) for mask in masks]
    width, degrees = mean_width(without), winding(without)
    smooth = smoothing_for_winding(trees, size, degrees)
    scale = scale_for_width([smoothed(tree, smooth) for tree in trees], size, width)
    logging.info("vessels of the training masks are %.1f pixels wide and wind by %.1f degrees: trees have widths times "
                 "%.2f, and centre lines smoothed by %d", width, degrees, scale, smooth)
    return replace(recipe, way=replace(recipe.way, scale=scale, smooth=smooth))

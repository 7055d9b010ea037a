"""How few real pairs it takes: a run for each number of annotated images, and a second draw of them after the first.

    make few RUN=mine CONFIG=evidence PAIRS=... PHOTOS=...

calls `make ... RUN=mine-few-d1-n5 PAIRS=few-5-of-draw-1:PAIRS` for each, and make leaves alone what is done. Everything
in such a run, both GANs and every U-Net, sees the labels of these images only, and no image is held out to choose by.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from absl import logging

from configs.flags import PlanConfig, expand, is_on, split, whole_number
from configs.making import DRY_RUN, Make, MakingConfig
from data.errors import UserError
from data.few import ALL, Few
from data.layouts import samples
from training.cli import run
from training.config import option
from unet_eval.few import write

NUMBERS = (1, 2, 5, 10)  # of annotated images, and all of them
ARMS = ("real", "synthetic", "real+synthetic", "real+photos-relabelled")


@dataclass(frozen=True)
class FewConfig(MakingConfig):
    """Trains on few annotated images, alone and with synthetic pairs made from them."""

    run: str = option("", "make's RUN, which the names of all runs begin with.", required=True)


def train_all(config: FewConfig) -> None:
    """Makes the runs of --few_draws draws and, after each run, reports/RUN-few.{json,md,png}.

    The runs of draw D have the seed --seed + D. Raises UserError where a run failed, after all others were made.
    """
    flags = expand(split(config.flags))
    draws, seed = whole_number(flags, "few_draws", PlanConfig.few_draws), whole_number(flags, "seed", 0)
    there = len(samples(config.pairs, "train"))
    arms = [arm for arm in ARMS if config.photos or "photos" not in arm]
    if len(arms) < len(ARMS):
        logging.info("few: without PHOTOS there is no control, %s", ARMS[-1])
    dry_run = is_on(flags, "dry_run")
    targets = DRY_RUN if dry_run else [*(f"unet-{arm}" for arm in arms), "eval"]
    make, done, failed = Make(config.make, "make few"), [], []
    for draw in range(1, draws + 1):
        for number in (*(str(number) for number in NUMBERS if number < there), ALL):
            few, name = Few(number, draw), f"{config.run}-few-d{draw}-n{number}"
            print(f"few: draw {draw} of {draws}, {number} annotated images -> checkpoints/{name}", flush=True)
            error = make(*targets, RUN=name, CONFIG=config.config,
                         PAIRS=f"{few.name}:{config.pairs}", PHOTOS=config.photos,
                         FLAGS=f"{config.flags} --validation=0 --seed={seed + draw} --arms={','.join(arms)} --seeds=1")
            if error:
                failed.append(f"{name}: {error}")
            elif not dry_run:
                done.append(Path("reports") / name / "results.json")
                print(write(Path("reports"), f"{config.run}-few", done), flush=True)
    if failed:
        raise UserError(f"{len(failed)} runs failed ({failed[0]}); the same command tries them again")


if __name__ == "__main__":
    run(train_all, FewConfig)

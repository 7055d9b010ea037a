"""The steps of an audit: what it compares the pairs with, and the audit itself."""
from __future__ import annotations

from collections.abc import Callable

from configs.running import Step
from configs.settings import COLD, Settings
from data.errors import UserError
from data.layouts import original, samples

FOLDER = "audit"  # of a run: what an audit compares beside the pairs. It is no training of the run
BY_HEART = 5      # masks that the audit's control learns
OVERTRAINING = ("--validation=0", "--size=64", "--base=16", "--encoding=signed_distance", "--clip=16", "--d_norm=none",
                "--generator_steps=1", "--reach=0", "--vary_masks=0", "--penalty=0.05", "--ema=0.99",
                "--learning_rate=5e-4", COLD, f"--batch_size={BY_HEART}", "--steps_per_epoch=500", "--epochs=4",
                "--pictures_every=4", "--accumulate=1", "--strategy=one")
AS_LEARNED = ("--count=20", "--decoder=cut", "--match_share", "--vary=0")


def refuse_few(goal: str, run: Settings) -> None:
    """UserError where there are fewer training images than the audit's control learns. Data sets that cannot be listed
    are left to the step `data`, which says what is wrong with them."""
    try:
        there = len(samples(original(run.pairs), "train", modality=run.modality))
    except UserError:
        return
    if there < BY_HEART:
        images = f"{there} training image{'s' * (there != 1)}"
        raise UserError(f"make {goal}: PAIRS={run.pairs} has {images}, and a control of the audit learns {BY_HEART} "
                        "masks by heart: add annotated images, or keep the pairs to yourself (make export)")


def overtrained(run: Settings) -> Step:
    """A control of the audit: a small Stage-I that learns few masks by heart, drawn as they were learned."""
    out, pairs = run.folder / FOLDER / "overtrained", f"few-{BY_HEART}-of-draw-1:{original(run.pairs)}"
    return Step(f"audit: training a Stage-I that is meant to learn {BY_HEART} masks of {run.pairs} by heart -> {out}",
                [[*run.script("stage1_dcgan.train", f"--pairs={pairs}", f"--out={out}"), *OVERTRAINING],
                 [*run.script("stage1_dcgan.generate", f"--model={out}", f"--out={out}.h5"), *AS_LEARNED]])


def members(stage: str, room: str) -> Callable[[Settings], Step]:
    """The step that asks a stage which real images it was trained on."""
    def step(run: Settings) -> Step:
        out = run.folder / FOLDER / f"{stage}.json"
        return Step(f"audit: asking {run.folder}/{stage} which images it was trained on -> {out}",
                    [[f"{room}.members", f"--model={run.folder}/{stage}", f"--out={out}"]])

    return step


def audit(run: Settings, count: str = "") -> Step:
    """Of synthetic.h5, or of synthetic-COUNT.h5."""
    store, out = run.folder / f"synthetic{count}.h5", run.reports / f"audit{count}"
    return Step(f"audit: looking for copies of {run.pairs} in {store} -> {out}",
                [run.script("unet_eval.audit", f"--store={store}", f"--run={run.folder}", f"--pairs={run.pairs}",
                            f"--photos={run.photos}", f"--out={out}")])

"""The steps of a run, each one or two scripts with their flags: python -m configs.steps data stage1 masks ...

Reads CONFIG, RUN, PAIRS, PHOTOS, CELLS and FLAGS from the environment, where make puts them. The Makefile knows which
step needs which file and leaves out what is done; called by hand, the steps that are named run in their order:

    CONFIG=quick RUN=mine python -m configs.steps data stage1 masks stage2 synthetic unet-real unet-synthetic evaluate

A run has one or more seeds, each with GANs and U-Nets of its own. STEP.K is the step of seed number K, STEP that of the
first, and so are the files named.
"""
from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from configs import auditing
from configs.flags import last_value
from configs.records import MEASURED, Records
from configs.running import Step, run_all
from configs.settings import CHECKED, COLD, PHANTOMS, Settings
from data.errors import UserError
from unet_eval.arms import of_seed, parse_arm, parse_net_name, parse_seed

PHANTOM_SEED = 1000  # the default of data.phantom.pairs
REPORTED = "report.done"  # a file of a run: the arms of `make eval` were measured; make looks at the report itself


def data(run: Settings) -> Step:
    draw = [["data.phantom", f"--out={PHANTOMS}"]] if run.uses_phantoms and not PHANTOMS.is_dir() else []
    sets = [f"--pairs={run.pairs}", f"--modality={run.modality}"]
    tests = [flag for flag in run.flags_for("unet_eval.evaluate") if flag.lstrip("-").startswith("test=")]
    check = ["data.check", *sets, f"--photos={run.photos}", f"--foreground={run.foreground}", *tests]
    begun = any(run.folder.glob("*/config.json"))
    trained = [["training.provenance", f"--run={run.folder}", *sets, f"--photos={run.stage2_photos}"]] if begun else []
    hint = "\ndata: these are procedural; README.md says how to get DRIVE and MESSIDOR into data/raw"
    return Step(f"data: checking PAIRS={run.pairs} PHOTOS={run.photos or '(none)'}; Stage-II trains on "
                f"{'PHOTOS' if run.stage2_photos else 'PAIRS'}" +
                (hint if run.uses_phantoms else ""), [*draw, ["configs.options"], check, *trained],
                done=run.folder / CHECKED, mark=lambda: Records(run).checking)


def stage1(run: Settings, repeat: int) -> Step:
    out = run.path("stage1", repeat)
    return Step(f"stage1: training the DCGAN on the masks of {run.pairs} -> {out}",
                [run.script("stage1_dcgan.train", f"--pairs={run.pairs}", f"--out={out}", *run.preset_flags("stage1"),
                            repeat=repeat)])


def masks(run: Settings, repeat: int) -> Step:
    out = run.path("masks", repeat, ".h5")
    return Step(f"stage1: drawing masks -> {out}",
                [run.script("stage1_dcgan.generate", f"--model={run.path('stage1', repeat)}", f"--out={out}",
                            *run.preset_flags("masks", required=False), repeat=repeat)])


def photo_masks(run: Settings, repeat: int) -> Step:
    out = run.path("photo_masks", repeat)
    return Step(f"stage2: segmenting {run.photos} -> {out}",
                [run.script("unet_eval.segment", f"--model={run.path('unet-real', repeat)}",
                            f"--images={run.photos}", f"--out={out}")], done=Path(f"{out}.done"))


def stage2(run: Settings, repeat: int) -> Step:
    # A dry run has no files of earlier steps to read, so its Stage-II is built for the pairs.
    out, photo_masks = run.path("stage2", repeat), run.path("photo_masks", repeat)
    photos = [f"--photos={run.stage2_photos}", f"--photo_masks={photo_masks}"]
    return Step(f"stage2: training Stage-II on {run.stage2_photos or run.pairs} -> {out}",
                [run.script("stage2_pix2pix.train", f"--pairs={run.pairs}",
                            *(photos if run.stage2_photos and not run.dry_run else []), f"--out={out}",
                            *run.preset_flags("stage2"), repeat=repeat)],
                training=out, newer=Path(f"{photo_masks}.done"))


def synthetic(run: Settings, repeat: int) -> Step:
    return _rendering("stage2: rendering the masks", run, repeat, "synthetic", masks="masks")


def rendered(run: Settings, repeat: int) -> Step:
    return _rendering("rendered: rendering the real training masks", run, repeat, "rendered")


def phantom_rendered(run: Settings, repeat: int) -> Step:
    return _rendering("phantom-rendered: rendering procedural masks", run, repeat, "phantom-rendered", masks="phantom")


def _rendering(says: str, run: Settings, repeat: int, name: str, masks: str = "") -> Step:
    """NAME.h5, of the masks in MASKS.h5 or of the real training masks."""
    out = run.path(name, repeat, ".h5")
    given = [f"--masks={run.path(masks, repeat, '.h5')}"] if masks else []
    return Step(f"{says} -> {out}", [run.script("stage2_pix2pix.generate",
                                                f"--model={run.path('stage2', repeat)}", *given, f"--out={out}",
                                                repeat=repeat)])


def phantom(run: Settings, repeat: int) -> Step:
    out = run.path("phantom", repeat, ".h5")
    return Step(f"phantom: drawing procedural pairs -> {out}",
                [["data.phantom.pairs", f"--kind={'cells' if run.shows_cells else 'retina'}", f"--out={out}",
                  f"--seed={PHANTOM_SEED + repeat}"]])


def relabelled(name: str) -> Callable[[Settings, int], Step]:
    """The step that makes NAME-relabelled.h5: of a file of pairs, or of the photographs `real` or `photos`."""
    def step(run: Settings, repeat: int) -> Step:
        model, out = run.path("unet-real", repeat), run.path(f"{name}-relabelled", repeat, ".h5")
        given = {"real": f"--pairs={run.pairs}", "photos": f"--photos={run.photos}"}
        return Step(f"relabel: labels of {model} -> {out}",
                    [run.script("unet_eval.relabel", f"--model={model}", f"--out={out}",
                                given.get(name, f"--store={run.path(name, repeat, '.h5')}"))])

    return step


def more_pairs(run: Settings, count: int, shards: int = 0, shard: int = 0) -> Step:
    """synthetic-COUNT.h5, the first of which are those of synthetic.h5: pairs depend on the seed and their number. Of
    `shards` the parts of number `shard`, from 1 on; 0 is the whole, which is joined from the parts that are there."""
    drawn, out = run.path(f"masks-{count}", 0, ".h5"), run.path(f"synthetic-{count}", 0, ".h5")
    (draw,), (render,) = masks(run, 0).scripts, synthetic(run, 0).scripts
    more = [f"--count={count}", *([f"--shard={shard}/{shards}"] if shard else [])]
    share = f"share {shard} of {shards} of " if shard else ""
    return Step(f"synthetic: drawing and rendering {share}{count} masks -> {out}",
                [[*draw, *more, f"--out={drawn}"], [*render, *more, f"--masks={drawn}", f"--out={out}"]],
                done=run.folder / shard_done(count, shards, shard) if shard else None)


def shard_done(count: int, shards: int, shard: int) -> str:
    """The file in the run's folder that says that a share was made; the parts go when they are joined."""
    return f"synthetic-{count}.parts/{shard}-of-{shards}.done"


def single(run: Settings) -> Step:
    return Step(f"single: training one GAN on the photographs of {run.pairs} -> {run.folder}/single",
                [[*run.script("stage1_dcgan.train", "--draw=photographs", f"--pairs={run.pairs}",
                              f"--out={run.folder}/single", *run.preset_flags("single")), COLD]])


def single_photographs(run: Settings) -> Step:
    return Step(f"single: drawing photographs -> {run.folder}/single.h5",
                [run.script("stage1_dcgan.generate", f"--model={run.folder}/single",
                            f"--out={run.folder}/single.h5")])


def unet(run: Settings, arm: str, repeat: int) -> Step:
    store = parse_arm(arm).kind.store
    pairs = run.path(store, repeat, ".h5") if store else None
    name, out = of_seed(f"unet-{arm}", repeat), run.path(f"unet-{arm}", repeat)
    return Step(f"{name}: training the U-Net on {pairs or run.pairs} -> {out}",
                [run.script("unet_eval.train", f"--arm={arm}", f"--pairs={run.pairs}",
                            *([f"--synthetic={pairs}"] if pairs else []), f"--out={out}", *run.preset_flags("unet"),
                            repeat=repeat)],
                training=out, newer=pairs)


def evaluate(run: Settings, done: str = REPORTED) -> Step:
    cells = Path(f"{run.folder}-cells")
    second = cells if (cells / "synthetic.h5").exists() and not run.shows_cells else ""
    return Step(f"eval: measuring the arms on the test images of {run.pairs} -> {run.reports}",
                [run.script("unet_eval.evaluate", f"--run={run.folder}", f"--pairs={run.pairs}",
                            f"--photos={run.stage2_photos}", f"--reports={run.reports}", f"--second={second}")],
                done=run.folder / done, mark=lambda: Records(run).measuring, record=run.folder / MEASURED)


def evidence(run: Settings) -> Step:
    step = evaluate(run, done="evidence.done")
    absent = ", ".join(arm for arm in run.evidence()[0] if not run.can_make(arm))
    return replace(step, says=f"{step.says}\nevidence: without PHOTOS there is no {absent}" if absent else step.says)


def curve(run: Settings) -> Step:
    """The arms of the curve are measured whatever --arms names."""
    step = evaluate(run, done="curve.done")
    (measure,) = step.scripts
    arms = last_value(measure, "arms")
    return replace(step, scripts=[[*measure, f"--arms={','.join([arms, *run.curve()])}"]]) if arms else step


@dataclass(frozen=True)
class Seeded:
    """A step that every seed has. ending: the file that it makes last is its name with this ending. needs: the steps
    of the same seed that come before it."""

    step: Callable[[Settings, int], Step]
    ending: str
    needs: tuple[str, ...] = ()


# The store of an arm is NAME.h5 of the step of this name.
SEEDED = {
    "stage1": Seeded(stage1, "/generator.h5"),
    "masks": Seeded(masks, ".h5", ("stage1",)),
    "photo_masks": Seeded(photo_masks, ".done", ("unet-real",)),
    "stage2": Seeded(stage2, "/generator.h5", ("photo_masks",)),
    "synthetic": Seeded(synthetic, ".h5", ("masks", "stage2")),
    "rendered": Seeded(rendered, ".h5", ("stage2",)),
    "phantom": Seeded(phantom, ".h5"),
    "phantom-rendered": Seeded(phantom_rendered, ".h5", ("phantom", "stage2")),
    "synthetic-relabelled": Seeded(relabelled("synthetic"), ".h5", ("synthetic", "unet-real")),
    "phantom-relabelled": Seeded(relabelled("phantom"), ".h5", ("phantom", "unet-real")),
    "photos-relabelled": Seeded(relabelled("photos"), ".h5", ("unet-real",)),
    "real-relabelled": Seeded(relabelled("real"), ".h5", ("unet-real",)),
}
STEPS: dict[str, Callable[[Settings], Step]] = {function.__name__: function for function in (
    data, single, single_photographs, evaluate, evidence, curve, auditing.overtrained, auditing.audit)}
STEPS |= {f"members-{stage}": auditing.members(stage, room)
          for stage, room in (("stage1", "stage1_dcgan"), ("stage2", "stage2_pix2pix"),
                              ("unet-synthetic", "unet_eval"))}


def seeded(name: str) -> Seeded:
    """Of a step of SEEDED or of unet-ARM; UserError where there is none of this name."""
    if name.startswith("unet-") and name != "unet-":
        arm = parse_net_name(name)[0]
        store = parse_arm(arm).kind.store
        return Seeded(lambda run, repeat: unet(run, arm, repeat), "/weights.h5", (store,) if store else ())
    if name not in SEEDED:
        raise UserError(f"'{name}' is no step: take {', '.join([*STEPS, *SEEDED])} or unet-ARM")
    return SEEDED[name]


def before(name: str) -> set[str]:
    """The steps that a step of the first seed needs, and those that these need ..."""
    needs = seeded(name).needs
    return {*needs}.union(*map(before, needs))


def make_step(name: str, run: Settings) -> Step:
    """The step of this name, STEP or STEP.K, synthetic-COUNT, its share synthetic-COUNT-of-N.K, or audit-COUNT. Raises
    UserError where there is none."""
    if name in STEPS:
        return STEPS[name](run)
    base, repeat = parse_seed(name)
    more = re.fullmatch(r"synthetic-([1-9]\d*)(-of-([1-9]\d*))?", base, re.ASCII)
    if more and bool(more[2]) == bool(repeat):
        return more_pairs(run, int(more[1]), int(more[3] or 0), repeat)
    if re.fullmatch(r"audit-[1-9]\d*", name, re.ASCII):
        return auditing.audit(run, name.removeprefix("audit"))
    return seeded(base).step(run, repeat)


def needs(name: str, run: Settings) -> list[str]:
    """The steps that the step of a seed is made from, of the same seed."""
    base, repeat = parse_seed(name)
    steps = () if base == "stage2" and not run.stage2_photos else seeded(base).needs
    return [of_seed(step, repeat) for step in steps]


def files(name: str, run: Settings) -> tuple[str, list[str]]:
    """(the file in the run's folder that the step of a seed makes last, the files there that it is made from)."""
    target, *sources = (step + seeded(parse_seed(step)[0]).ending for step in (name, *needs(name, run)))
    return target, sources


def execute(names: list[str], run: Settings) -> None:
    """Runs the steps in this order, up to the first that fails; ends the process with its status."""
    for name in names:  # all names are checked before the first step runs
        make_step(name, run)
    run.record()
    run_all(names, lambda name: make_step(name, run), run.dry_run)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(f"error: name the steps: {', '.join([*STEPS, *SEEDED])} or unet-ARM")
    try:
        execute(sys.argv[1:], Settings.from_variables(os.environ))
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

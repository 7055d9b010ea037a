"""The steps of a run, each one or two scripts with their flags: python -m configs.steps data stage1 masks ...

Reads CONFIG, RUN, PAIRS, PHOTOS, CELLS and FLAGS from the environment, where make puts them. The Makefile knows which
step needs which file and leaves out what is done; called by hand, the steps that are named run in their order:

    CONFIG=quick RUN=mine python -m configs.steps data stage1 masks unet-real photo_masks stage2 synthetic \
        unet-synthetic evaluate
"""
from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from configs.settings import PHANTOMS, Settings
from data.errors import UserError
from unet_eval.arms import parse_arm, parse_net_name

# Names of what a training writes.
OF_A_TRAINING = re.compile(r"config\.json|lock|seconds\.json|validation\.json|\w+\.h5|\w+\.npy|logs|samples|segmenter|"
                           r"coarse|ckpt-\d+.*|\.partial-.*")


@dataclass(frozen=True)
class Step:
    """says: what the log says first. scripts: what follows `python -m`, one list a script. training, newer: the folder
    of a training, and its input; a training that an older input began is removed, for resuming it would mix the two.
    done: an empty file that tells make that the step has ended."""

    says: str
    scripts: list[list[str]]
    training: Path | None = None
    newer: Path | None = None
    done: Path | None = None

    def remove_outdated(self) -> None:
        if self.newer is None or not self.newer.exists():
            return
        config = self.training / "config.json"
        if config.exists() and self.newer.stat().st_mtime_ns > config.stat().st_mtime_ns:
            foreign = sorted(path.name for path in self.training.iterdir() if not OF_A_TRAINING.fullmatch(path.name))
            if foreign:
                raise UserError(f"{self.training} has to be trained again, for {self.newer} is newer, but no training "
                                f"made {foreign[0]}: move that file away")
            shutil.rmtree(self.training)


def data(run: Settings) -> Step:
    draw = [["data.phantom", f"--out={PHANTOMS}"]] if run.uses_phantoms and not PHANTOMS.is_dir() else []
    check = ["data.check", f"--pairs={run.pairs}", f"--photos={run.photos}", f"--modality={run.modality}"]
    hint = "\ndata: these are procedural; README.md says how to get DRIVE and MESSIDOR into data/raw"
    return Step(f"data: checking PAIRS={run.pairs} PHOTOS={run.photos or '(none; Stage-II trains on PAIRS)'}" +
                (hint if run.uses_phantoms else ""), [*draw, check], done=run.folder / "data.checked")


def stage1(run: Settings) -> Step:
    return Step(f"stage1: training the DCGAN on the masks of {run.pairs} -> {run.folder}/stage1",
                [_script(run, "stage1_dcgan.train", f"--pairs={run.pairs}", f"--out={run.folder}/stage1",
                         *run.preset_flags("stage1"))])


def masks(run: Settings) -> Step:
    return Step(f"stage1: drawing masks -> {run.folder}/masks.h5",
                [_script(run, "stage1_dcgan.generate", f"--model={run.folder}/stage1", f"--out={run.folder}/masks.h5",
                         *run.preset_flags("masks", required=False))])


def photo_masks(run: Settings) -> Step:
    return Step(f"stage2: segmenting {run.photos} -> {run.folder}/photo_masks",
                [_script(run, "unet_eval.segment", f"--model={run.folder}/unet-real", f"--images={run.photos}",
                         f"--out={run.folder}/photo_masks")], done=run.folder / "photo_masks.done")


def stage2(run: Settings) -> Step:
    # A dry run has no files of earlier steps to read, so its Stage-II is built for the pairs.
    photos = [f"--photos={run.photos}", f"--photo_masks={run.folder}/photo_masks"]
    return Step(f"stage2: training pix2pix on {run.photos or run.pairs} -> {run.folder}/stage2",
                [_script(run, "stage2_pix2pix.train", f"--pairs={run.pairs}",
                         *(photos if run.photos and not run.dry_run else []), f"--out={run.folder}/stage2",
                         *run.preset_flags("stage2"))],
                training=run.folder / "stage2", newer=run.folder / "photo_masks.done")


def synthetic(run: Settings) -> Step:
    return Step(f"stage2: rendering the masks -> {run.folder}/synthetic.h5",
                [_script(run, "stage2_pix2pix.generate", f"--model={run.folder}/stage2",
                         f"--masks={run.folder}/masks.h5", f"--out={run.folder}/synthetic.h5")])


def rendered(run: Settings) -> Step:
    return Step(f"rendered: rendering the real training masks -> {run.folder}/rendered.h5",
                [_script(run, "stage2_pix2pix.generate", f"--model={run.folder}/stage2",
                         f"--out={run.folder}/rendered.h5")])


def phantom(run: Settings) -> Step:
    return Step(f"phantom: drawing procedural pairs -> {run.folder}/phantom.h5",
                [["data.phantom.pairs", f"--kind={'cells' if run.shows_cells else 'retina'}",
                  f"--out={run.folder}/phantom.h5"]])


def single(run: Settings) -> Step:
    return Step(f"single: training one GAN on the photographs of {run.pairs} -> {run.folder}/single",
                [_script(run, "stage1_dcgan.train", "--draw=photographs", f"--pairs={run.pairs}",
                         f"--out={run.folder}/single", *run.preset_flags("single"))])


def single_photographs(run: Settings) -> Step:
    return Step(f"single: drawing photographs -> {run.folder}/single.h5",
                [_script(run, "stage1_dcgan.generate", f"--model={run.folder}/single",
                         f"--out={run.folder}/single.h5")])


def unet(run: Settings, name: str) -> Step:
    """`name` is unet-ARM, or unet-ARM.K for the K-th repetition of the first."""
    arm, repeat = parse_net_name(name)
    store = parse_arm(arm).kind.store
    pairs = run.folder / f"{store}.h5" if store else None
    return Step(f"{name}: training the U-Net on {pairs or run.pairs} -> {run.folder}/{name}",
                [_script(run, "unet_eval.train", f"--arm={arm}", f"--pairs={run.pairs}",
                         *([f"--synthetic={pairs}"] if pairs else []), f"--out={run.folder}/{name}",
                         *([f"--repeat={repeat}"] if repeat else []), *run.preset_flags("unet"))],
                training=run.folder / name, newer=pairs)


def evaluate(run: Settings, done: Path | None = None) -> Step:
    cells = Path(f"{run.folder}-cells")
    second = cells if (cells / "synthetic.h5").exists() and not run.shows_cells else ""
    return Step(f"eval: measuring the arms on the test images of {run.pairs} -> {run.reports}",
                [_script(run, "unet_eval.evaluate", f"--run={run.folder}", f"--pairs={run.pairs}",
                         f"--photos={run.photos}", f"--reports={run.reports}", f"--second={second}")], done=done)


def evidence(run: Settings) -> Step:
    return evaluate(run, done=run.folder / "evidence.done")


# Files of pairs that only arms need, NAME.h5 of the step of this name: the file of the run that each is made from.
PAIRS_FOR_ARMS = {"rendered": "stage2/generator.h5", "phantom": ""}
STEPS: dict[str, Callable[[Settings], Step]] = {function.__name__: function for function in (
    data, stage1, masks, photo_masks, stage2, synthetic, rendered, phantom, single, single_photographs, evaluate,
    evidence)}


def make_step(name: str, run: Settings) -> Step:
    """The step of this name. Raises UserError where there is none."""
    if name in STEPS:
        return STEPS[name](run)
    if name.startswith("unet-"):
        return unet(run, name)
    raise UserError(f"'{name}' is no step: take {', '.join(STEPS)} or unet-ARM")


def _script(run: Settings, module: str, *own: str) -> list[str]:
    """FLAGS come last: absl takes the last value of a flag."""
    return [module, *own, *run.flags_for(module)]


def thread_limits(makeflags: str, cores: int) -> dict[str, str]:
    """Variables that TensorFlow reads. `make -jN` runs N trainings at a time, which share the cores: small networks do
    not keep two of them busy."""
    jobs = re.search(r"(?:^| )-j(\d+)", re.split(r"(?:^| )-- ", makeflags)[0])  # after -- come make's variables
    if not jobs or not int(jobs[1]):
        return {}
    return {"TF_NUM_INTRAOP_THREADS": str(max(1, cores // int(jobs[1]))), "TF_NUM_INTEROP_THREADS": "1"}


def execute(names: list[str], run: Settings) -> None:
    """Runs the steps in this order, up to the first that fails; ends the process with its status."""
    for name in names:  # all names are checked before the first step runs
        make_step(name, run)
    run.record()
    os.environ.update(thread_limits(os.environ.get("MAKEFLAGS", ""), os.cpu_count() or 1))
    for number, name in enumerate(names):
        step = make_step(name, run)
        print(step.says, flush=True)
        if not run.dry_run:
            step.remove_outdated()
        for script in step.scripts:
            if number == len(names) - 1 and script is step.scripts[-1] and not step.done:
                # Nothing follows: the script takes the place of this process, and gets its signals.
                os.execv(sys.executable, [sys.executable, "-m", *script])
            status = _call(script)
            if status:
                if len(names) > 1:
                    print(f"to go on: python -m configs.steps {' '.join(names[number:])}", file=sys.stderr)
                sys.exit(status)
        if step.done:
            step.done.touch()


def _call(script: list[str]) -> int:
    """Exit status of a script. SIGTERM is passed on to it; Ctrl-C reaches it without that."""
    child = subprocess.Popen([sys.executable, "-m", *script])
    handlers = {signal.SIGTERM: lambda number, frame: child.terminate(), signal.SIGINT: lambda number, frame: None}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status  # as a shell gives the status of what a signal ended


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(f"error: name the steps: {', '.join(STEPS)} or unet-ARM")
    try:
        execute(sys.argv[1:], Settings.from_variables(os.environ))
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

"""The settings of a run: make's variables, their defaults, and the file that holds a run to them."""
from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.flags import (
    MEASURING,
    PACKAGE,
    RUNNING,
    SCRIPTS,
    expand,
    is_on,
    last_value,
    make_options,
    select,
    split,
    whole_number,
)
from data.errors import UserError
from data.few import whole
from data.files import write_error, write_file
from data.layouts import DATA_ROOT, modality_of
from stage1_dcgan.config import MasksConfig
from training.config import fields
from unet_eval.arms import of_seed, parse_arm

PHANTOMS = DATA_ROOT / "phantom"
STAGES = ("stage1", "stage2", "unet")  # a preset has a file of flags for each
READ_BY_MAKE = re.compile(r"[%:;|=*?\[\]\\]")  # characters that mean something in the names of make's targets
CHECKED = "data.checked"  # a file of a run: its data sets were checked
COLD = "--warm_start="  # for comparisons, whatever FLAGS say
PRETRAINED = "pretrained"  # the folder beside the runs for packed networks


@dataclass(frozen=True)
class Settings:
    """One run. `flags` are the words of FLAGS; `photos` is empty where there are no photographs without masks."""

    config: str
    run: str
    pairs: str
    photos: str
    cells: str
    flags: tuple[str, ...]

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Settings:
        """From make's variables; those that are not there get their defaults. UserError where one makes no sense."""
        config = variables.get("CONFIG", "quick")
        run = variables.get("RUN", Path(config).name)
        if not run.strip() or "/" in run or run.strip().startswith(".") or READ_BY_MAKE.search(run):
            raise UserError(f"RUN='{run}' is no name for a folder: it has no slash, begins with no dot, is not empty, "
                            r"and has none of % : ; | = * ? [ ] \ ")
        if run == PRETRAINED:
            raise UserError(f"RUN={run}: checkpoints/{run} is the folder of packed networks; take another name")
        flags = split(variables.get("FLAGS", ""))
        pairs = variables.get("PAIRS", "drive:data/raw/DRIVE" if (DATA_ROOT / "DRIVE").is_dir() else "phantom")
        photos = variables.get("PHOTOS")
        if photos is None:
            photos = _default_photos(pairs, last_value(expand(flags), "modality") or "")
        cells = DATA_ROOT / "BU-BIL"
        cells = variables.get("CELLS", f"bu_bil:{cells if cells.is_dir() else PHANTOMS / 'BU-BIL'}")
        return cls(config, run, pairs, photos, cells, flags)

    @property
    def folder(self) -> Path:
        """Where the run's files go; its report goes to `reports`."""
        return Path("checkpoints") / self.run

    @property
    def stage2_photos(self) -> str:
        """What Stage-II trains on beside PAIRS: PHOTOS, or "" where the preset's stage2 flags have a line --photos=."""
        given = last_value(self.preset_flags("stage2"), "photos")
        return self.photos if given is None else given

    @property
    def asks_stage2(self) -> bool:
        """Whether an audit can ask Stage-II which photographs it was trained on: of PHOTOS none are held out."""
        return not self.stage2_photos or is_on([*self.preset_flags("stage2"), *expand(self.flags)], "add_pairs")

    @property
    def reports(self) -> Path:
        return Path("reports") / self.run

    @property
    def modality(self) -> str:
        """--modality in FLAGS, or ""."""
        return last_value(expand(self.flags), "modality") or ""

    @property
    def foreground(self) -> str:
        """--foreground in FLAGS, or ""."""
        return last_value(expand(self.flags), "foreground") or ""

    @property
    def shows_cells(self) -> bool:
        return modality_of(self.pairs, self.modality) == "cells"

    @property
    def dry_run(self) -> bool:
        return is_on(expand(self.flags), "dry_run")

    @property
    def uses_phantoms(self) -> bool:
        """Whether its data sets are, or lie in, the folder of procedural ones."""
        specs = [whole(spec) for spec in (self.pairs, self.photos) if spec]
        paths = [Path(spec.partition(":")[2] or PHANTOMS) for spec in specs]
        return any(path == PHANTOMS or PHANTOMS in path.parents for path in paths)

    @property
    def preset(self) -> Path:
        """The preset's folder: CONFIG in configs/, CONFIG as a path, or a preset that came with the package."""
        for folder in (Path("configs") / self.config, Path(self.config), PACKAGE / self.config):
            if all((folder / f"{stage}.flags").is_file() for stage in STAGES):
                return folder
        names = {path.parent.name for root in (Path("configs"), PACKAGE) for path in root.glob("*/stage1.flags")}
        raise UserError(f"CONFIG={self.config} is no folder with stage1.flags, stage2.flags and unet.flags; there are: "
                        f"{' '.join(sorted(names))}")

    def preset_flags(self, name: str, required: bool = True) -> list[str]:
        """The flags in the preset's file NAME.MODALITY.flags, the modality that of PAIRS, or if it has none NAME.flags.

        There are none where that file is absent, too, and not required.
        """
        path = self.preset / f"{name}.{modality_of(self.pairs, self.modality)}.flags"
        path = path if path.exists() else self.preset / f"{name}.flags"
        return expand([f"--flagfile={path}"]) if required or path.exists() else []

    def flags_for(self, script: str) -> list[str]:
        """Those of FLAGS that a script takes."""
        try:
            return select(script, expand(self.flags))
        except UserError as error:
            raise UserError(f"FLAGS: {error}") from None

    def path(self, name: str, repeat: int = 0, ending: str = "") -> Path:
        """A file or folder of a step of the seed of number `repeat`."""
        return self.folder / f"{of_seed(name, repeat)}{ending}"

    def script(self, module: str, *own: str, repeat: int = 0) -> list[str]:
        """A script with its own flags, then those of FLAGS, for absl takes the last value of a flag. The seed of a
        repetition is the run's plus its number."""
        flags = [*own, *self.flags_for(module)]
        if repeat:
            defaults = {field.name: field.default for field, _ in fields(SCRIPTS[module])}
            if "seed" in defaults:
                flags.append(f"--seed={whole_number(flags, 'seed', defaults['seed']) + repeat}")
        return [module, *flags]

    def evidence(self) -> tuple[list[str], int]:
        """Arms of `make evidence` and the number of U-Nets of each, from FLAGS or from the preset's evidence.flags."""
        flags = self._evidence_flags()
        arms, seeds = last_value(flags, "arms") or "real,synthetic", last_value(flags, "seeds") or "1"
        arms = [arm.strip() for arm in arms.split(",")]
        for arm in arms:
            parse_arm(arm)
        if not re.fullmatch(r"[1-9]\d*", seeds, re.ASCII):
            raise UserError(f"--seeds={seeds} is no number of U-Nets: take 1 or more")
        return arms, int(seeds)

    def can_make(self, arm: str) -> bool:
        """Whether the run has the photographs without masks that the arm is trained on, if it is."""
        return bool(self.photos) or parse_arm(arm).kind.store != "photos-relabelled"

    def curve(self) -> list[str]:
        """Arms of `make curve`, synthetic-N for the N of --curve that are no more than the masks that the run draws."""
        numbers = make_options(self._evidence_flags()).curve
        flags = [*self.preset_flags("masks", required=False), *expand(self.flags)]
        drawn = whole_number(flags, "count", MasksConfig.count)
        return [f"synthetic-{number}" for number in numbers if int(number) <= drawn]

    def _evidence_flags(self) -> list[str]:
        """The preset's evidence.flags, then FLAGS. UserError where a script has no such flag."""
        flags = [*self.preset_flags("evidence", required=False), *expand(self.flags)]
        select("unet_eval.evaluate", flags)
        return flags

    @property
    def text(self) -> str:
        """One line for the file `settings`. It leaves out the flags that only measure, or say how a training runs, for
        those may change."""
        return _line(f"CONFIG={self.config} PAIRS={self.pairs} PHOTOS={self.photos}", self.flags)

    @property
    def recorded(self) -> bool:
        """Whether the run's file `settings` says the same."""
        return self._before() == self.text

    def check(self) -> None:
        """Raises UserError where a training of the run has begun with other settings."""
        before = self._before()
        if before and before != self.text and any(self.folder.glob("*/config.json")):
            raise UserError(f"{self.folder} was made with {before}, and this is {self.text}: take the same, or another "
                            "folder with RUN=name")

    def record(self) -> None:
        """Writes the run's file `settings`; where it said something else, the data sets have to be checked again."""
        self.check()
        if not self.recorded:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise write_error(self.folder, error) from error
            write_file(self.folder / "settings", f"{self.text}\n".encode("utf-8", "surrogateescape"))
            (self.folder / CHECKED).unlink(missing_ok=True)

    def _before(self) -> str:
        try:
            line = (self.folder / "settings").read_text(encoding="utf-8", errors="surrogateescape").strip()
        except (FileNotFoundError, NotADirectoryError):  # whoever makes the folder tells of a file in its place
            return ""
        head, _, flags = line.partition(" FLAGS=")
        return _line(head, split(flags)) if line else ""  # earlier versions wrote flags that may change, too


def _line(head: str, flags: Sequence[str]) -> str:
    """The line of `Settings.text`, from what comes before FLAGS and the words of FLAGS."""
    kept = [word for word in flags if all(last_value([word], name) is None for name in MEASURING | RUNNING)]
    words = " ".join(shlex.quote(word) if re.search(r"[\s'\"\\]", word) else word for word in kept)
    return " ".join(f"{head} FLAGS={words}".split())


def _default_photos(pairs: str, modality: str) -> str:
    """MESSIDOR, where it lies in data/raw, goes with any fundus pairs, the phantom's photographs with its pairs."""
    if modality_of(pairs, modality) != "fundus":
        return ""
    if (DATA_ROOT / "MESSIDOR").is_dir():
        return "messidor:data/raw/MESSIDOR"
    return "phantom" if whole(pairs) == "phantom" else ""

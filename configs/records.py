"""With which data sets and flags a run was checked and measured, and whether it has to be once more."""
from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from configs.flags import split
from configs.settings import CHECKED, PHANTOMS, Settings
from data.errors import UserError
from data.layouts import photographs, samples

MEASURED = "evaluate.done"  # a file of a run: with which flags it was measured, nothing until its report is there


@dataclass(frozen=True)
class Records:
    """What the files CHECKED and MEASURED of a run say, beside what they would say now."""

    run: Settings

    @property
    def checked(self) -> str:
        """What `checking` was when the data sets were checked; "" where they were not, or by an earlier version."""
        return _read(self.run.folder / CHECKED)

    @property
    def checking(self) -> str:
        """For the file CHECKED: the fingerprint of the data sets, and `measuring`."""
        return f"{self.fingerprint}\n{self.measuring}"

    @property
    def measuring(self) -> str:
        """One line for the file MEASURED: the flags of an evaluation."""
        return shlex.join(["FLAGS:", *self.run.flags_for("unet_eval.evaluate")])

    @property
    def to_check(self) -> bool:
        """Whether the data sets have to be checked, though the file CHECKED may be there: they, or the settings, are
        others than it was made for, or there are flags of the evaluation, such as --test, that were not checked."""
        known, _, flags = self.checked.partition("\n")  # earlier versions kept no flags
        return (not self.run.recorded or self.run.uses_phantoms and not PHANTOMS.is_dir()
                or bool(known) and known != self.fingerprint or bool(flags) and self._measures_beyond(flags))

    @property
    def to_measure(self) -> bool:
        """Whether the run has to be measured again, though files may say that it was: the last evaluation lacked a flag
        or did not end, or its report is gone. An earlier version kept no record."""
        record = self.run.folder / MEASURED
        return record.exists() and (self._measures_beyond(_read(record))
                                    or not (self.run.reports / "report.html").exists())

    @property
    def fingerprint(self) -> str:
        """Changes with the files of both data sets, by their names, sizes and times, and with what a
        table says of them. "" where they cannot be listed."""
        run, digest = self.run, hashlib.sha256()
        try:
            parts = {part: samples(run.pairs, part, modality=run.modality) for part in ("train", "test")}
            parts["photos"] = photographs(run.photos, run.pairs, run.modality)
            for part, sample in ((part, sample) for part, found in parts.items() for sample in found):
                for path in filter(None, (sample.image, sample.mask, sample.fov)):
                    status = path.stat()
                    digest.update(f"{part}\0{sample.patient}\0{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(
                        "utf-8", "surrogateescape"))
        except (UserError, OSError):
            return ""
        return digest.hexdigest()

    def _measures_beyond(self, before: str) -> bool:
        """Whether the evaluation has a flag that it had not when `measuring` was `before`. Flags that are left out
        change nothing: a report that shows more stays."""
        return not {*split(self.measuring)} <= {*split(before)}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""

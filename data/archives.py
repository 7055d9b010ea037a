"""Unpacks the archives of data sets, as their makers give them out, into data/raw: make data ARCHIVE="a.zip b.zip".

    python -m data.archives "DRIVE.zip Base11.zip"

Which data set it is, the names of the files inside say. Only files that belong to it are written, each to its place in
the layout, so that no name from an archive becomes a path. This module imports the standard library only.
"""
from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data.errors import UserError, listed
from data.files import RECORD, OutputFolder, readable, write_error
from data.layouts import DATA_ROOT
from data.unfinished import unfinished_folder

MEMBERS = 20_000
BYTES = 10 * 10 ** 9  # unpacked; the largest of these archives have 2 GB
RATIO = 200  # unpacked to packed, of all files together; masks alone are packed to a hundredth
BLOCK = 1 << 20

# Folder in data/raw -> [(what a path in the archive ends in, where the file goes: {0} is the first group)].
DATA_SETS = {
    "DRIVE": [(r"(training|test)/(images|1st_manual|2nd_manual|mask)/(\d\d_\w+\.(?:tif|gif|png))", "{0}/{1}/{2}")],
    "CHASE_DB1": [(r"(Image_\d\d[LR](?:_[12]\w{2}HO)?\.(?i:jpg|png))", "{0}")],
    "HRF": [(r"(\d\d_(?:h|dr|g)\.(?i:jpg))", "images/{0}"), (r"(\d\d_(?:h|dr|g)\.tif)", "manual1/{0}"),
            (r"(\d\d_(?:h|dr|g)_mask\.tif)", "mask/{0}")],
    "MESSIDOR": [(r"(\d{8}_\d+_\d{4}_PP\.tif)", "{base}/{0}"), (r"(Annotation_Base\d\d\.xls)", "{base}/{0}")]}
GIVEN_OUT = ("DRIVE (DRIVE.zip, or training.zip and test.zip), MESSIDOR (Base11.zip to Base34.zip), CHASE_DB1 "
             "(CHASEDB1.zip) and HRF (all.zip)")


@dataclass(frozen=True)
class Contents:
    """What an archive holds of one data set. files: {path in DATA_ROOT/name: member}. others: how many are left out."""

    archive: Path
    name: str
    files: dict[str, zipfile.ZipInfo]
    others: int


def recognise(archive: Path) -> Contents:
    """Raises UserError: no zip file, damaged, encrypted, of none of DATA_SETS, with names that lead out of a folder,
    links or devices, a file twice, or more than MEMBERS, BYTES or RATIO allow."""
    with _opened(archive) as file:
        members = file.infolist()
    if len(members) > MEMBERS:
        raise _refused(archive, f"{len(members)} files, and the limit is {MEMBERS}")
    for member in members:
        _check_member(archive, member)
    members = [member for member in members if not member.is_dir() and "__MACOSX" not in member.filename]
    names = [member.filename for member in members]
    found = {name: _places(archive, name, members) for name in DATA_SETS}
    name = max(found, key=lambda one: len(found[one]))
    if not found[name]:
        inner = [name for name in names if name.lower().endswith((".zip", ".tar", ".gz", ".rar", ".7z"))]
        raise UserError(f"{archive}: " + (f"an archive of archives ({listed(inner)}): unpack it and give those" if inner
                        else f"none of the archives that are known, {GIVEN_OUT}; unpack it yourself and name what "
                             "there is: PAIRS=folder:PATH or PAIRS=csv:FILE (data/README.md)"))
    size, packed = sum(member.file_size for member in found[name].values()), archive.stat().st_size
    if size > BYTES or size > RATIO * packed:
        raise _refused(archive, f"{size} bytes in {packed}, which is no archive of photographs")
    return Contents(archive, name, found[name], len(members) - len(found[name]))


def _check_member(archive: Path, member: zipfile.ZipInfo) -> None:
    path, mode = PurePosixPath(member.filename.replace("\\", "/")), member.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", member.filename):
        raise _refused(archive, f"a name that leads out of the folder ({member.filename!r})")
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(archive, f"a link or a device ({member.filename!r})")
    if member.flag_bits & 1:
        raise UserError(f"{archive}: {member.filename!r} is encrypted; unpack it yourself")
    # Of others Python unpacks a whole block at a time, however large that becomes.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(f"{archive}: {member.filename!r} is packed in a way that is not read here; unpack it yourself")


def _places(archive: Path, name: str, members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """{path in the data set's folder: member} of those that belong to the data set."""
    names = " ".join([*(member.filename for member in members), archive.name, "Base00"])
    named = re.search(r"Base\d\d", names)
    places: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        base = (re.search(r"Base\d\d", member.filename) or named)[0]
        for pattern, place in DATA_SETS[name]:
            found = re.search(rf"(?:^|/){pattern}\Z", member.filename.replace("\\", "/"), re.ASCII)
            if found:
                path = place.format(*found.groups(), base=base)
                if path in places:
                    raise _refused(archive, f"two files for {name}/{path}")
                places[path] = member
                break
    return places


def unpack(contents: Contents, root: Path = DATA_ROOT) -> Path:
    """The folder of the data set in `root`. A new one appears complete or not at all; to one that this command made
    the files are added.

    Raises UserError: the folder or a file in it is the user's, the archive is damaged, the disk is full.
    """
    target = root / contents.name
    is_new = not target.exists()
    if not is_new and not (target / RECORD).is_file():
        raise UserError(f"{target} is there already and was not made by this command: move it away, or use it as it is")
    place = OutputFolder(target, "place for this folder")
    place.check(contents.files)
    try:
        with unfinished_folder(target) as partial:
            needed = sum(member.file_size for member in contents.files.values())
            if needed > shutil.disk_usage(partial).free:
                raise UserError(f"{contents.archive}: {needed >> 20} MiB do not fit on the disk of {root}: make room")
            with _opened(contents.archive) as file:
                for path, member in contents.files.items():
                    _copy(contents.archive, file, member, partial / "files" / path)
            into = OutputFolder(partial / contents.name, "") if is_new else place
            for path in contents.files:
                into.move_in(partial / "files" / path, path)
            if is_new:
                if target.exists():
                    raise UserError(f"{target} was made by another call meanwhile: call this one again")
                (partial / contents.name).rename(target)
    except OSError as error:
        raise write_error(target, error) from error
    return target


def _copy(archive: Path, file: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as copy:
        blocks = _blocks(archive, file, member)
        for block in blocks:
            copy.write(block)


def _blocks(archive: Path, file: zipfile.ZipFile, member: zipfile.ZipInfo):
    try:
        with file.open(member) as source:
            while True:
                block = source.read(BLOCK)  # no more than the member's size in all, and its checksum is compared
                if not block:
                    return
                yield block
    except Exception as error:  # on damaged archives zipfile raises many kinds
        raise _damaged(archive, error) from error


def _opened(archive: Path) -> zipfile.ZipFile:
    if not os.path.isfile(archive):
        raise UserError(f"ARCHIVE: there is no file {archive}; correct the path")
    try:
        return zipfile.ZipFile(archive)
    except Exception as error:
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> UserError:
    return UserError(f"{archive}: cannot be read as a zip file, truncated or damaged ({error}); download it again")


def _refused(archive: Path, what: str) -> UserError:
    return UserError(f"{archive}: {what}; look into it, and unpack it yourself if it is sound")


def main(words: str) -> None:
    try:
        archives = [Path(os.path.expanduser(word)) for word in shlex.split(words)]
    except ValueError as error:
        raise UserError(f"ARCHIVE={words}: {error}; write names with spaces in quotes") from None
    for contents in [recognise(archive) for archive in archives]:
        target = unpack(contents)
        others = f", {contents.others} others left out" if contents.others else ""
        print(readable(f"data: {contents.archive} is of {contents.name}: {len(contents.files)} files{others}; it is "
                       f"the data set {contents.name.lower()}:{target}"))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("data: interrupted; call again")

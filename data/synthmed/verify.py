"""Checks a copy of a release: python -m data.synthmed.verify --dir=FOLDER

Checksums, then whether the pairs, their metadata, the HDF5 file and the TFRecord files say the same.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path, PurePosixPath

import numpy as np
import tensorflow as tf

from data.errors import UserError
from data.files import SUMS, checksum, read_json
from data.images import read_image
from data.pairs import PairReader
from data.synthmed.release import FOLDERS, ROLES

REMEDY = "get the folder again from where it is published"
SHOWN = 10  # names that an error lists at most


def verify(folder: Path) -> int:
    """The number of pairs of the release in `folder`. Raises UserError, which names what is missing or differs."""
    listed = _check_sums(folder)
    metadata = _metadata(folder)
    roles = [role for role in FOLDERS if f"{role}_file_name" in metadata[0]]
    files = {role: [f"train/{pair.get(f'{role}_file_name')}" for pair in metadata] for role in roles}
    for role, names in files.items():
        there = {name for name in listed if name.startswith(f"train/{FOLDERS[role]}/")}
        _none(sorted({*names} ^ there), f"{folder}: metadata.jsonl and train/{FOLDERS[role]} differ in")
    _check_store(folder, metadata, files)
    _check_shards(folder, metadata, files)
    return len(metadata)


def _check_sums(folder: Path) -> set[str]:
    """The names in SHA256SUMS: the files that are there, each unchanged. Hidden files are left alone."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{folder}/{SUMS} is missing or damaged: {REMEDY}") from None
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    outside = [name for name in sums if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    _none(outside, f"{folder}/{SUMS} names files outside of the folder")
    _none([name for name in sums if not (folder / name).is_file()], f"{folder}: missing")
    _none([name for name, digest in sums.items() if checksum(folder / name) != digest], f"{folder}: changed")
    there = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    _none(sorted(name.as_posix() for name in there if name.as_posix() not in {*sums, SUMS}
                 and not any(part.startswith(".") for part in name.parts)), f"{folder}: not in {SUMS}")
    return set(sums)


def _metadata(folder: Path) -> list[dict]:
    path = folder / "train/metadata.jsonl"
    try:
        pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is missing or damaged ({error}): {REMEDY}") from None
    if not pairs or any(not isinstance(pair, dict) or pair.keys() != pairs[0].keys() for pair in pairs):
        raise UserError(f"{path}: the lines have not all the same keys, or there is none: {REMEDY}")
    needed = {"image_file_name", "mask_file_name", "id", "seed", "agreement", "sharpness"}
    _none(sorted(needed - pairs[0].keys()), f"{path}: without")
    if len({pair["id"] for pair in pairs}) != len(pairs):
        raise UserError(f"{path}: an id occurs twice: {REMEDY}")
    return pairs


def _check_store(folder: Path, metadata: list[dict], files: dict[str, list[str]]) -> None:
    path = folder / "pairs.h5"
    with PairReader(path, required=tuple(ROLES[role] for role in files)) as reader:
        if reader.attributes.get("ids") != [pair["id"] for pair in metadata]:
            raise UserError(f"{path}: its pairs are not those of metadata.jsonl: {REMEDY}")
        for number in range(len(reader)):
            row = reader[number]
            for role, names in files.items():
                stored, picture = row[ROLES[role]], read_image(folder / names[number])
                if role != "image" and not np.isin(stored, (0, 255)).all():
                    raise UserError(f"{path}: {names[number]} is not 0 and 255 only: {REMEDY}")
                if picture.shape[:2] != stored.shape[:2] or (picture != stored).any():
                    raise UserError(f"{folder}: {names[number]} and pairs.h5 differ: {REMEDY}")


def _check_shards(folder: Path, metadata: list[dict], files: dict[str, list[str]]) -> None:
    manifest = read_json(folder / "tfrecord/manifest.json", REMEDY)
    shards, count = sorted(map(str, folder.glob("tfrecord/*.tfrecord"))), 0
    try:
        for record in tf.data.TFRecordDataset(shards).as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            same = feature["id"].int64_list.value[:] == [metadata[count]["id"]] and all(
                feature[role].bytes_list.value[:] == [(folder / names[count]).read_bytes()]
                for role, names in files.items())
            if not same:
                raise UserError(f"{folder}/tfrecord: record {count} is not pair {metadata[count]['id']}: {REMEDY}")
            count += 1
    except (tf.errors.OpError, IndexError) as error:
        raise UserError(f"{folder}/tfrecord: missing, damaged or too many records ({error}): {REMEDY}") from None
    if count != len(metadata) or manifest.get("records") != count:
        raise UserError(f"{folder}/tfrecord has {count} records for {len(metadata)} pairs: {REMEDY}")


def _none(names: list[str], what: str) -> None:
    """Raises UserError where there are names: `what`, then the names."""
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise UserError(f"{what} {', '.join(names[:SHOWN])}{more}: {REMEDY}")


def main(folder: str) -> None:
    try:
        if not folder:
            raise UserError("--dir has to be given: make synthmed-verify DIR=folder")
        count = verify(Path(folder))
    except UserError as error:
        sys.exit(f"error: {error}")
    print(f"synthmed-verify: {folder} holds {count} pairs, all of them as published")


if __name__ == "__main__":
    from absl import app, flags

    DIR = flags.DEFINE_string("dir", None, "Folder of the release.", required=True)
    app.run(lambda _: main(DIR.value))

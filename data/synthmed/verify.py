"""Checks a copy of a release: python -m data.synthmed.verify --dir=FOLDER

Checksums, then whether all files are there, and whether the pairs, their metadata, the HDF5 file and the TFRecord files
say the same.
"""
from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path, PurePosixPath

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from data.errors import UserError, first_line
from data.files import SUMS, checksum, read_json, readable
from data.images import read_image
from data.pairs import PairReader
from data.synthmed.card import SCORES
from data.synthmed.formats import SHEET
from data.synthmed.release import FOLDERS, ROLES
from data.synthmed.source import STAGES

REMEDY = "get the folder again from where it is published"
SHOWN = 10  # names that an error lists at most
SHOWN_LETTERS = 200  # of a name
METADATA, STORE, MANIFEST = "train/metadata.jsonl", "pairs.h5", "tfrecord/manifest.json"
DESCRIBING = ("README.md", "CITATION.cff", "croissant.json", "index.html", "load.py")
NETWORKS = {f"{stage}_sha256": f"{stage}/generator.h5" for stage in STAGES}  # key of a pair: name in the store
KEYS = {"image_file_name", "mask_file_name", "id", "seed", *NETWORKS, *SCORES}


def verify(folder: Path) -> int:
    """The number of pairs of the release in `folder`. Raises UserError, which names what is missing or differs."""
    try:
        return _verify(folder)
    except OSError as error:  # a file that may not be read, or a name that is too long for any disk
        name = str(error.filename or folder)
        raise UserError(f"{name[:SHOWN_LETTERS]}: cannot be read ({error.strerror or error}): {REMEDY}") from None


def _verify(folder: Path) -> int:
    listed = _check_sums(folder)
    _none([name for name in (*DESCRIBING, METADATA, STORE, MANIFEST) if name not in listed], f"{folder}: missing")
    metadata = _metadata(folder)
    sheets = [f"thumbnails/{number:04d}.jpg" for number in range(-(-len(metadata) // SHEET))]
    _none([name for name in sheets if name not in listed], f"{folder}: missing")
    roles = [role for role in FOLDERS if f"{role}_file_name" in metadata[0]]
    files = {role: [f"train/{pair.get(f'{role}_file_name')}" for pair in metadata] for role in roles}
    for role, names in files.items():
        there = {name for name in listed if name.startswith(f"train/{FOLDERS[role]}/")}
        _none(sorted({*names} ^ there), f"{folder}: metadata.jsonl and train/{FOLDERS[role]} differ in")
    _check_store(folder, metadata, files)
    shards = sorted(name for name in listed if name.startswith("tfrecord/") and name.endswith(".tfrecord"))
    _check_shards(folder, shards, metadata, files)
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
    path = folder / METADATA
    try:
        pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is missing or damaged ({error}): {REMEDY}") from None
    if not pairs or any(not isinstance(pair, dict) or pair.keys() != pairs[0].keys() for pair in pairs):
        raise UserError(f"{path}: the lines have not all the same keys, or there is none: {REMEDY}")
    _none(sorted(KEYS - pairs[0].keys()), f"{path}: without")
    for number, pair in enumerate(pairs, 1):
        _none([name for name, value in pair.items() if not _is_of_its_kind(name, value)],
              f"{path}: line {number} has a wrong kind of value for")
    if len({pair["id"] for pair in pairs}) != len(pairs):
        raise UserError(f"{path}: an id occurs twice: {REMEDY}")
    return pairs


def _is_of_its_kind(name: str, value) -> bool:
    """Whether a value of a pair is a text, a whole number, or a finite number or None, as its key asks for."""
    if name in SCORES:
        return value is None or type(value) is int or type(value) is float and math.isfinite(value)
    if name in ("id", "seed"):
        return type(value) is int
    return isinstance(value, str) or not name.endswith(("_file_name", "_sha256"))


def _check_store(folder: Path, metadata: list[dict], files: dict[str, list[str]]) -> None:
    path = folder / STORE
    with PairReader(path, "make synthmed", tuple(ROLES[role] for role in files)) as reader:
        if len(reader) != len(metadata):
            raise UserError(f"{path} has {len(reader)} rows for {len(metadata)} pairs: {REMEDY}")
        if reader.attributes.get("ids") != [pair["id"] for pair in metadata]:
            raise UserError(f"{path}: its pairs are not those of metadata.jsonl: {REMEDY}")
        networks = reader.attributes.get("generators")
        stored = {"seed": reader.attributes.get("seed"), **{
            key: networks.get(name) if isinstance(networks, dict) else None for key, name in NETWORKS.items()}}
        _none([key for key in stored if any(pair[key] != stored[key] for pair in metadata)],
              f"{folder}: {METADATA} and {STORE} differ in")
        for number in range(len(reader)):
            row = reader[number]
            for role, names in files.items():
                array, picture = row[ROLES[role]], read_image(folder / names[number])
                if role != "image" and not np.isin(array, (0, 255)).all():
                    raise UserError(f"{path}: {names[number]} is not 0 and 255 only: {REMEDY}")
                shape = (*picture.shape[:2], 3 if role == "image" else 1)
                if array.shape != shape or (picture != array).any():
                    raise UserError(f"{folder}: {names[number]} and {STORE} differ: {REMEDY}")


def _check_lengths(path: Path) -> None:
    """UserError where a record of a TFRecord file claims more bytes than there are: TensorFlow would ask for the memory
    first. A record is its length, a checksum of that, its bytes, and a checksum of these."""
    size, at = path.stat().st_size, 0
    with open(path, "rb") as file:
        while at < size:
            file.seek(at)
            at += 8 + 4 + int.from_bytes(file.read(8), "little") + 4
    if at != size:
        raise UserError(f"{path} is damaged (a record ends beyond the file): {REMEDY}")


def _check_shards(folder: Path, shards: list[str], metadata: list[dict], files: dict[str, list[str]]) -> None:
    described, count = [], 0
    for shard in shards:
        first = count
        _check_lengths(folder / shard)
        try:
            for record in tf.data.TFRecordDataset(os.fsencode(folder / shard)).as_numpy_iterator():
                feature = tf.train.Example.FromString(record).features.feature
                same = count < len(metadata) and feature["id"].int64_list.value[:] == [metadata[count]["id"]] and all(
                    feature[role].bytes_list.value[:] == [(folder / names[count]).read_bytes()]
                    for role, names in files.items())
                if not same:
                    raise UserError(f"{folder / shard}: record {count - first} is not the pair in line {count + 1} of "
                                    f"{METADATA}: {REMEDY}")
                count += 1
        except (tf.errors.OpError, DecodeError) as error:
            raise UserError(f"{folder / shard} is damaged ({first_line(error)}): {REMEDY}") from None
        described.append({"file": PurePosixPath(shard).name, "records": count - first,
                          "sha256": checksum(folder / shard)})
    if count != len(metadata):
        raise UserError(f"{folder}/tfrecord has {count} records for {len(metadata)} pairs: {REMEDY}")
    path = folder / MANIFEST
    manifest = read_json(path, REMEDY)
    expected = {"records": count, "shards": described}
    _none([key for key in expected if manifest.get(key) != expected[key]], f"{path} is not of these files in")


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
    except KeyboardInterrupt:
        sys.exit("synthmed-verify: interrupted; call again")
    print(readable(f"synthmed-verify: {folder} holds {count} pairs, all of them as published"))


if __name__ == "__main__":
    from absl import app, flags

    DIR = flags.DEFINE_string("dir", None, "Folder of the release.", required=True)
    app.run(lambda _: main(DIR.value))

"""A copy of a release is checked: what is damaged, missing or does not fit together is named."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from data.errors import UserError
from data.pairs import PairReader, PairWriter
from data.synthmed.verify import DESCRIBING, MANIFEST, METADATA, STORE, verify


def _edit(path, before, after):
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after, 1))


def _sum_again(folder):
    """As somebody would who changes a copy and its checksums."""
    from data.synthmed.release import sums
    (folder / "SHA256SUMS").write_text(sums(folder))


def _store_again(out, rows, **attributes):
    """pairs.h5 with these of its rows, and with other attributes."""
    again = out.parent / "again.h5"
    with PairReader(out / STORE) as reader, PairWriter(again, {**reader.attributes, **attributes}) as writer:
        for row in rows:
            writer.append(**reader[row])
    again.replace(out / STORE)


def _claim(out, length):
    """The first record of the shard says that it has so many bytes, with the right checksum of that."""
    (shard,) = out.glob("tfrecord/*.tfrecord")
    claimed = length.to_bytes(8, "little")
    shard.write_bytes(claimed + masked_crc32c(claimed).to_bytes(4, "little") + shard.read_bytes()[12:])


def _records_again(out, record):
    """One more record in the shard."""
    (shard,) = out.glob("tfrecord/*.tfrecord")
    records = [*tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()]
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for each in (*records, records[-1] if record is None else record):
            writer.write(each)


DAMAGES = {
    "a changed file": (lambda out: _edit(out / "README.md", b"synthetic", b"authentic"), "changed README.md"),
    "a missing file": (lambda out: (out / "train/masks/000003.png").unlink(), "missing train/masks/000003.png"),
    "one more file": (lambda out: (out / "train/images/000099.png").touch(), "not in SHA256SUMS train/images/000099"),
    "no checksums": (lambda out: (out / "SHA256SUMS").unlink(), "SHA256SUMS is missing"),
    "checksums of other folders": (lambda out: (out / "SHA256SUMS").write_text(f"{'0' * 64}  ../run/audit.json\n"),
                                   "outside of the folder"),
    "a name that is too long": (lambda out: (out / "SHA256SUMS").write_text(f"{'0' * 64}  {'a' * 5000}\n"),
                                "tiny/aaa.*: cannot be read .*too long"),
}
FORGERIES = {
    "a mask less": (lambda out: (out / "train/masks/000003.png").unlink(), "train/masks differ in"),
    "two masks swapped": (lambda out: (out / "train/masks/000000.png").write_bytes(
        (out / "train/masks/000001.png").read_bytes()), "masks/000000.png and pairs.h5 differ"),
    "a line less": (lambda out: (out / "train/metadata.jsonl").write_text("".join(
        (out / "train/metadata.jsonl").read_text().splitlines(True)[1:])), "train/images differ in .*000000"),
    "a key less": (lambda out: _edit(out / "train/metadata.jsonl", b'"seed"', b'"sede"'), "same keys"),
    "an id twice": (lambda out: _edit(out / "train/metadata.jsonl", b'"id": 3', b'"id": 0'), "twice"),
    "another id": (lambda out: _edit(out / "train/metadata.jsonl", b'"id": 3', b'"id": 9'), "pairs.h5: its pairs"),
    "a list for an id": (lambda out: _edit(out / METADATA, b'"id": 3', b'"id": [3]'),
                         "metadata.jsonl: line 3 has a wrong kind of value for id"),
    "text for a score": (lambda out: _edit(out / METADATA, b'"agreement": 0.6', b'"agreement": "0.6"'),
                         "metadata.jsonl: line 2 has a wrong kind of value for agreement"),
    "a score that is no number": (lambda out: _edit(out / METADATA, b'"mask_distance": 0.1', b'"mask_distance": NaN'),
                                  "line 1 has a wrong kind of value for mask_distance"),
    "a number for a file": (lambda out: _edit(out / METADATA, b'"masks/000003.png"', b"3"), "for mask_file_name"),
    "another seed": (lambda out: _edit(out / METADATA, b'"seed": 7', b'"seed": 8'),
                     "metadata.jsonl and pairs.h5 differ in seed"),
    "another network": (lambda out: _edit(out / METADATA, b'"stage2_sha256": "', b'"stage2_sha256": "0'),
                        "metadata.jsonl and pairs.h5 differ in stage2_sha256"),
    "a store without networks": (lambda out: _store_again(out, range(4), generators=[]),
                                 "differ in stage1_sha256, stage2_sha256"),
    "a row less": (lambda out: _store_again(out, range(3)), "pairs.h5 has 3 rows for 4 pairs"),
    "a row more": (lambda out: _store_again(out, [0, 1, 2, 3, 3]), "pairs.h5 has 5 rows for 4 pairs"),
    "two rows swapped": (lambda out: _store_again(out, [1, 0, 2, 3]), "000000.png and pairs.h5 differ"),
    "a record more": (lambda out: _records_again(out, None), "record 4 is not the pair in line 5"),
    "a record of something else": (lambda out: _records_again(out, b"no pair"), "00001.tfrecord is damaged"),
    "a record that claims all memory": (lambda out: _claim(out, 1 << 40),
                                        "00001.tfrecord is damaged .*beyond the file"),
    "another number of records": (lambda out: _edit(out / MANIFEST, b'4,\n      "sha256"', b'5, "sha256"'),
                                  "manifest.json is not of these files in shards"),
    "another number of all records": (lambda out: _edit(out / MANIFEST, b'"records": 4', b'"records": 5'),
                                      "manifest.json is not of these files in records"),
    "another checksum of a shard": (lambda out: _edit(out / MANIFEST, b'"sha256": "', b'"sha256": "0'),
                                    "manifest.json is not of these files in shards"),
    "no records": (lambda out: next(out.glob("tfrecord/*.tfrecord")).write_bytes(b""), "0 records for 4 pairs"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_is_found_out(released, damage):
    change, said = DAMAGES[damage]
    change(released)
    with pytest.raises(UserError, match=said):
        verify(released)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_does_not_fit_together_is_found_out_with_right_checksums(released, forgery):
    change, said = FORGERIES[forgery]
    change(released)
    _sum_again(released)
    with pytest.raises(UserError, match=said):
        verify(released)


@pytest.mark.parametrize("name", [*DESCRIBING, METADATA, STORE, MANIFEST, "thumbnails/0000.jpg"])
def test_a_release_without_one_of_its_files_is_none(released, name):
    (released / name).unlink()
    _sum_again(released)
    with pytest.raises(UserError, match=f"tiny: missing {name}"):
        verify(released)


def test_hidden_files_of_a_server_or_a_desktop_do_no_harm(released):
    (released / ".git").mkdir()
    (released / ".git/config").touch()
    (released / "train/.DS_Store").touch()
    assert verify(released) == 4


@pytest.mark.training
def test_a_folder_whose_name_is_no_utf_8(run_of, tmp_path):
    """As most desktops have it, Python refuses to print such a name; TensorFlow takes it as bytes only."""
    copy = os.fsencode(tmp_path) + b"/Gef\xe4\xdfe"
    run_of(tmp_path / "run", 3).release(Path(os.fsdecode(copy)))
    for arguments in (["verify", b"--dir=" + copy],
                      ["export", f"--store={tmp_path}/run/synthetic.h5", b"--out=" + copy + b"-export"]):
        answer = subprocess.run([sys.executable, "-m", f"data.synthmed.{arguments[0]}", *arguments[1:]],
                                capture_output=True, cwd=Path(__file__).parents[2],
                                env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"})
        assert answer.returncode == 0, answer.stderr
        assert "Gefäße" in answer.stdout.decode()


@pytest.mark.training
def test_an_interruption_is_told_in_one_line(released):
    script = """
import os, runpy, signal, sys
import data.files
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
data.files.checksum = lambda path: os.kill(os.getpid(), signal.SIGINT)
runpy.run_module("data.synthmed.verify", run_name="__main__", alter_sys=True)
"""
    answer = subprocess.run([sys.executable, "-c", script, f"--dir={released}"], capture_output=True, text=True,
                            cwd=Path(__file__).parents[2])
    assert answer.stderr.splitlines()[-1] == "synthmed-verify: interrupted; call again" and answer.returncode == 1
    assert "Traceback" not in answer.stderr

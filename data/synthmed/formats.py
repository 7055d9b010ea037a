"""The forms that the pairs of a release come in, beside PNG: TFRecord shards, and sheets of thumbnails."""
from __future__ import annotations

import json
import os

import cv2
import numpy as np
import tensorflow as tf

from data.errors import first_line
from data.files import checksum, write_error
from data.images import encode_image
from data.unfinished import NewFolder

SHARD = 200        # pairs a TFRecord file
SHEET = 16         # pairs a sheet of thumbnails
THUMBNAIL = 160    # pixels, the height of one


class Shards:
    """TFRecord files of tf.train.Example, and manifest.json, which says how to read them."""

    def __init__(self, folder: NewFolder, count: int):
        self._folder, self._count, self._records = folder, 0, []
        self._total = -(-count // SHARD)
        (folder.partial / "tfrecord").mkdir()

    def append(self, number: int, **png: bytes) -> None:
        """Adds a pair: its id, and for each role the bytes of its PNG."""
        features = {"id": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
                    **{role: tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))
                       for role, content in png.items()}}
        example = tf.train.Example(features=tf.train.Features(feature=features))
        self._records.append(example.SerializeToString(deterministic=True))
        self._features = {"id": "int64", **{role: "PNG, uint8" for role in sorted(png)}}
        self._count += 1
        if len(self._records) == SHARD:
            self._write()

    def close(self) -> None:
        """Writes the last shard and the manifest."""
        self._write()
        shards = [{"file": path.name, "records": min(SHARD, self._count - SHARD * number), "sha256": checksum(path)}
                  for number, path in enumerate(sorted((self._folder.partial / "tfrecord").glob("*.tfrecord")))]
        manifest = {"records": self._count, "features": self._features, "shards": shards}
        self._folder.write("tfrecord/manifest.json", json.dumps(manifest, indent=2).encode())

    def _write(self) -> None:
        if self._records:
            number = (self._count - 1) // SHARD
            name = f"tfrecord/pairs-{number:05d}-of-{self._total:05d}.tfrecord"
            try:
                with tf.io.TFRecordWriter(os.fsencode(self._folder.partial / name)) as writer:
                    for record in self._records:
                        writer.write(record)
            except tf.errors.OpError as error:
                raise write_error(self._folder.path / name, OSError(first_line(error))) from error
            self._records = []


class Sheets:
    """thumbnails/NNNN.jpg: SHEET pairs, one below the other, each the photograph and its mask side by side."""

    def __init__(self, folder: NewFolder):
        self._folder, self._thumbnails, self._number = folder, [], 0

    def append(self, image: np.ndarray, mask: np.ndarray) -> None:
        """image: uint8 (H, W, 3) RGB. mask: uint8 (H, W)."""
        height, width = mask.shape
        size = (max(1, round(THUMBNAIL * width / height)), THUMBNAIL)
        small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (image, mask)]
        self._thumbnails.append(np.hstack([small[0], cv2.cvtColor(small[1], cv2.COLOR_GRAY2RGB)]))
        if len(self._thumbnails) == SHEET:
            self.close()

    def close(self) -> None:
        """Writes the last sheet, filled with black, so that all have one size."""
        if self._thumbnails:
            sheet = np.zeros((SHEET * THUMBNAIL, *self._thumbnails[0].shape[1:]), np.uint8)
            filled = np.vstack(self._thumbnails)
            sheet[:len(filled)] = filled
            self._folder.write(f"thumbnails/{self._number:04d}.jpg", encode_image(sheet, ".jpg"))
            self._number, self._thumbnails = self._number + 1, []

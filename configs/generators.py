"""Writes both generators of a run as graphs that need none of this project, for a release:

    python -m configs.generators --run=checkpoints/mine --audit=reports/mine/audit/audit.json \
        --out=checkpoints/mine/generators

Only where the audit's attacks on the generators found no leak. README.md in the folder has the signatures.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import tensorflow as tf
from absl import logging
from tensorflow import keras

from configs.api import Source, read_source
from data.errors import UserError
from data.files import OutputFolder, checksum, json_bytes, read_json
from data.pairs import PairReader
from data.randomness import uniform
from data.synthmed.source import GRAPHS_OF, generators, refuse_leaking
from stage1_dcgan.generate import Drawer
from stage1_dcgan.inputs import draw_z
from stage2_pix2pix.generate import Renderer
from stage2_pix2pix.inputs import COLOURS
from training.cli import run
from training.config import Config, option

README = """# The generators

`mask` draws a mask of {size} x {size} pixels, `photograph` renders one of {side} x {side}. Each is a TensorFlow
SavedModel, and a TF Lite file of the same signature.

    import tensorflow as tf
    mask = tf.saved_model.load("mask").mask(seed=7)
    photograph = tf.saved_model.load("photograph").photograph(mask=mask, fov=fov, seed=7)

- `mask`: seed, int64 scalar -> uint8 ({size}, {size}, 1), 0 or 255
- `photograph`: mask and fov, uint8 ({side}, {side}, 1), 0 or 255, and seed, int64 scalar -> uint8 ({side}, {side}, 3),
  RGB, black outside of the field of view fov

A seed is 0 or more, and the same one gives the same picture. Bring a mask to {side} pixels without smoothing where the
sizes differ. The TF Lite files need TensorFlow's own operations beside its own; `tf.lite.Interpreter` has them.
`networks.json` has the SHA-256 checksums of the networks that these are graphs of.

`mask` is a plain cut of what the network draws. The masks of the release were made of such drawings by further steps
that are no network: they were varied and, where they show vessels, traced to trees. `mask(seed=k)` is what pair k began
with.
{grain}"""
GRAIN = "`photograph` does not add the grain that the photographs of the release have.\n"


@dataclass(frozen=True)
class GeneratorsConfig(Config):
    """Writes both generators of a run as graphs."""

    run: str = option("", "Folder of the run.", required=True)
    audit: str = option("", "audit.json of its pairs.", required=True)
    out: str = option("", "Folder for the graphs.", required=True)


def export(config: GeneratorsConfig) -> None:
    """Writes mask/, photograph/, mask.tflite, photograph.tflite, networks.json and README.md to config.out.

    Raises UserError where the audit is missing, found a leak or is of another run, where a network is missing, or where
    a file of the user's lies in the way.
    """
    refuse_leaking(Path(config.audit))
    exported = audited(Path(config.audit), Path(config.run))
    folder, source = OutputFolder(config.out, "--out"), read_source(Path(config.run))
    renderer = Renderer(Path(config.run) / "stage2", source.seed)
    with TemporaryDirectory() as place:
        signatures = {"mask": mask_signature(Path(config.run) / "stage1", source),
                      "photograph": photograph_signature(renderer, source.seed)}
        for name, (networks, function, arguments) in signatures.items():
            _save(Path(place) / name, name, networks, function, arguments)
        text = README.format(size=source.size, side=renderer.config.size, grain=GRAIN if renderer.config.grain else "")
        written = {path.relative_to(place).as_posix(): path.read_bytes() for path in sorted(Path(place).rglob("*"))
                   if path.is_file()}
    written |= {GRAPHS_OF: json_bytes(exported), "README.md": text.encode()}  # the text last, for make looks for it
    for name, content in written.items():
        folder.write(name, content)
    logging.info("generators: %s", config.out)


def audited(audit: Path, run: Path) -> dict[str, str]:
    """Checksums of the run's networks, as `data.synthmed.source.generators`. UserError unless the audit is of pairs of
    this run, and these were made by the networks that it has now."""
    audited = read_json(audit, "call `make audit`").get("pairs_sha256")
    for store in sorted(run.glob("synthetic*.h5")):
        if checksum(store) == audited:
            with PairReader(store) as pairs:
                return generators(run, pairs)
    raise UserError(f"{audit} is not the audit of pairs of {run}: give that of this run, or call `make audit`")


def mask_signature(folder: Path, source: Source):
    """(networks, function, its arguments) of seed -> mask."""
    network = Drawer(folder).network
    made = source.masks.get("tree") or source.masks["cut"]

    def mask(seed):
        drawn = network(draw_z(source.masks["seed"], seed)[None], training=False)
        fine = tf.image.resize(drawn, (source.size, source.size), "bicubic")[0]
        return tf.cast(tf.where(fine > float(made["level"]), 255, 0), tf.uint8)

    return [network], mask, {"seed": tf.TensorSpec((), tf.int64)}


def photograph_signature(renderer: Renderer, seed_of_run: int):
    """The same of mask, field of view, seed -> photograph."""
    size, codes = renderer.config.size, tf.constant(renderer.codes, tf.float32)

    def photograph(mask, fov, seed):
        code = codes[tf.cast(uniform(seed_of_run, seed, COLOURS, ()) * len(renderer.codes), tf.int32)]
        drawn = renderer.traced(tf.minimum(mask, fov)[..., 0], fov[..., 0], code, seed)
        return tf.cast(tf.clip_by_value(tf.round(drawn * 127.5 + 127.5), 0, 255), tf.uint8)

    picture = tf.TensorSpec((size, size, 1), tf.uint8)
    arguments = {"mask": picture, "fov": picture, "seed": tf.TensorSpec((), tf.int64)}
    return [*renderer.networks.values()], photograph, arguments


def _save(path: Path, name: str, networks: list[keras.Model], function, arguments: dict) -> None:
    archive = keras.export.ExportArchive()  # what Model.export writes with
    for network in networks:
        archive.track(network)
    archive.add_endpoint(name, function, list(arguments.values()))
    archive.write_out(str(path))
    converter = tf.lite.TFLiteConverter.from_saved_model(str(path), signature_keys=[name])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    path.with_suffix(".tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    run(export, GeneratorsConfig)

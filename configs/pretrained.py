"""Packs the networks of a run whose audit passed, so that others can use them without its images.

    python -m configs.pretrained --run=mine --name=retina --license=CC-BY-4.0

checkpoints/pretrained/NAME then holds both generators and the U-Net of the synthetic pairs as float16, what pairs
follow from beside (drawing.json: what fields of view are like, and how drawings become masks), and a card. The U-Net of
the real pairs is not among them: it segments the images that it was trained on better than others, and so tells which
these are. The other is asked as well, and nothing is packed where it tells.

`make demo`, configs.api.generate, unet_eval.segment and --warm_start take such a folder in the place of a run's.
"""
from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from absl import logging
from tensorflow import keras

from configs.api import DRAWING, read_source
from configs.flags import split as split_flags
from configs.settings import PRETRAINED
from data import layouts
from data.errors import UserError
from data.few import whole
from data.files import SUMS, checksum, json_bytes, read_json
from data.members import read_members
from data.pairs import PairReader
from data.synthmed.card import data_sets, table
from data.synthmed.release import sums
from data.synthmed.source import generators, read_audit, refuse_leaking, rounded, trained_on
from data.synthmed.terms import Terms
from data.unfinished import NewFolder
from stage1_dcgan.config import Stage1Config
from stage1_dcgan.networks import generator
from stage2_pix2pix import architectures
from stage2_pix2pix.config import Stage2Config
from training.cli import run
from training.config import Config, option
from training.run_folder import read_config, read_record
from training.warm import SEEN
from training.weights import load_array, load_weights, save_array, save_weights
from unet_eval.audit.inputs import FOLDER as AUDIT
from unet_eval.audit.report import attack_row
from unet_eval.audit.verdict import PASSES, attack, attacked_by
from unet_eval.config import UnetConfig
from unet_eval.networks import unet_of

FOLDER = Path("checkpoints") / PRETRAINED
LARGEST = 20_000_000  # bytes of all files, for they lie in git
UNET = "unet-synthetic"
REMEDY = f"train it first (make stage1 stage2 {UNET})"
STAGES = {"stage1": Stage1Config, "stage2": Stage2Config, UNET: UnetConfig}
ABSENT = "absent"  # in place of a path
CARD = """# {name}

Networks that draw synthetic pairs of a photograph and its mask, and one that segments photographs, as float16.

    make demo NAME={name}
    make demo NAME={name} IMAGES=folder

| folder | what |
|---|---|
| `stage1` | the generator of masks |
| `stage2` | what renders photographs from masks |
| `unet-synthetic` | a U-Net that was trained on synthetic pairs of these generators |
| `drawing.json` | what the fields of view of the training images are like, and how drawings become masks |
| `SHA256SUMS` | checksums, for `sha256sum -c` |

## Licence
[{license}]({url}). By {authors}.

## Training
The networks learned from the training images, and from no test image, of

{origins}

SHA-256 of size and pixels of each of the {seen} images stands in the `seen.json` of each folder: who has an image can
tell by it whether it is one of them. The networks were made by (`absent` is in place of where the images lay)

    {command}

## Privacy audit
{pairs} pairs of these networks were compared with what the networks were trained on, and the networks were asked which
images these are.

| figure | value | threshold | verdict |
|---|---|---|---|
{audit}

No more pairs were called copies than false alarms explain, and no attack told the training images from others better
than chance may, with so few people; how much better it may be, the intervals say. That proves nothing about measures
that were not made.
"""


@dataclass(frozen=True)
class PretrainedConfig(Config):
    """Packs the networks of a run whose audit passed."""

    run: str = option("", "Name of the run.", required=True)
    count: int = option(0, "Pairs of the audit, as `make audit COUNT=...`; 0: those of the run.", low=0)
    name: str = option("", "Name of the pack.")
    license: str = option("", "Its licence, an SPDX identifier.")
    authors: str = option("", "Who is to be named, with semicolons between.")


def pack(config: PretrainedConfig) -> Path:
    """Makes checkpoints/pretrained/NAME, complete or not at all.

    Raises UserError where the audit of the run's pairs is missing, or did not pass, of pairs or networks; where the
    U-Net tells its images, or began with weights that saw others; where a network is missing or did not make the
    pairs, or all are larger than LARGEST; where the folder is there.
    """
    terms = Terms(config.name, config.license, tuple(filter(None, map(str.strip, config.authors.split(";")))))
    source, which = Path("checkpoints") / config.run, f"-{config.count}" if config.count else ""
    store, audit_file = source / f"synthetic{which}.h5", Path("reports") / config.run / f"audit{which}" / "audit.json"
    with PairReader(store) as reader:
        count, origins = len(reader), trained_on(reader)
        audit = read_audit(audit_file, store, checksum(store), count)
        generators(source, reader)  # raises UserError where these did not make the pairs
    refuse_leaking(audit_file)
    asked = _ask_unet(source / AUDIT / f"{UNET}.json")
    with NewFolder(FOLDER / terms.name, "take another NAME, or move the folder away") as folder:
        seen = {stage: _pack_stage(folder, source, stage) for stage in STAGES}
        others = seen[UNET] - seen["stage1"] - seen["stage2"]
        if others:
            raise UserError(f"{source / UNET} began with weights that have seen {len(others)} images which no audit "
                            "asked it about: train it without --warm_start")
        _pack_drawing(folder, source)
        card = _card(terms, [*audit.table, asked], origins, len(set().union(*seen.values())), count, source)
        folder.write("README.md", card.encode())
        folder.write(SUMS, sums(folder.partial).encode())
        size = sum(path.stat().st_size for path in folder.partial.rglob("*") if path.is_file())
        if size > LARGEST:
            raise UserError(f"{source}: its networks take {size / 1e6:.0f} MB of float16, and may take "
                            f"{LARGEST / 1e6:.0f} MB: train smaller ones (--base)")
    return folder.path


def _pack_stage(folder: NewFolder, source: Path, stage: str) -> set[str]:
    """Writes a stage's weights and what goes with them; which images it has seen."""
    trained, out = source / stage, folder.partial / stage
    options = read_config(trained, STAGES[stage], REMEDY)
    out.mkdir()
    for name, network in networks(stage, options).items():
        load_weights(network, trained / f"{name}.h5", REMEDY)
        save_weights(network, out / f"{name}.h5", half=True)
    for name in ("codes.npy", "grain.npy"):
        if stage == "stage2" and (name != "grain.npy" or options.grain):
            save_array(load_array(trained / name, REMEDY), out / name)
    record = read_record(trained, REMEDY)
    data = {"checksum": record["data"].get("checksum"), "pairs": layouts.origin(options.pairs)}
    folder.write(f"{stage}/config.json", json_bytes({**record, "flags": without_paths(options), "data": data}))
    seen = read_json(trained / SEEN, "an earlier version trained it: its command again adds the file")
    folder.write(f"{stage}/{SEEN}", json_bytes(seen))
    return set(seen["images"])


def _ask_unet(path: Path) -> list[str]:
    """A row of the audit's table. UserError where the U-Net tells which images it was trained on."""
    asked = read_members(path, "call `make pretrained`")
    ((title, figure),) = attacked_by({title: attack(sides) for title, sides in asked.items()}, seed=0).items()
    if not figure or figure["verdict"] != PASSES:
        said = f"AUC {rounded(figure['value'])}; 0.5 is no leak" if figure else "not measured"
        raise UserError(f"{path}: the U-Net may tell which images it was trained on, by how well it segments them "
                        f"({said}), so nothing is given away")
    return attack_row(title, figure)


def networks(stage: str, options: Config) -> dict[str, keras.Model]:
    """{name of its file: network} of what a stage gives away, without its weights."""
    if stage == "stage1":
        return {"generator": generator(options.size, options.base, options.channels)}
    if stage == "stage2":
        return architectures.load(options.architecture).networks(options)
    return {"weights": unet_of(options)}


def without_paths(options: Config) -> dict:
    """The options of a training, without the places of files, which are nobody's business."""
    layout = whole(layouts.origin(options.pairs))
    known = layout in layouts.DATA_SETS and layouts.DATA_SETS[layout].modality
    hidden = {"out": ABSENT, "pairs": f"{layout if known else 'folder'}:{ABSENT}", "photos": "", "photo_masks": "",
              "synthetic": ABSENT if getattr(options, "synthetic", "") else "", "agree_with": "", "warm_start": "",
              "modality": layouts.modality_of(options.pairs, options.modality)}
    return {name: hidden.get(name, value) for name, value in options.to_json().items()}


def _pack_drawing(folder: NewFolder, source: Path) -> None:
    drawn = read_source(source)
    masks = {name: drawn.masks[name] for name in ("seed", "vary", "tree", "cut") if name in drawn.masks}
    folder.write(DRAWING, json_bytes({"masks": masks, "seed": drawn.seed, "size": drawn.size,
                                      "rims": drawn.rims.tolist()}))


def _card(terms: Terms, audit: list[list[str]], origins: list[str], seen: int, pairs: int, source: Path) -> str:
    return CARD.format(name=terms.name, license=terms.license, url=terms.url, authors=", ".join(terms.authors),
                       origins=data_sets(origins), seen=seen, pairs=pairs, audit=table(audit),
                       command=_command(source / "settings"))


def _command(settings: Path) -> str:
    """The line that made a run, without the places of files."""
    text = settings.read_text(encoding="utf-8", errors="replace").strip() if settings.exists() else ""
    given = re.fullmatch("CONFIG=(.*) PAIRS=(.*) PHOTOS=(.*) FLAGS=(.*)", text)
    if not given:
        return "a command that was not recorded"
    pairs, photos = (layouts.origin(spec) + (f":{ABSENT}" if ":" in spec else "") for spec in given.group(2, 3))
    return (f"make stage1 stage2 {UNET} CONFIG={Path(given[1]).name} PAIRS={pairs} PHOTOS={photos} "
            f"FLAGS='{shlex.join(map(_without_place, split_flags(given[4])))}'")


def _without_place(word: str) -> str:
    """One of FLAGS, whose value may be the place of a file or a data set."""
    if not re.search("[/:]", word):
        return word
    flag, equals, _ = word.partition("=")
    return f"{flag}={ABSENT}" if equals and "/" not in flag else ABSENT


def main(config: PretrainedConfig) -> None:
    logging.info("pretrained: %s; try it: make demo NAME=%s", pack(config), config.name)


if __name__ == "__main__":
    run(main, PretrainedConfig)

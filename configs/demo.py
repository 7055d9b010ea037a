"""Shows what trained networks make: 50 pairs with a contact sheet and a gallery, or masks of somebody's photographs.

    python -m configs.demo                          of the packed networks in checkpoints/pretrained
    python -m configs.demo --name=FOLDER            of packed networks that lie elsewhere
    python -m configs.demo --run=quick              of a run, for whoever may see its training images
    python -m configs.demo --images=FOLDER          masks of the photographs in FOLDER

Pairs go to reports/pretrained/NAME/demo or reports/RUN/demo, masks to a folder `segmented` beside it.
"""
from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from configs.api import DRAWING, Pair, generate
from configs.clean import foreign
from configs.pretrained import FOLDER, UNET
from data.errors import UserError, listed
from data.files import RECORD, SUMS, OutputFolder, checksum
from data.images import encode_image
from data.pairs import PairReader, PairWriter
from data.synthmed import gallery
from data.synthmed.formats import Sheets
from data.synthmed.release import FOLDERS, ROLES, sharpness, sums
from data.synthmed.source import STAGES
from data.unfinished import NewFolder
from stage2_pix2pix.sheet import contact_sheet
from training.cli import run
from training.config import Config, option
from unet_eval.config import SegmentConfig
from unet_eval.segment import images, segment

COUNT = 50
SHEET = 24  # pairs on the contact sheet
README = """# {count} synthetic pairs of {folder}

`index.html` is a gallery, `contact_sheet.png` a picture of the first {sheet}, `pairs.h5` has all in one file.

{cleared}
"""
CLEARED = """The networks were released after an audit of pairs of theirs: see the README of {folder}. These pairs
have not been compared with what the networks were trained on; `make synthmed` makes pairs that have been."""
NOT_CLEARED = """**Not cleared for publication.** Nobody has compared these pairs with what the networks were trained
on: they may show it, and so give patients away. Treat them as you treat the training images. `make synthmed` makes a
folder that may be published, after an audit."""


@dataclass(frozen=True)
class DemoConfig(Config):
    """Shows what trained networks make."""

    run: str = option("", "Name of the run; by default packed networks.")
    name: str = option("", "Name of packed networks in checkpoints/pretrained, where there are several; or their "
                       "folder, wherever it lies.")
    images: str = option("", "Folder of photographs to segment, or layout:path, in place of drawing pairs.")


@dataclass(frozen=True)
class Label:
    """What the gallery says of its pairs."""

    name: str
    license: str
    url: str


def networks(config: DemoConfig) -> tuple[Path, Path]:
    """(folder of trained networks, folder of reports). UserError where there are none, or several and no name, or both
    a run and a name."""
    if config.run and config.name:
        raise UserError(f"--run={config.run} and --name={config.name}: the networks of a run, or packed ones; give one "
                        "of the two (make demo RUN=... or NAME=...)")
    if config.run:
        return Path("checkpoints") / config.run, Path("reports") / config.run
    packed = {path.parent.name: path.parent for path in sorted(FOLDER.glob(f"*/{DRAWING}"))}
    if config.name and (Path(config.name) / DRAWING).exists():
        packed.setdefault(config.name, Path(config.name))
    if not packed or config.name not in ("", *packed):
        asked = dict.fromkeys([FOLDER / config.name, Path(config.name or FOLDER)])
        raise UserError(f"{' and '.join(map(str, asked))}: no packed networks there. Give their folder, --name=FOLDER "
                        "(make demo NAME=FOLDER); those that come with the project lie in its checkpoints/pretrained. "
                        "Or show those of a run of yours that has pairs, --run=quick (make demo RUN=quick); or pack "
                        "those of a run whose audit passed, make pretrained RUN=... NAME=... LICENSE=...")
    if not config.name and len(packed) > 1:
        first = min(packed)
        raise UserError(f"{FOLDER} has several networks: choose, --name={first} (make demo NAME={first}); there are: "
                        f"{', '.join(packed)}")
    folder = packed[config.name or min(packed)]
    return folder, Path("reports") / FOLDER.name / folder.resolve().name


def demo(config: DemoConfig) -> Path:
    """The file or folder to look at, after it is made. A gallery of these networks that is there is not made again; one
    of others gives way.

    Raises UserError as `networks`, `generate` and `segment` do, where files of the user's lie in the gallery of other
    networks, and where masks of other images lie where these would be written.
    """
    folder, reports = networks(config)
    if config.images:
        unet = "unet-real" if config.run else UNET
        options = SegmentConfig(model=str(folder / unet), images=config.images, out=str(reports / "segmented"))
        _refuse_masks_of_others(options)
        segment(options)
        return reports / "segmented"
    out, made_by = reports / "demo", _checksums(folder)
    if (out / "index.html").exists() and _shown(out) == made_by:
        logging.info("demo: it was made before; remove %s to make it again", out)
        return out / "index.html"
    pairs = generate(folder, COUNT)  # raises before anything is removed
    if (out / "index.html").exists():
        others = [path.as_posix() for path in foreign(out)]
        if others:
            raise UserError(f"{out} shows other networks than {folder}, and has files of yours: move away "
                            f"{listed(others)}")
        shutil.rmtree(out)
    with NewFolder(out, "move or remove it first") as new:
        _write(new, pairs, folder, made_by, cleared=not config.run)
    return out / "index.html"


def _refuse_masks_of_others(options: SegmentConfig) -> None:
    """UserError where the folder has masks of other images than these: nobody could tell them apart."""
    out, names = OutputFolder(options.out, "--images"), {f"{sample.stem}.png" for sample in images(options)}
    others = sorted(name for name in out.written() if name not in names and (out.path / name).exists())
    if others:
        raise UserError(f"{out.path} has masks of other images, such as {others[0]}: move that folder away first, or "
                        "give one of your own (python -m unet_eval.segment --out=FOLDER)")


def _checksums(folder: Path) -> dict[str, str]:
    """Of the generators of both stages, as far as they are there."""
    weights = {stage: folder / stage / "generator.h5" for stage in STAGES}
    return {stage: checksum(path) for stage, path in weights.items() if path.is_file()}


def _shown(out: Path) -> dict[str, str] | None:
    """`_checksums` of the networks whose pairs a gallery shows; None where it does not say."""
    if not (out / "pairs.h5").is_file():
        return None
    with PairReader(out / "pairs.h5", "make demo") as pairs:
        return pairs.attributes.get("generators")


def _write(new: NewFolder, pairs: Iterator[Pair], folder: Path, made_by: dict[str, str], cleared: bool) -> None:
    sheets, metadata, shown = Sheets(new), [], []
    with PairWriter(new.partial / "pairs.h5", {"generators": made_by}) as writer:
        for number, (image, mask, fov) in enumerate(pairs):
            arrays = {"image": image, "mask": mask[..., None], "fov": fov[..., None]}
            for role, array in arrays.items():
                new.write(f"train/{FOLDERS[role]}/{number:06d}.png", encode_image(array, ".png"))
            writer.append(**{ROLES[role]: array for role, array in arrays.items()})
            sheets.append(image, mask)
            metadata.append({**dict.fromkeys(gallery.SCORES), "id": number, "sharpness": sharpness(image, fov)})
            shown.append((mask, image))
    sheets.close()
    (new.partial / RECORD).unlink()  # PairWriter's
    new.write("contact_sheet.png", encode_image(contact_sheet(*zip(*shown[:SHEET])), ".png"))
    license = "see README.md of the networks" if cleared else "none, not cleared for publication"
    label = Label(folder.name, license, "README.md")
    new.write("index.html", gallery.page(label, metadata, (mask.shape[1], mask.shape[0])).encode())
    text = (CLEARED if cleared else NOT_CLEARED).format(folder=folder)
    new.write("README.md", README.format(count=COUNT, sheet=SHEET, folder=folder, cleared=text).encode())
    new.write(SUMS, sums(new.partial).encode())  # by which `make clean` knows them from files of yours


def main(config: DemoConfig) -> None:
    print(f"demo: open {demo(config)}")


if __name__ == "__main__":
    run(main, DemoConfig)

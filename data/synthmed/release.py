"""Makes a folder of synthetic pairs that can be put on any static host or data repository as it is.

    python -m data.synthmed.release --run=checkpoints/quick --store=checkpoints/quick/synthetic.h5 \
        --audit=reports/quick/audit/audit.json --agreement=checkpoints/quick/agreement.json \
        --name=synthmed-retina --license=CC-BY-4.0 --out=reports/quick/synthmed/synthmed-retina

There is no release without an audit that passed. The same inputs give the same bytes, but for generators/: graphs that
are exported anew have TensorFlow's objects in another order.
"""
from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from data.errors import UserError, errors_in_one_line
from data.files import RECORD, SUMS, OutputFolder, checksum, read_json, readable
from data.images import encode_image
from data.pairs import PairReader, PairWriter
from data.synthmed import card, croissant, gallery
from data.synthmed.formats import Shards, Sheets
from data.synthmed.source import GRAPHS_OF, STAGES, Source, learned_from, read_source, refuse_leaking, rounded
from data.synthmed.terms import Terms
from data.unfinished import NewFolder

ROLES = {"image": "images", "mask": "masks", "fov": "fovs"}  # role: data set in the store
FOLDERS = {"image": "images", "mask": "masks", "fov": "fov"}  # role: folder in train/
REMEDY = "take another NAME, or move the folder away"


def release(out: Path, terms: Terms, run: Path, store: Path, audit_file: Path, agreement_file: Path,
            generators: Path | None = None) -> int:
    """Makes the folder `out`, complete or not at all, and returns the number of its pairs. Where `out` is a release of
    the same pairs and networks on the same terms, it stays as it is.

    generators: a folder of graphs, which the release has in generators/; only where the audit found that they leak
    nothing. Raises UserError where the audit is missing, refuses, or is of other pairs; where an input is missing,
    damaged or changed; where `out` is anything else.
    """
    with PairReader(store, required=("masks", "images", "fovs")) as reader:
        source = read_source(reader, store, run, audit_file, agreement_file)
        attributes = {"name": terms.name, "license": terms.license, "authors": list(terms.authors), "seed": source.seed,
                      "ids": source.rows, "generators": source.networks, "made_from_sha256": source.checksum,
                      "learned_from": learned_from(reader)}
        if generators:
            refuse_leaking(audit_file)
            graphs = _graphs(generators, source.networks)
            # By name: the same networks, exported again, have other bytes. "generators" has the checksums of networks.
            attributes["graphs"] = [name for name in graphs if name.endswith(".tflite")]
        if not _is_release(out, attributes):
            with NewFolder(out, REMEDY) as folder:
                if generators:
                    for name in graphs:
                        folder.write(f"generators/{name}", (generators / name).read_bytes())
                metadata, size = _write_pairs(folder, source, attributes)
                _describe(folder, terms, source, metadata, size)
    return len(source.rows)


def _is_release(out: Path, attributes: dict) -> bool:
    if not (out / SUMS).is_file() or not (out / "pairs.h5").is_file():
        return False
    with PairReader(out / "pairs.h5", made_by="make synthmed") as reader:
        return reader.attributes == attributes


def _graphs(generators: Path, networks: dict[str, str]) -> list[str]:
    """The files that configs.generators wrote to a folder, by the folder's own list. UserError where there are none,
    where one was changed, or where they are of other than the `networks`."""
    folder = OutputFolder(generators, "--generators")
    names = sorted(name for name in folder.written() if (generators / name).exists())
    if not names:
        raise UserError(f"{generators} has no graphs that configs.generators wrote: write them there, or leave "
                        "--generators out")
    folder.check(names)
    again = "remove that folder and export the graphs of this run to it (configs.generators)"
    if read_json(generators / GRAPHS_OF, again) != networks:
        raise UserError(f"--generators={generators} has graphs of networks that did not make the pairs: {again}")
    return names


def _write_pairs(folder: NewFolder, source: Source, attributes: dict) -> tuple[list[dict], tuple[int, int]]:
    """Writes the pairs in all their forms. Returns their metadata, a dict a pair, and (width, height) of a picture."""
    roles = roles_of(source.reader, source.rows)
    shards, sheets, metadata = Shards(folder, len(source.rows)), Sheets(folder), []
    with PairWriter(folder.partial / "pairs.h5", attributes) as pairs:
        for row in source.rows:
            arrays = source.reader[row]
            image, mask, fov = (arrays[ROLES[role]] for role in ROLES)
            png = {role: encode_image(arrays[ROLES[role]], ".png") for role in roles}
            for role, content in png.items():
                folder.write(f"train/{FOLDERS[role]}/{row:06d}.png", content)
            pairs.append(**{ROLES[role]: arrays[ROLES[role]] for role in roles})
            shards.append(row, **png)
            sheets.append(image, mask[..., 0])
            metadata.append({
                **{f"{role}_file_name": f"{FOLDERS[role]}/{row:06d}.png" for role in roles}, "id": row,
                "seed": source.seed,
                **{f"{stage}_sha256": source.networks[f"{stage}/generator.h5"] for stage in STAGES},
                "agreement": rounded(source.agreement[row]), "sharpness": rounded(sharpness(image, fov[..., 0])),
                **{f"{name}_distance": rounded(values[row]) for name, values in source.audit.distances.items()}})
    shards.close()
    sheets.close()
    (folder.partial / RECORD).unlink()  # PairWriter's; SHA256SUMS says more
    folder.write("train/metadata.jsonl", "".join(json.dumps(line) + "\n" for line in metadata).encode())
    return metadata, (mask.shape[1], mask.shape[0])


def _describe(folder: NewFolder, terms: Terms, source: Source, metadata: list[dict], size: tuple[int, int]) -> None:
    """Writes what people and machines read about the pairs."""
    graphs = (folder.partial / "generators").is_dir()
    folder.write("load.py", Path(__file__).with_name("load.py").read_bytes())
    folder.write("README.md", card.readme(terms, source, metadata, size, graphs).encode())
    folder.write("CITATION.cff", card.citation(terms, source.origins).encode())
    folder.write("croissant.json", croissant.describe(terms, metadata[0], folder.partial).encode())
    folder.write("index.html", gallery.page(terms, metadata, size).encode())
    folder.write(SUMS, sums(folder.partial).encode())


def roles_of(reader: PairReader, rows: Iterable[int]) -> list[str]:
    """image, mask and, where the field of view of a pair leaves out a pixel, fov."""
    return ["image", "mask", *(["fov"] if any(not reader[row]["fovs"].all() for row in rows) else [])]


def sharpness(image: np.ndarray, fov: np.ndarray) -> float:
    """Standard deviation of the Laplacian of the grey levels, inside the field of view, off its rim.

    image: uint8 (H, W, 3) RGB. fov: uint8 (H, W).
    """
    inside = cv2.erode(fov, np.ones((7, 7), np.uint8)) > 0
    laplacian = cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    return float(laplacian[inside].std()) if inside.any() else 0.0


def sums(folder: Path) -> str:
    """A line for each file, but for SHA256SUMS itself, in the format of the program sha256sum."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return "".join(f"{checksum(folder / name)}  {name}\n" for name in names if name != SUMS)


def main(values: dict[str, str]) -> None:
    out = Path(values["out"])
    with errors_in_one_line(out):
        authors = tuple(author.strip() for author in values["authors"].split(";") if author.strip())
        terms = Terms(values["name"], values["license"], authors)
        count = release(out, terms, *(Path(values[name]) for name in ("run", "store", "audit", "agreement")),
                        Path(values["generators"]) if values["generators"] else None)
    print(readable(f"synthmed: {count} pairs in {out}; open {out}/index.html"))


if __name__ == "__main__":
    from absl import app, flags

    for name, text in {"run": "Folder of the run, with stage1/ and stage2/.", "store": "The pairs (HDF5).",
                       "audit": "audit.json of these pairs.", "agreement": "agreement.json of these pairs.",
                       "name": "Name of the release.", "license": "Its licence, an SPDX identifier.",
                       "out": "The folder to make."}.items():
        flags.DEFINE_string(name, None, text, required=True)
    flags.DEFINE_string("authors", "", "Who is to be cited, with semicolons between.")
    flags.DEFINE_string("generators", "", "Folder of graphs of the generators (configs.generators), to release too.")
    app.run(lambda _: main({name: flags.FLAGS[name].value for name in (
        "run", "store", "audit", "agreement", "name", "license", "out", "authors", "generators")}))

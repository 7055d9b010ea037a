"""What a release is made from: the pairs, their audit and their scores, each read and held to the others."""
from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from data import layouts
from data.errors import UserError
from data.files import checksum, read_json
from data.pairs import PairReader

STAGES = ("stage1", "stage2")
GRAPHS_OF = "networks.json"  # in a folder of graphs: of which networks they are, as the function `generators` has them
AUDIT_VERSION = 6  # of what an audit compares, decides and tells: where that changes, raise it; pairs are audited again


@dataclass(frozen=True)
class Audit:
    """What `make audit` found. left_out: rows that no release may hold. distances: of every row to the closest training
    record, by "mask" and "photograph". table: rows of figure, value, threshold, verdict. untested: sentences that say
    what the audit could not ask."""

    left_out: frozenset[int]
    distances: dict[str, list[float]]
    table: list[list]
    untested: list[str]


@dataclass(frozen=True)
class Source:
    """reader: of the pairs. rows: those to release. agreement: of every row, as `read_agreement`. networks: as
    `generators`. origins: as `trained_on`. checksum: sha256 of the file of pairs."""

    reader: PairReader
    audit: Audit
    rows: list[int]
    agreement: list[float | None]
    networks: dict[str, str]
    origins: list[str]
    checksum: str

    @property
    def seed(self) -> int | None:
        return self.reader.attributes.get("seed")


def read_source(reader: PairReader, store: Path, run: Path, audit_file: Path, agreement_file: Path) -> Source:
    """Raises UserError where there is nothing to release: as the functions below."""
    digest, count = checksum(store), len(reader)
    audit = read_audit(audit_file, store, digest, count)
    return Source(reader, audit, [row for row in range(count) if row not in audit.left_out],
                  read_agreement(agreement_file, store, digest, count), generators(run, reader), trained_on(reader),
                  digest)


def read_audit(path: Path, store: Path, digest: str, count: int) -> Audit:
    """The audit of the `count` pairs in `store`, whose checksum is `digest`.

    Raises UserError where there is none, where it is damaged or of other pairs, and where it did not pass. Nothing
    forces a release past this.
    """
    again = "call `make audit`"
    audit = read_json(path, f"a release needs an audit of its pairs; {again}")
    if not audit.get("controls_passed"):
        raise UserError(f"{path}: the audit's own controls failed, so it shows nothing; nothing is released")
    if not audit.get("passed"):
        reasons = "; ".join(map(str, audit.get("refused", []))) or "no reason given"
        raise UserError(f"{path}: the audit refuses these pairs ({reasons}); nothing is released. `make export` writes "
                        "them for your own use")
    if audit.get("pairs_sha256") != digest:
        raise UserError(f"{path} is the audit of other pairs than {store}; {again}")
    made_from = audit.get("made_from")
    if not isinstance(made_from, dict) or made_from.get("version") != AUDIT_VERSION:
        raise UserError(f"{path} was written by another version of this program, which asked other things; {again}")
    try:
        left_out = frozenset(map(int, audit["left_out"]))
        distances = {name: [float(value) for value in audit["distances"][name]] for name in ("mask", "photograph")}
        table = [[str(cell) for cell in row] for row in audit["table"]]
        untested = [str(sentence) for sentence in audit.get("untested", [])]  # earlier audits did not say
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); {again}") from None
    if any(len(values) != count for values in distances.values()) or not left_out <= set(range(count)):
        raise UserError(f"{path} is not of the {count} pairs of {store}; {again}")
    if len(left_out) == count:
        raise UserError(f"{path} leaves out every pair; nothing is released")
    return Audit(left_out, distances, table, untested)


def refuse_leaking(path: Path) -> None:
    """UserError, which names the AUC or what was not asked, unless the audit found that both generators do not give
    away which images they were trained on, and draw no copies of them. Nothing forces weights past this."""
    audit = read_json(path, "generators are given away only after an audit; call `make audit`")
    attacks = audit.get("generators")
    if not isinstance(attacks, dict) or not attacks:
        raise UserError(f"{path} has no attack on the generators; call `make audit`")
    if audit.get("generators_passed") is not True:
        found = [f"{title}: AUC {rounded(figure['value'])}" for title, figure in attacks.items()
                 if figure and figure.get("verdict") != "passes"]
        if not found and None in attacks.values():
            raise UserError(f"{path}: Stage-II was not asked which images it was trained on, for no photographs of "
                            "PHOTOS were held out, so weights are not given away: train it on PAIRS (PHOTOS=), or with "
                            "--add_pairs")
        if not found:
            copies = len(audit.get("copies") or ())
            raise UserError(f"{path}: the networks draw copies of what they were trained on, {copies} of the pairs, "
                            "more than false alarms explain, so their weights are not given away")
        raise UserError(f"{path}: the networks tell which images they were trained on ({'; '.join(found)}; 0.5 is no "
                        "leak), so their weights are not given away")


def read_agreement(path: Path, store: Path, digest: str, count: int) -> list[float | None]:
    """Vessel F1 of each mask against what a segmenter finds in its photograph, None where it is not defined.

    Raises UserError where the file is missing, damaged, or of other pairs.
    """
    again = "remove it and call make again"
    content = read_json(path, again)
    f1 = content.get("f1_vessel")
    if content.get("pairs_sha256") != digest or not isinstance(f1, list) or len(f1) != count:
        raise UserError(f"{path} is of other pairs than {store}; {again}")
    return f1


def generators(run: Path, reader: PairReader) -> dict[str, str]:
    """{"stage1/generator.h5": sha256, ...}: the networks that drew the masks and the photographs.

    Raises UserError where one of the two stages has none, or where they did not make the pairs of `reader`.
    """
    made = {"stage1/generator.h5": (reader.attributes.get("stage1") or {}).get("weights"), "stage2/generator.h5": None,
            **{f"stage2/{name}.h5": digest for name, digest in (reader.attributes.get("weights") or {}).items()}}
    networks = {}
    for name, digest in made.items():
        if not (run / name).exists():
            raise UserError(f"{run / name} is missing: call `make {name.split('/')[0]}`")
        networks[name] = checksum(run / name)
        if digest and networks[name] != digest:
            raise UserError(f"{run / name} did not make these pairs: give the run that did, or call `make synthetic` "
                            "again")
    return networks


def trainings(reader: PairReader) -> dict[str, dict]:
    """{"stage1", "stage2": config.json of the training that made the pairs; {} where the file does not say}."""
    masks = reader.attributes.get("stage1") or {}
    return dict(zip(STAGES, (masks.get("stage1") or {}, reader.attributes.get("stage2") or {})))


def learned_from(reader: PairReader) -> dict[str, str | None]:
    """{"stage1", "stage2": checksum of the samples that it was trained on, None where the file does not say}."""
    return {stage: record.get("data", {}).get("checksum") for stage, record in trainings(reader).items()}


def trained_on(reader: PairReader) -> list[str]:
    """The data sets that Stage-I and Stage-II were trained on, as `layouts.origin` names them, each once."""
    specs = [record.get("data", {}).get(name) for record in trainings(reader).values() for name in ("pairs", "photos")]
    return list(dict.fromkeys(layouts.origin(spec) for spec in specs if spec))


def rounded(value: float | None) -> float | None:
    """To four digits, as JSON can hold it."""
    return None if value is None or not math.isfinite(value) else round(float(value), 4)

"""Audits a run and writes audit.json, audit.md, audit.html and pictures."""
from __future__ import annotations

from pathlib import Path

from absl import logging

from data.errors import UserError
from data.files import OutputFolder, json_bytes, read_json
from data.layouts import modality_of
from data.synthmed.source import AUDIT_VERSION
from unet_eval.audit import examine, inputs, report, verdict
from unet_eval.audit.kept import Kept
from unet_eval.config import AuditConfig
from unet_eval.report.publish import strict

AGAIN = "remove it and call `make audit` again"
SEED = 0  # of controls and resampling: another one would be a way to try until an audit passes


def audit(config: AuditConfig) -> dict:
    """What audit.json holds, after all is written; or what it held before, where that was made from the same.

    UserError, before anything is compared, where an input is missing or is not what the GANs learned from, or where a
    user's file lies in config.out.
    """
    folder = OutputFolder(config.out, "--out")
    folder.check([*report.FILES, "audit.json", "audit.md", "audit.html"])
    synthetic, trained = inputs.read_pairs(config)
    samples = inputs.find_real(config, trained)
    files = inputs.made_from(config, samples)
    made_from = {"version": AUDIT_VERSION, **files}
    earlier = folder.path / "audit.json"
    complete = all((folder.path / name).exists() for name in ("audit.json", "audit.md", "audit.html"))
    if complete and read_json(earlier, AGAIN).get("made_from") == made_from:
        return read_json(earlier, AGAIN)
    real = inputs.read_real(samples, trained)
    learned, attacks = inputs.read_overtrained(config), inputs.read_attacks(config, samples)
    kept = Kept(Path(config.run) / inputs.FOLDER / Path(config.store).stem, files)
    found = examine.compare(synthetic, real, modality_of(config.pairs, config.modality), SEED, kept)
    results = strict({"pairs_sha256": made_from["pairs"], "made_from": made_from,
                      **verdict.decide(synthetic, real, found, learned, attacks, SEED)})
    results |= {"distances": verdict.distances(found), "table": report.table(results).rows,
                "untested": report.untested(results)}
    pictures = report.pictures(results, found, synthetic)
    for name in report.FILES:
        if name in pictures:
            folder.write(name, pictures[name])
        elif (folder.path / name).exists():  # of an earlier audit, of other pairs
            folder.remove(name)
    folder.write("audit.md", report.markdown(results).encode())
    folder.write("audit.html", report.document(results, pictures).encode())
    folder.write("audit.json", json_bytes(results))  # last: a release looks for it
    return results


def main(config: AuditConfig) -> None:
    """Raises UserError, so that the exit status is not 0, where the pairs are refused."""
    results = audit(config)
    print(report.table(results).plain())
    logging.info("audit: %s", Path(config.out) / "audit.html")
    if not results["passed"]:
        raise UserError(f"{config.store} may not be published: {'; '.join(results['refused'])}. See {config.out}/"
                        "audit.html; `make export` writes the pairs for your own use")
    print(f"audit: {report.answer(results)}")
